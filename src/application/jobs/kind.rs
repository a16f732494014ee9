use std::time::Duration as StdDuration;

use time::Duration;

use crate::application::policy::Policy;
use crate::application::ports::JobWaits;
use crate::domain::Timestamp;
use crate::domain::mail::MailContent;
use crate::domain::token::action_token::STOP_FACTOR_RESET;

/// How long a worker has a job for itself; longer than any kind's time limit, or a second worker would begin it too.
pub(super) const LEASE: Duration = Duration::minutes(5);
/// How long a job that fails is tried again.
pub(super) const GIVE_UP_AFTER: Duration = Duration::hours(24);
const FIRST_RETRY: Duration = Duration::seconds(5);
const LONGEST_RETRY: Duration = Duration::minutes(30);

/// What a job does. Its lane, period and limits follow from that. The names are stored, and labels of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobKind {
    /// Hands over a mail that carries a token.
    TokenMail,
    /// Hands over a mail that tells of something.
    NoticeMail,
    /// Erases what is over.
    Purge,
    /// Makes a new signing key when it is time.
    RotateKeys,
    /// Removes all second factors of somebody.
    ResetFactors,
}

/// Jobs with workers of their own: however many of them wait or fail, those of other lanes are done in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Mail that somebody waits for.
    TokenMail,
    /// Mail that can wait.
    NoticeMail,
    /// Changes of accounts that were ordered for later.
    Accounts,
    /// What is done again and again, once for all replicas.
    Upkeep,
}

impl JobKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::TokenMail, Self::NoticeMail, Self::Purge, Self::RotateKeys, Self::ResetFactors];

    /// The kind of job that delivers a mail with this content.
    #[must_use]
    pub const fn for_mail(content: &MailContent) -> Self {
        if content.carries_token() { Self::TokenMail } else { Self::NoticeMail }
    }

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TokenMail => "token_mail",
            Self::NoticeMail => "notice_mail",
            Self::Purge => "purge",
            Self::RotateKeys => "rotate_keys",
            Self::ResetFactors => "reset_factors",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whose workers do it.
    #[must_use]
    pub const fn lane(self) -> Lane {
        match self {
            Self::TokenMail => Lane::TokenMail,
            Self::NoticeMail => Lane::NoticeMail,
            Self::Purge | Self::RotateKeys => Lane::Upkeep,
            Self::ResetFactors => Lane::Accounts,
        }
    }

    /// How often it is done, if it is done again and again.
    #[must_use]
    pub const fn period(self) -> Option<Duration> {
        match self {
            Self::TokenMail | Self::NoticeMail | Self::ResetFactors => None,
            Self::Purge => Some(Duration::minutes(10)),
            Self::RotateKeys => Some(Duration::minutes(1)),
        }
    }

    /// How long one attempt may take, shorter than a lease. A mail server that is slow at every step takes two and a half
    /// minutes and has the mail all the same.
    pub(super) const fn time_limit(self) -> StdDuration {
        match self {
            Self::TokenMail | Self::NoticeMail => StdDuration::from_secs(180),
            Self::Purge | Self::RotateKeys | Self::ResetFactors => StdDuration::from_secs(240),
        }
    }

    /// How long such a job may wait.
    pub(in crate::application) fn waits(self, policy: &Policy) -> JobWaits {
        let usual = match self {
            Self::TokenMail | Self::NoticeMail => Duration::ZERO,
            Self::ResetFactors => policy.factor_reset_delay,
            Self::Purge | Self::RotateKeys => self.period().unwrap_or_default(),
        };
        let longest = match self {
            // Whatever the setting was when the removal was ordered.
            Self::ResetFactors => STOP_FACTOR_RESET,
            _ => self.period().unwrap_or(LONGEST_RETRY),
        };
        JobWaits {
            kind: self.as_str(),
            usual,
            longest: longest.max(LEASE),
            lease: LEASE,
            give_up_after: self.period().is_none().then_some(GIVE_UP_AFTER),
        }
    }

    /// From when on a failure is the last one, of a job that is begun now. What is done again and again is never given up.
    pub(in crate::application) fn give_up_time(self, now: Timestamp) -> Option<Timestamp> {
        self.period().is_none().then(|| now + GIVE_UP_AFTER)
    }

    /// How long to wait after this many attempts.
    pub(super) fn pause(self, attempts: i32) -> Duration {
        let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(16);
        let longest = self.period().map_or(LONGEST_RETRY, |period| period.min(LONGEST_RETRY));
        (FIRST_RETRY * 2_i32.pow(doublings)).min(longest)
    }
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 4] = [Self::TokenMail, Self::NoticeMail, Self::Accounts, Self::Upkeep];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TokenMail => "mail.token",
            Self::NoticeMail => "mail.notice",
            Self::Accounts => "accounts",
            Self::Upkeep => "upkeep",
        }
    }

    /// How many of its jobs a process does at a time.
    #[must_use]
    pub const fn workers(self) -> usize {
        match self {
            Self::TokenMail => 4,
            Self::NoticeMail => 2,
            Self::Accounts | Self::Upkeep => 1,
        }
    }

    /// How often a process looks for what is due.
    #[must_use]
    pub const fn poll_interval(self) -> StdDuration {
        match self {
            Self::TokenMail | Self::NoticeMail => StdDuration::from_millis(500),
            Self::Accounts | Self::Upkeep => StdDuration::from_secs(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_times_double_to_half_an_hour() {
        let wait = |attempts| JobKind::TokenMail.pause(attempts);
        assert_eq!([1, 2, 3].map(wait), [5, 10, 20].map(Duration::seconds));
        assert_eq!([10, 100, i32::MAX].map(wait), [30; 3].map(Duration::minutes));
    }

    #[test]
    fn what_is_done_again_and_again_is_tried_again_before_its_next_time_and_never_given_up() {
        assert_eq!([1, 2, 10].map(|attempts| JobKind::RotateKeys.pause(attempts)), [5, 10, 60].map(Duration::seconds));
        for kind in JobKind::ALL {
            let is_given_up = kind.give_up_time(Timestamp::UNIX_EPOCH).is_some();
            assert_eq!(is_given_up, kind.period().is_none(), "{kind:?}");
        }
    }

    #[test]
    fn no_attempt_outlasts_its_lease() {
        assert!(JobKind::ALL.iter().all(|kind| kind.time_limit() < LEASE.unsigned_abs()));
    }

    #[test]
    fn names_stay_as_they_are_stored() {
        let names = JobKind::ALL.map(|kind| (kind.as_str(), kind.lane().as_str()));
        let stored = [
            ("token_mail", "mail.token"),
            ("notice_mail", "mail.notice"),
            ("purge", "upkeep"),
            ("rotate_keys", "upkeep"),
            ("reset_factors", "accounts"),
        ];
        assert_eq!(names, stored);
        assert!(JobKind::ALL.into_iter().all(|kind| JobKind::parse(kind.as_str()) == Some(kind)));
        assert_eq!(JobKind::parse("mail"), None);
    }
}

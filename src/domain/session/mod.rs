//! Sessions: what a sign-in begins and a refresh prolongs.

pub mod authentication;
pub mod challenge;
pub mod client;
pub mod origin;
pub mod refresh_token;

use time::Duration;

use super::Timestamp;
use super::id::{SessionId, UserId};
use super::named_enum::named_enum;
use super::secret::Digest;
use super::token::signing_key::MAX_SKEW;
use authentication::{Aal2Lifetimes, AssuranceLevel, Authentication};
use client::{Client, ClientId, ClientLabel};
use refresh_token::RefreshToken;

/// How many live sessions a person may have; the oldest makes room for a new one.
pub const MAX_PER_USER: i64 = 50;

/// How long sessions live.
#[derive(Debug, Clone, Copy)]
pub struct SessionLifetimes {
    /// From the sign-in, whatever happens.
    pub absolute: Duration,
    /// Since the last refresh.
    pub idle: Duration,
    /// How long the token that was just retired still yields its successor.
    pub refresh_grace: Duration,
    /// How long its tokens tell of two factors.
    pub aal2: Aal2Lifetimes,
}

named_enum! {
    /// Why a session ended.
    EndReason {
        /// The person signed out.
        Logout = "logout",
        /// The person or an operator ended it from elsewhere.
        Revoked = "revoked",
        /// The password was replaced.
        PasswordChanged = "password_changed",
        /// A retired refresh token came back.
        TokenReuse = "token_reuse",
        /// It made room for a newer session.
        Evicted = "evicted",
        /// The same person signed in anew from it.
        Replaced = "replaced",
        /// The person's second factors were changed.
        FactorsChanged = "factors_changed",
        /// The account was suspended or deleted.
        AccountClosed = "account_closed",
    }
}

/// A signed-in device or program. One row for its whole life, however often it is refreshed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Names the session; the claim `sid`.
    pub id: SessionId,
    /// Whose session it is.
    pub user_id: UserId,
    /// The client that signed in on the person's behalf: the claim `client_id`.
    pub client_id: ClientId,
    /// The session that this one was derived from, if any.
    pub parent_id: Option<SessionId>,
    /// Where the sign-in came from.
    pub client: Client,
    /// The client's name for itself.
    pub label: ClientLabel,
    /// The other service its tokens are for, if any.
    pub audience: Option<String>,
    /// How the person signed in.
    pub authentication: Authentication,
    /// When it began.
    pub create_time: Timestamp,
    /// Until when its tokens tell of two factors; none if it never reached that level, or lost it.
    pub aal2_expire_time: Option<Timestamp>,
    /// When it was last refreshed.
    pub last_seen_time: Timestamp,
    /// When it ends whatever happens.
    pub expire_time: Timestamp,
    /// When it ends unless refreshed.
    pub idle_expire_time: Timestamp,
    /// When and why it ended before its time.
    pub end: Option<(Timestamp, EndReason)>,
    /// The state of its refresh token.
    pub refresh: RefreshState,
}

/// The live refresh token of a session and the one before it, as digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshState {
    /// Which token is live, counted from one.
    pub generation: u32,
    /// The live token.
    pub current: Digest,
    /// The token it replaced.
    pub previous: Option<Digest>,
    /// When it replaced it.
    pub rotate_time: Timestamp,
}

/// What to do with a refresh token that this service once issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshVerdict {
    /// It is the live one: replace it.
    Rotate,
    /// It was just replaced and the answer was lost: give the same successor again.
    Repeat,
    /// It was retired before: somebody has a copy, so the session must end.
    Reused,
    /// The session is over.
    Over,
}

impl Session {
    /// Whether the session continues at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.end.is_none() && now < self.expire_time && now < self.idle_expire_time
    }

    /// What its tokens tell at `now` of how sure it is who uses it.
    #[must_use]
    pub fn level(&self, now: Timestamp) -> AssuranceLevel {
        let counts = |end| now < end && self.last_seen_time <= now + MAX_SKEW;
        if self.aal2_expire_time.is_some_and(counts) { AssuranceLevel::Aal2 } else { AssuranceLevel::Aal1 }
    }

    /// Decides about a refresh token of this session.
    #[must_use]
    pub fn judge(&self, token: &RefreshToken, now: Timestamp, grace: Duration) -> RefreshVerdict {
        if !self.is_live(now) {
            return RefreshVerdict::Over;
        }
        let digest = token.digest();
        if digest == self.refresh.current {
            return RefreshVerdict::Rotate;
        }
        let since = now - self.refresh.rotate_time;
        let in_grace = since >= -MAX_SKEW && since < grace;
        if in_grace && self.refresh.previous == Some(digest) {
            return RefreshVerdict::Repeat;
        }
        RefreshVerdict::Reused
    }

    /// Puts the successor of the live token in its place and prolongs the idle time, and the time of two factors unless
    /// that has passed: nothing brings it back then. Of what a clock stored that was ahead, no more stays than is allowed
    /// from now on.
    pub fn rotate(&mut self, successor: &RefreshToken, now: Timestamp, lifetimes: SessionLifetimes) {
        self.refresh = RefreshState {
            generation: successor.generation(),
            current: successor.digest(),
            previous: Some(self.refresh.current),
            rotate_time: now,
        };
        let is_aal2 = self.level(now) == AssuranceLevel::Aal2;
        self.authentication = self.authentication.believed(now);
        self.aal2_expire_time = self.authentication.aal2_expire_time(now, lifetimes.aal2).filter(|_| is_aal2);
        self.last_seen_time = now;
        self.expire_time = self.expire_time.min(now + lifetimes.absolute);
        self.idle_expire_time = (now + lifetimes.idle).min(self.expire_time);
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::super::secret::SecretKey;
    use super::authentication::{Proof, ProofKind};
    use super::*;

    const LIFETIMES: SessionLifetimes = SessionLifetimes {
        absolute: Duration::days(30),
        idle: Duration::days(14),
        refresh_grace: Duration::seconds(10),
        aal2: Aal2Lifetimes { lifetime: Duration::hours(24), idle: Duration::hours(1) },
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::seconds(seconds)
    }

    fn session() -> (Session, RefreshToken) {
        let id = SessionId::new(at(0), &[1; 10]);
        let token = RefreshToken::first(id, &[9; 32]);
        let session = Session {
            id,
            user_id: UserId::new(at(0), &[2; 10]),
            client_id: ClientId::first_party(),
            parent_id: None,
            client: Client::new(IpAddr::from([127, 0, 0, 1]), ""),
            label: ClientLabel::default(),
            audience: None,
            authentication: Authentication::new(Proof { kind: ProofKind::Password, time: at(0) }),
            create_time: at(0),
            aal2_expire_time: None,
            last_seen_time: at(0),
            expire_time: at(0) + LIFETIMES.absolute,
            idle_expire_time: at(0) + LIFETIMES.idle,
            end: None,
            refresh: RefreshState { generation: 1, current: token.digest(), previous: None, rotate_time: at(0) },
        };
        (session, token)
    }

    #[test]
    fn the_immediate_predecessor_repeats_within_the_grace_and_only_then() {
        let key = SecretKey::new([1; 32]);
        let grace = LIFETIMES.refresh_grace;
        let (mut session, first) = session();
        assert_eq!(session.judge(&first, at(5), grace), RefreshVerdict::Rotate);
        let second = first.successor(&key);
        session.rotate(&second, at(5), LIFETIMES);
        assert_eq!(session.judge(&first, at(14), grace), RefreshVerdict::Repeat);
        assert_eq!(session.judge(&first, at(15), grace), RefreshVerdict::Reused);
        assert_eq!(session.judge(&second, at(15), grace), RefreshVerdict::Rotate);
        session.rotate(&second.successor(&key), at(6), LIFETIMES);
        assert_eq!(session.judge(&first, at(6), grace), RefreshVerdict::Reused);
    }

    #[test]
    fn refreshing_prolongs_the_idle_time_but_never_the_absolute_one() {
        let key = SecretKey::new([1; 32]);
        let (mut session, mut token) = session();
        for day in (10..30).step_by(10) {
            let now = at(0) + Duration::days(day);
            assert!(session.is_live(now));
            token = token.successor(&key);
            session.rotate(&token, now, LIFETIMES);
        }
        assert_eq!(session.idle_expire_time, session.expire_time);
        assert!(!session.is_live(at(0) + Duration::days(30)));
        assert_eq!(session.judge(&token, session.expire_time, LIFETIMES.refresh_grace), RefreshVerdict::Over);
    }

    #[test]
    fn refreshing_prolongs_the_time_of_two_factors_until_it_has_passed() {
        let key = SecretKey::new([1; 32]);
        let (mut session, mut token) = session();
        session.authentication = session.authentication.step_up(Proof { kind: ProofKind::Totp, time: at(0) }, false);
        session.aal2_expire_time = session.authentication.aal2_expire_time(at(0), LIFETIMES.aal2);
        let mut refresh = |session: &mut Session, minute: i64| {
            token = token.successor(&key);
            session.rotate(&token, at(minute * 60), LIFETIMES);
        };
        for (minute, end) in [(59, 119), (118, 178), (177, 237)] {
            refresh(&mut session, minute);
            assert_eq!(session.aal2_expire_time, Some(at(end * 60)));
        }
        assert_eq!(session.level(at(237 * 60) - Duration::MICROSECOND), AssuranceLevel::Aal2);
        assert_eq!(session.level(at(237 * 60)), AssuranceLevel::Aal1);
        refresh(&mut session, 237);
        assert_eq!((session.aal2_expire_time, session.level(at(237 * 60))), (None, AssuranceLevel::Aal1));
        refresh(&mut session, 238);
        assert_eq!(session.aal2_expire_time, None);
    }

    #[test]
    fn two_factors_count_for_a_day_however_often_a_session_is_refreshed() {
        let key = SecretKey::new([1; 32]);
        let (mut session, mut token) = session();
        session.authentication = session.authentication.step_up(Proof { kind: ProofKind::Totp, time: at(0) }, false);
        session.aal2_expire_time = session.authentication.aal2_expire_time(at(0), LIFETIMES.aal2);
        for half_hour in 1..48 {
            token = token.successor(&key);
            session.rotate(&token, at(half_hour * 1800), LIFETIMES);
            assert_eq!(session.level(at(half_hour * 1800)), AssuranceLevel::Aal2);
        }
        assert_eq!(session.aal2_expire_time, Some(at(0) + Duration::hours(24)));
        session.rotate(&token, at(48 * 1800), LIFETIMES);
        assert_eq!(session.aal2_expire_time, None);
    }

    #[test]
    fn an_idle_or_ended_session_is_over() {
        let (mut session, token) = session();
        assert!(!session.is_live(at(0) + Duration::days(14)));
        session.idle_expire_time = at(0) + Duration::days(60);
        assert!(session.is_live(session.expire_time - Duration::MICROSECOND) && !session.is_live(session.expire_time));
        session.end = Some((at(1), EndReason::Logout));
        assert_eq!(session.judge(&token, at(2), LIFETIMES.refresh_grace), RefreshVerdict::Over);
    }
}

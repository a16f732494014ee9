//! Limits on attempts: how long to wait after failures, how many mails an address gets, and how many events are kept.

use std::net::IpAddr;

use time::Duration;

use crate::domain::Timestamp;
use crate::domain::audit::AuditType;
use crate::domain::id::UserId;
use crate::domain::secret::{Digest, SecretKey};

/// How many consecutive failures disable an account's password until it is reset (NIST SP 800-63B-4, section 3.2.2).
pub const HARD_LIMIT: i32 = 100;

/// Names a counter without telling whose it is: a keyed digest, so that the table holds no addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThrottleKey([u8; 32]);

impl ThrottleKey {
    /// The counter of failed sign-ins under a name, with or without an account. `identifier` is in its canonical form.
    #[must_use]
    pub fn identifier(key: &SecretKey, identifier: &str) -> Self {
        Self(key.mac(&[b"identifier", identifier.as_bytes()]))
    }

    /// The counter of what a person causes of one kind.
    #[must_use]
    pub fn account(key: &SecretKey, kind: &str, user_id: UserId) -> Self {
        Self(key.mac(&[b"account", kind.as_bytes(), user_id.as_uuid().as_bytes()]))
    }

    /// The counter of events of one kind from a network.
    #[must_use]
    pub fn network(key: &SecretKey, kind: &str, network: IpAddr) -> Self {
        Self(key.mac(&[b"network", kind.as_bytes(), network.to_string().as_bytes()]))
    }

    /// The counter of mails of one kind to an address, in its canonical form.
    #[must_use]
    pub fn mail(key: &SecretKey, kind: &str, address: &str) -> Self {
        Self(key.mac(&[b"mail", kind.as_bytes(), address.as_bytes()]))
    }

    /// The counter of events of one kind in the audit trail that have the same cause: an id or another counter, which
    /// cannot be guessed, so that no key is needed.
    #[must_use]
    pub fn events(kind: AuditType, cause: &[u8]) -> Self {
        Self(*Digest::of(&[kind.as_str().as_bytes(), b"/", cause].concat()).as_bytes())
    }

    /// The key's bytes, for stores.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A counter as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// How many events were counted since the count began.
    pub count: i32,
    /// When the first of them happened.
    pub first_time: Timestamp,
    /// When the last of them happened.
    pub last_time: Timestamp,
}

/// How events such as failures slow further attempts down: freely at first, then waiting times that double.
#[derive(Debug, Clone, Copy)]
pub struct SlowDown {
    /// From this event on, there is a waiting time.
    pub first_delayed: i32,
    /// The longest waiting time.
    pub longest_delay: Duration,
    /// After this time without an event the count begins anew.
    pub forget_after: Duration,
}

impl SlowDown {
    /// For one account: from the fifth failure a second, doubling up to an hour.
    pub const ACCOUNT: Self =
        Self { first_delayed: 5, longest_delay: Duration::hours(1), forget_after: Duration::days(1) };
    /// For one network, which many people may share: from the hundredth failure a second, doubling up to a minute.
    pub const NETWORK: Self =
        Self { first_delayed: 100, longest_delay: Duration::minutes(1), forget_after: Duration::minutes(15) };
    /// For sign-ups and requests for mail from one network: from the thousandth a second, doubling up to a minute.
    pub const REQUESTS: Self =
        Self { first_delayed: 1000, longest_delay: Duration::minutes(1), forget_after: Duration::minutes(15) };

    /// How long an attempt at `now` has to wait; `None`: not at all.
    #[must_use]
    pub fn wait(&self, throttle: Option<Throttle>, now: Timestamp) -> Option<Duration> {
        let throttle = throttle?;
        let remaining = throttle.last_time + self.delay(throttle.count)? - now;
        remaining.is_positive().then_some(remaining)
    }

    /// The same rule for stores: an attempt at `now` does not have to wait if, for any of these pairs, there were at most
    /// so many events and the last of them was not later.
    pub fn free_of_waiting(&self, now: Timestamp) -> impl Iterator<Item = (i32, Option<Timestamp>)> + '_ {
        let growing = (self.first_delayed..).map(|count| (count, self.delay(count)));
        let growing = growing.take_while(|(_, delay)| delay.is_some_and(|delay| delay < self.longest_delay));
        let growing = growing.map(move |(count, delay)| (count, delay.map(|delay| now - delay)));
        [(self.first_delayed - 1, None)].into_iter().chain(growing).chain([(i32::MAX, Some(now - self.longest_delay))])
    }

    /// The waiting time after so many events.
    fn delay(&self, count: i32) -> Option<Duration> {
        let doublings = u32::try_from(count - self.first_delayed).ok()?.min(20);
        Some(Duration::seconds(1_i64 << doublings).min(self.longest_delay))
    }
}

/// How many things of one kind may happen.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// The shortest time between two.
    pub gap: Duration,
    /// The most within one window.
    pub most: i32,
    /// The length of the window, from the first in it.
    pub window: Duration,
}

impl Budget {
    /// For mails of one kind to an address: one a minute and five an hour.
    pub const MAIL: Self = Self { gap: Duration::minutes(1), most: 5, window: Duration::hours(1) };
    /// For events of one kind in the audit trail that cost whoever causes them next to nothing: five an hour.
    pub const EVENTS: Self = Self { gap: Duration::ZERO, most: 5, window: Duration::hours(1) };
    /// For access tokens of one session or API key that are revoked one by one: a hundred an hour. All processes and all
    /// who watch hold each of them for as long.
    pub const REVOKED_TOKENS: Self = Self { gap: Duration::ZERO, most: 100, window: Duration::hours(1) };

    /// For changes of one's own profile: sixty an hour.
    pub const PROFILE_CHANGES: Self = Self { gap: Duration::ZERO, most: 60, window: Duration::hours(1) };
    /// For requests to change one's own address, each of which mails somebody: ten an hour.
    pub const ADDRESS_CHANGES: Self = Self { gap: Duration::ZERO, most: 10, window: Duration::hours(1) };
    /// For exports of one's own data: ten an hour.
    pub const DATA_EXPORTS: Self = Self { gap: Duration::ZERO, most: 10, window: Duration::hours(1) };
    /// For changes of one's own second factors, of which some take ten slow hashes: sixty an hour.
    pub const FACTOR_CHANGES: Self = Self { gap: Duration::ZERO, most: 60, window: Duration::hours(1) };
    /// For ending one's own sessions by hand: six hundred an hour.
    pub const SESSION_ENDS: Self = Self { gap: Duration::ZERO, most: 600, window: Duration::hours(1) };
    /// For sign-ins of one account: one a second, on average of an hour. All processes hold each session that was ended
    /// for as long as an access token lives.
    pub const SIGN_INS: Self = Self { gap: Duration::ZERO, most: 3600, window: Duration::hours(1) };

    /// For all accounts of one network together, which many people may share: twenty times as much.
    #[must_use]
    pub const fn of_network(self) -> Self {
        Self { gap: Duration::ZERO, most: self.most * 20, window: self.window }
    }

    /// Whether there is room for one more at `now`.
    #[must_use]
    pub fn has_room(&self, counted: Option<Throttle>, now: Timestamp) -> bool {
        counted.is_none_or(|counted| {
            let is_in_window = now < counted.first_time + self.window;
            let gap_is_over = self.gap.is_zero() || now >= counted.last_time + self.gap;
            gap_is_over && (counted.count < self.most || !is_in_window)
        })
    }

    /// How long it takes at `now` until a full window is over.
    #[must_use]
    pub fn rest(&self, counted: Option<Throttle>, now: Timestamp) -> Duration {
        counted.map_or(self.window, |counted| counted.first_time + self.window - now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::seconds(seconds)
    }

    fn wait(count: i32, now: Timestamp) -> Option<Duration> {
        SlowDown::ACCOUNT.wait(Some(Throttle { count, first_time: at(0), last_time: at(100) }), now)
    }

    #[test]
    fn waiting_times_begin_at_the_fifth_failure_and_double_to_an_hour() {
        assert_eq!(SlowDown::ACCOUNT.wait(None, at(100)), None);
        assert_eq!(wait(4, at(100)), None);
        assert_eq!(wait(5, at(100)), Some(Duration::seconds(1)));
        assert_eq!(wait(5, at(101)), None);
        assert_eq!(wait(8, at(100)), Some(Duration::seconds(8)));
        for count in [17, 99, 100, i32::MAX] {
            assert_eq!(wait(count, at(100)), Some(Duration::hours(1)), "{count}");
        }
    }

    #[test]
    fn the_rule_for_stores_is_the_same() {
        for rule in [SlowDown::ACCOUNT, SlowDown::NETWORK, SlowDown::REQUESTS] {
            let pairs: Vec<_> = rule.free_of_waiting(at(10_000)).collect();
            for count in (0..30).chain(90..130).chain(995..1015).chain([i32::MAX]) {
                for age in (0..70).chain([512, 1024, 2047, 2048, 3599, 3600, 4000]) {
                    let last = at(10_000 - age);
                    let counted = Throttle { count, first_time: last, last_time: last };
                    let is_free =
                        pairs.iter().any(|&(most, latest)| count <= most && latest.is_none_or(|latest| last <= latest));
                    assert_eq!(is_free, rule.wait(Some(counted), at(10_000)).is_none(), "{count} events, {age} s ago");
                }
            }
        }
    }

    #[test]
    fn a_budget_has_room_after_the_gap_and_for_so_many_in_a_window() {
        let room =
            |count, now| Budget::MAIL.has_room(Some(Throttle { count, first_time: at(0), last_time: at(60) }), now);
        assert!(Budget::MAIL.has_room(None, at(0)));
        assert_eq!((room(1, at(119)), room(1, at(120))), (false, true));
        assert_eq!((room(4, at(3599)), room(5, at(3599)), room(5, at(3600))), (true, false, true));
        let events =
            |count| Budget::EVENTS.has_room(Some(Throttle { count, first_time: at(0), last_time: at(0) }), at(0));
        assert_eq!((events(4), events(5)), (true, false));
        // A call that came earlier and took longer.
        let overtaken = Throttle { count: 4, first_time: at(0), last_time: at(60) };
        assert!(Budget::EVENTS.has_room(Some(overtaken), at(59)) && !Budget::MAIL.has_room(Some(overtaken), at(59)));
    }

    #[test]
    fn a_full_window_is_over_a_window_after_its_first_event() {
        let counted = Throttle { count: 5, first_time: at(10), last_time: at(100) };
        assert_eq!(Budget::MAIL.rest(Some(counted), at(100)), Duration::seconds(3510));
        assert_eq!(Budget::MAIL.rest(None, at(100)), Duration::hours(1));
    }

    #[test]
    fn a_network_has_room_for_twenty_accounts_without_a_gap() {
        let network = Budget::MAIL.of_network();
        let room = |count| network.has_room(Some(Throttle { count, first_time: at(0), last_time: at(0) }), at(0));
        assert_eq!((room(99), room(100)), (true, false));
    }

    #[test]
    fn keys_tell_kinds_apart() {
        let key = SecretKey::new([1; 32]);
        assert_ne!(ThrottleKey::mail(&key, "reset", "a@b.de"), ThrottleKey::mail(&key, "verify", "a@b.de"));
        assert_ne!(
            ThrottleKey::identifier(&key, "a@b.de"),
            ThrottleKey::identifier(&SecretKey::new([2; 32]), "a@b.de")
        );
    }
}

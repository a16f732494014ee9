//! The installation's root secrets, from which the keys of all purposes but signing derive, and how they replace each other.

use time::Duration;

use crate::domain::Timestamp;
use crate::domain::secret::SecretKey;

/// How long before its use a root secret is stored: every replica accepts what is made under it before any makes something.
pub const LEAD: Duration = Duration::minutes(5);
/// How many there may be at a time.
pub const MAX_ROOT_SECRETS: u32 = 8;

/// A root secret.
#[derive(Debug, Clone)]
pub struct RootSecret {
    /// Its name in the store.
    pub name: String,
    /// The secret.
    pub secret: SecretKey,
    /// When it was made.
    pub create_time: Timestamp,
}

/// The root secrets that are accepted, the one in use first.
///
/// The first of all is in use at once, each later one after its lead. One that was replaced is accepted for as long as
/// something made under it may be shown, which is `keep`.
#[must_use]
pub fn accepted(mut secrets: Vec<RootSecret>, keep: Duration, now: Timestamp) -> Vec<RootSecret> {
    secrets.sort_by_key(|root| root.create_time);
    let from = |root: &RootSecret| root.create_time + LEAD;
    let current = secrets.iter().rposition(|root| from(root) <= now).unwrap_or(0);
    let over = (0..current).filter(|&place| from(&secrets[place + 1]) + keep <= now).count();
    let mut accepted = secrets.split_off(over);
    if let Some(until_current) = accepted.get_mut(..=current - over) {
        until_current.rotate_right(1);
    }
    accepted
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP: Duration = Duration::days(30);

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::minutes(minutes)
    }

    fn names(made: &[i64], now: Timestamp) -> Vec<String> {
        let root = |&minutes: &i64| RootSecret {
            name: minutes.to_string(),
            secret: SecretKey::new([0; 32]),
            create_time: at(minutes),
        };
        accepted(made.iter().map(root).collect(), KEEP, now).into_iter().map(|root| root.name).collect()
    }

    #[test]
    fn the_first_is_in_use_at_once() {
        assert_eq!(names(&[0], at(0)), ["0"]);
        assert_eq!(names(&[0], at(0) - Duration::days(400)), ["0"], "also by a clock that is behind");
        assert_eq!(names(&[], at(0)), [""; 0]);
    }

    #[test]
    fn a_later_one_is_accepted_before_it_is_used() {
        assert_eq!(names(&[0, 100], at(100)), ["0", "100"]);
        assert_eq!(names(&[0, 100], at(105) - Duration::nanoseconds(1)), ["0", "100"]);
        assert_eq!(names(&[0, 100], at(105)), ["100", "0"]);
        assert_eq!(names(&[0, 100, 102], at(106)), ["100", "0", "102"]);
        assert_eq!(names(&[0, 100, 102], at(107)), ["102", "0", "100"]);
    }

    #[test]
    fn a_replaced_one_is_accepted_for_as_long_as_it_may_be_needed() {
        assert_eq!(names(&[0, 100], at(105) + KEEP - Duration::nanoseconds(1)), ["100", "0"]);
        assert_eq!(names(&[0, 100], at(105) + KEEP), ["100"]);
        assert_eq!(names(&[0, 100, 200], at(105) + KEEP), ["200", "100"]);
    }
}

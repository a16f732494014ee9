//! All signing keys of the installation, and how their times fit together: from each moment on, exactly one key signs.

use time::Duration;

use super::signing_key::{LEAD, MAX_SKEW, SigningKey, SigningKeyState};
use crate::domain::Timestamp;

/// The most keys that verifiers are told of at a time.
pub const MAX_KEYS: u32 = 32;

/// The keys of the installation. Those that sign or are about to stand in line: each one retires at the moment in which
/// the next one begins, and the last one has no end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRing {
    keys: Vec<SigningKey>,
}

impl KeyRing {
    /// The ring of these keys, in any order.
    #[must_use]
    pub fn new(keys: Vec<SigningKey>) -> Self {
        let mut ring = Self { keys };
        ring.sort();
        ring
    }

    /// All keys, also those that are over; first the one that begins to sign last.
    #[must_use]
    pub fn keys(&self) -> &[SigningKey] {
        &self.keys
    }

    /// The key of this name.
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<&SigningKey> {
        self.keys.iter().find(|key| key.kid == kid)
    }

    /// The key that signs at `now`.
    #[must_use]
    pub fn signer(&self, now: Timestamp) -> Option<&SigningKey> {
        self.keys
            .iter()
            .filter_map(|key| Some((key.waits(now)?, key)))
            .min_by_key(|(wait, _)| *wait)
            .map(|(_, key)| key)
    }

    /// The last key in line: the one that a new one follows.
    #[must_use]
    pub fn last(&self, now: Timestamp) -> Option<&SigningKey> {
        self.keys.iter().filter(|key| stands_in_line(key, now)).max_by_key(|key| key.activate_time)
    }

    /// Whether verifiers can be told of no further key at `now`.
    #[must_use]
    pub fn is_full(&self, now: Timestamp) -> bool {
        self.keys.iter().filter(|key| key.is_listed(now)).count() >= MAX_KEYS as usize
    }

    /// Whether it is time to publish a successor, so that no key signs for longer than `lifetime`.
    #[must_use]
    pub fn is_due(&self, lifetime: Duration, now: Timestamp) -> bool {
        self.last(now).is_none_or(|last| last.activate_time + lifetime - LEAD <= now)
    }

    /// Adds a new key at the end of the line. It begins to sign after its lead, and after the key before it, even if that
    /// was published by a clock that is ahead. Without any other key it signs at once: tokens cannot wait for verifiers.
    pub fn publish(&mut self, mut key: SigningKey, now: Timestamp) {
        key.activate_time = match self.last(now) {
            None => now,
            Some(last) => (now + LEAD).max(last.activate_time + Duration::MICROSECOND),
        };
        self.keys.push(key);
        self.line_up(now);
    }

    /// Drops a key at once. If it signed, the next one in line begins now; if there is none, none signs until another one
    /// is published. If it was to sign, the one before it continues. Whether verifiers were told of such a key.
    pub fn revoke(&mut self, kid: &str, now: Timestamp) -> bool {
        let Some(key) = self.keys.iter_mut().find(|key| key.kid == kid && key.is_listed(now)) else { return false };
        key.retire_time = Some(key.retire_time.map_or(now, |time| time.min(now)));
        key.drop_time = Some(now);
        self.line_up(now);
        true
    }

    /// Whether a clock published a key that was ahead of `now`, by more than clocks may differ.
    #[must_use]
    pub fn has_future(&self, now: Timestamp) -> bool {
        self.keys.iter().any(|key| is_future(key, now))
    }

    /// Drops the keys that a clock published which was ahead, and lets those before them continue. If there are no others,
    /// none signs until another one is published.
    pub fn drop_future(&mut self, now: Timestamp) {
        for key in self.keys.iter_mut().filter(|key| is_future(key, now)) {
            (key.create_time, key.activate_time) = (now, now);
            (key.retire_time, key.drop_time) = (Some(now), Some(now));
        }
        self.line_up(now);
    }

    /// Whether a key is published that takes the place of the one that signs at `now`.
    #[must_use]
    pub fn is_succeeded(&self, now: Timestamp) -> bool {
        self.keys.iter().any(|key| key.state(now) == SigningKeyState::Published)
    }

    fn line_up(&mut self, now: Timestamp) {
        let mut line: Vec<&mut SigningKey> = self.keys.iter_mut().filter(|key| stands_in_line(key, now)).collect();
        line.sort_by_key(|key| key.activate_time);
        if let Some(first) = line.first_mut() {
            first.activate_time = first.activate_time.min(now);
        }
        let ends: Vec<_> = line.iter().skip(1).map(|next| Some(next.activate_time)).chain([None]).collect();
        for (key, end) in line.into_iter().zip(ends) {
            key.retire_at(end);
        }
        self.sort();
    }

    fn sort(&mut self) {
        self.keys.sort_by(|one, other| (other.activate_time, &other.kid).cmp(&(one.activate_time, &one.kid)));
    }
}

fn stands_in_line(key: &SigningKey, now: Timestamp) -> bool {
    matches!(key.state(now), SigningKeyState::Published | SigningKeyState::Active)
}

/// A key that is over is of no interest.
fn is_future(key: &SigningKey, now: Timestamp) -> bool {
    key.is_listed(now) && key.create_time > now + MAX_SKEW
}

#[cfg(test)]
mod tests;

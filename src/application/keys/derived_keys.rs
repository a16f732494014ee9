//! The keys that derive from the installation's root secrets, one for each purpose.

use super::rotated_key::RotatedKey;
use crate::domain::secret::SecretKey;
use crate::domain::token::root_secret::RootSecret;

const REFRESH_TOKENS: &str = "refresh token";
const PAGE_TOKENS: &str = "page token";
const REPEATED_REQUESTS: &str = "repeated request";
const THROTTLES: &str = "throttle";

/// All of them. What is stored or handed out under a key is void once its label changes.
#[derive(Debug, Clone)]
pub struct DerivedKeys {
    /// Marks refresh tokens as issued here, and makes the successor of each.
    pub refresh_tokens: RotatedKey,
    /// Marks page tokens as issued here.
    pub page_tokens: RotatedKey,
    /// Digests requests that may be repeated, as they may hold a password.
    pub repeated_requests: RotatedKey,
    /// Names the counters of attempts without telling whose they are. It stays: under another name, a counter would begin
    /// anew.
    pub throttles: SecretKey,
}

impl DerivedKeys {
    /// Derives the keys from the root secret in use.
    #[must_use]
    pub fn new(root: &SecretKey, throttles: SecretKey) -> Self {
        Self {
            refresh_tokens: RotatedKey::new(root.derive(REFRESH_TOKENS)),
            page_tokens: RotatedKey::new(root.derive(PAGE_TOKENS)),
            repeated_requests: RotatedKey::new(root.derive(REPEATED_REQUESTS)),
            throttles,
        }
    }

    /// The key of counters that an installation begins with.
    pub(super) fn first_throttles(root: &SecretKey) -> SecretKey {
        root.derive(THROTTLES)
    }

    /// Derives the keys anew, from the accepted root secrets with the one in use first.
    pub(super) fn replace(&self, roots: &[RootSecret]) {
        let Some((current, others)) = roots.split_first() else { return };
        for (key, purpose) in [
            (&self.refresh_tokens, REFRESH_TOKENS),
            (&self.page_tokens, PAGE_TOKENS),
            (&self.repeated_requests, REPEATED_REQUESTS),
        ] {
            let others = others.iter().map(|root| root.secret.derive(purpose)).collect();
            key.replace(current.secret.derive(purpose), others);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    fn begins(key: &SecretKey) -> [u8; 8] {
        *key.expose().first_chunk().unwrap()
    }

    /// Computed apart from this code: HMAC-SHA-256 over both parts of the label, each after its length.
    #[test]
    fn the_labels_stay_as_they_are() {
        let root = SecretKey::new([7; 32]);
        let keys = DerivedKeys::new(&root, DerivedKeys::first_throttles(&root));
        for (key, expected) in [
            (keys.refresh_tokens.current(), [0xaf, 0xf6, 0x99, 0x38, 0xf4, 0xc1, 0xb5, 0x0b]),
            (keys.throttles, [0x6e, 0x76, 0x88, 0x7b, 0xdc, 0x50, 0x13, 0xd8]),
            (keys.page_tokens.current(), [0xf1, 0x80, 0xb1, 0xbf, 0x1c, 0x98, 0x5a, 0x3e]),
            (keys.repeated_requests.current(), [0x2f, 0x94, 0xd2, 0x56, 0x2d, 0x60, 0x5f, 0x8a]),
        ] {
            assert_eq!(begins(&key), expected);
        }
    }

    #[test]
    fn whoever_holds_a_key_sees_its_replacement() {
        let [old, new] = [1, 2].map(|byte| SecretKey::new([byte; 32]));
        let keys = DerivedKeys::new(&old, DerivedKeys::first_throttles(&old));
        let held = keys.page_tokens.clone();
        let before = held.current();
        let root = |secret: SecretKey| RootSecret { name: String::new(), secret, create_time: Timestamp::UNIX_EPOCH };
        keys.replace(&[root(new), root(old)]);
        assert_ne!(begins(&held.current()), begins(&before));
        assert_eq!(held.find(|key| (begins(key) == begins(&before)).then_some(())), Some(()));
        assert_eq!(held.find(|key| (begins(key) == [0; 8]).then_some(())), None);
    }
}

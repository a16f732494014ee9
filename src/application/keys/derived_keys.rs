//! The keys that derive from the installation's root secret, one for each purpose.

use crate::domain::secret::SecretKey;

/// All of them. What is stored or handed out under a key is void once its label changes.
#[derive(Debug, Clone)]
pub struct DerivedKeys {
    /// Marks refresh tokens as issued here, and makes the successor of each.
    pub refresh_tokens: SecretKey,
    /// Names the counters of attempts without telling whose they are.
    pub throttles: SecretKey,
    /// Marks page tokens as issued here.
    pub page_tokens: SecretKey,
    /// Digests requests that may be repeated, as they may hold a password.
    pub repeated_requests: SecretKey,
}

impl DerivedKeys {
    /// Derives the keys.
    #[must_use]
    pub fn new(root: &SecretKey) -> Self {
        Self {
            refresh_tokens: root.derive("refresh token"),
            throttles: root.derive("throttle"),
            page_tokens: root.derive("page token"),
            repeated_requests: root.derive("repeated request"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed apart from this code: HMAC-SHA-256 over both parts of the label, each after its length.
    #[test]
    fn the_labels_stay_as_they_are() {
        let keys = DerivedKeys::new(&SecretKey::new([7; 32]));
        for (key, begins) in [
            (keys.refresh_tokens, [0xaf, 0xf6, 0x99, 0x38, 0xf4, 0xc1, 0xb5, 0x0b]),
            (keys.throttles, [0x6e, 0x76, 0x88, 0x7b, 0xdc, 0x50, 0x13, 0xd8]),
            (keys.page_tokens, [0xf1, 0x80, 0xb1, 0xbf, 0x1c, 0x98, 0x5a, 0x3e]),
            (keys.repeated_requests, [0x2f, 0x94, 0xd2, 0x56, 0x2d, 0x60, 0x5f, 0x8a]),
        ] {
            assert_eq!(key.expose()[..8], begins);
        }
    }
}

//! bcrypt, as OpenBSD writes it.

use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{ForeignHash, decode_exactly};
use crate::application::ports::{Cause, HashRefused};
use crate::domain::credential::password::Password;

/// The highest cost: about a second on one core. Its makers write 10 to 12.
const MAX_COST: u32 = 14;

/// What the function makes of a password: the rest is cut off, as all makers do.
const MAX_KEY_BYTES: usize = 72;
const SALT_BYTES: usize = 16;
const SALT_CHARACTERS: usize = 22;
/// The function makes one byte more, which is not written.
const TAG_BYTES: usize = 23;

/// The last characters have bits to spare, and some makers leave them set.
const ALPHABET: GeneralPurpose = GeneralPurpose::new(&alphabet::BCRYPT, NO_PAD.with_decode_allow_trailing_bits(true));

/// A hash of bcrypt. The versions 2a, 2b and 2y name makers, not functions.
pub(super) struct BcryptHash {
    cost: u32,
    salt: [u8; SALT_BYTES],
    tag: [u8; TAG_BYTES],
}

impl BcryptHash {
    /// Reads the fields after the version: the cost in two digits; the salt and the tag in one.
    pub(super) fn parse(fields: &[&str]) -> Result<Self, HashRefused> {
        let &[cost, salt_and_tag] = fields else {
            return Err(HashRefused::Malformed);
        };
        let (salt, tag) = salt_and_tag.split_at_checked(SALT_CHARACTERS).ok_or(HashRefused::Malformed)?;
        let hash = Self {
            cost: two_digits(cost).filter(|cost| (4..=31).contains(cost)).ok_or(HashRefused::Malformed)?,
            salt: decode_exactly(&ALPHABET, salt)?,
            tag: decode_exactly(&ALPHABET, tag)?,
        };
        if hash.cost > MAX_COST { Err(HashRefused::Cost) } else { Ok(hash) }
    }
}

impl ForeignHash for BcryptHash {
    fn matches(&self, password: &Password) -> Result<bool, Cause> {
        // A password ends with U+0000, which it cannot contain, if there is room for it.
        let key: Zeroizing<Vec<u8>> =
            Zeroizing::new(password.expose().bytes().chain([0]).take(MAX_KEY_BYTES).collect());
        let computed = Zeroizing::new(::bcrypt::bcrypt(self.cost, self.salt, &key));
        Ok(computed[..TAG_BYTES].ct_eq(&self.tag).into())
    }
}

fn two_digits(text: &str) -> Option<u32> {
    (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

//! bcrypt, as OpenBSD writes it, and of SHA-256 digests, as passlib and Django write it.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, STANDARD};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{ForeignHash, number, parameters};
use crate::application::ports::{Cause, HashRefused};

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

/// What is hashed in place of the password, so that all of it counts.
enum Key {
    /// The password itself.
    Password,
    /// passlib's first version: its SHA-256 in base64.
    Sha256,
    /// passlib's second version: its HMAC-SHA-256 under the salt as it is written, in base64.
    HmacSha256(String),
    /// Django's: its SHA-256 in hexadecimal.
    Sha256Hex,
}

impl Key {
    /// The bytes without what is cut off. They end with U+0000, which a password cannot contain, if there is room for it.
    fn of(&self, password: &str) -> Zeroizing<Vec<u8>> {
        let sha256 = || digest(&SHA256, password.as_bytes());
        let text = Zeroizing::new(match self {
            Self::Password => password.to_owned(),
            Self::Sha256 => STANDARD.encode(sha256()),
            Self::HmacSha256(salt) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, salt.as_bytes());
                STANDARD.encode(hmac::sign(&key, password.as_bytes()))
            }
            Self::Sha256Hex => sha256().as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat(),
        });
        Zeroizing::new(text.bytes().chain([0]).take(MAX_KEY_BYTES).collect())
    }
}

/// A hash of bcrypt. The versions 2a, 2b and 2y name makers, not functions.
pub(super) struct BcryptHash {
    key: Key,
    cost: u32,
    salt: [u8; SALT_BYTES],
    tag: [u8; TAG_BYTES],
}

impl BcryptHash {
    /// Reads the fields after the version: the cost in two digits; the salt and the tag in one.
    pub(super) fn parse(fields: &[&str]) -> Result<Self, HashRefused> {
        Self::of(Key::Password, fields)
    }

    /// Reads the fields after Django's name and the version, which are those of bcrypt.
    pub(super) fn django_sha256(fields: &[&str]) -> Result<Self, HashRefused> {
        Self::of(Key::Sha256Hex, fields)
    }

    /// Reads the fields after passlib's name: the parameters, the salt, the tag.
    pub(super) fn passlib_sha256(fields: &[&str]) -> Result<Self, HashRefused> {
        let &[form, salt, tag] = fields else {
            return Err(HashRefused::Malformed);
        };
        let (key, version, cost) = if form.contains('=') {
            let [number, version, cost] = parameters(form, ["v", "t", "r"])?;
            let key = (number == "2").then(|| Key::HmacSha256(salt.to_owned()));
            (key.ok_or(HashRefused::Malformed)?, version, cost)
        } else {
            let (version, cost) = form.split_once(',').ok_or(HashRefused::Malformed)?;
            (Key::Sha256, version, cost)
        };
        if !matches!(version, "2a" | "2b" | "2y") {
            return Err(HashRefused::Malformed);
        }
        Self::new(key, number(cost)?, [salt, tag])
    }

    fn of(key: Key, fields: &[&str]) -> Result<Self, HashRefused> {
        let &[cost, salt_and_tag] = fields else {
            return Err(HashRefused::Malformed);
        };
        let (salt, tag) = salt_and_tag.split_at_checked(SALT_CHARACTERS).ok_or(HashRefused::Malformed)?;
        Self::new(key, two_digits(cost).ok_or(HashRefused::Malformed)?, [salt, tag])
    }

    fn new(key: Key, cost: u32, [salt, tag]: [&str; 2]) -> Result<Self, HashRefused> {
        let hash = Self { key, cost, salt: decode_exactly(salt)?, tag: decode_exactly(tag)? };
        match cost {
            ..4 | 32.. => Err(HashRefused::Malformed),
            ..=MAX_COST => Ok(hash),
            _ => Err(HashRefused::Cost),
        }
    }
}

impl ForeignHash for BcryptHash {
    fn matches(&self, password: &str) -> Result<bool, Cause> {
        let computed = Zeroizing::new(::bcrypt::bcrypt(self.cost, self.salt, &self.key.of(password)));
        Ok(computed[..TAG_BYTES].ct_eq(&self.tag).into())
    }
}

fn decode_exactly<const N: usize>(text: &str) -> Result<[u8; N], HashRefused> {
    let bytes = ALPHABET.decode(text).map_err(|_| HashRefused::Malformed)?;
    bytes.try_into().map_err(|_| HashRefused::Malformed)
}

fn two_digits(text: &str) -> Option<u32> {
    (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

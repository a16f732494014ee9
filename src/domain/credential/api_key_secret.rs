//! API keys as their bearers have them: text that names its key, proves it, and can be recognised.
//!
//! A secret is `ipse_`, the id of the key as 32, an underscore, 256 random bits as 64, and the CRC-32 (ISO 3309) of all
//! before as 8 lower-case hexadecimal digits. Scanners find secrets that leaked by `ipse_[0-9a-f]{32}_[0-9a-f]{72}`, and
//! the checksum tells them, and this server without asking the database, from typing errors and look-alikes. Random bits
//! that many need no slow hash: nobody guesses them, so a plain digest may stand for them at rest.

use std::fmt;

use uuid::Uuid;
use zeroize::Zeroizing;

use crate::domain::id::ApiKeyId;
use crate::domain::secret::{Digest, Secret};

/// The longest text that is looked at, in bytes.
pub const MAX_BYTES: usize = 256;
/// Marks API keys. Refresh tokens begin with `ipse_rt_`, and `r` is no hexadecimal digit.
const MARK: &str = "ipse_";

/// The secret of an API key.
#[derive(Clone)]
pub struct ApiKeySecret {
    id: ApiKeyId,
    secret: Zeroizing<[u8; 32]>,
}

impl ApiKeySecret {
    /// The secret of a key, from random bytes.
    #[must_use]
    pub fn new(id: ApiKeyId, random: [u8; 32]) -> Self {
        Self { id, secret: Zeroizing::new(random) }
    }

    /// Reads a secret. Anything of another form, or with a wrong checksum, yields nothing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(MARK)?.split_once('_')?;
        let id = ApiKeyId::from_uuid(Uuid::from_bytes(read_hex(id)?));
        let bytes = Zeroizing::new(read_hex::<36>(secret)?);
        let (random, checksum) = bytes.split_first_chunk::<32>()?;
        let checked = text.get(..text.len() - 8)?;
        (crc_32(checked.as_bytes()).to_be_bytes() == checksum).then(|| Self::new(id, *random))
    }

    /// The text for the bearer.
    #[must_use]
    pub fn expose(&self) -> Secret {
        let mut text = Zeroizing::new(prefix(self.id) + "_");
        // One piece of memory from the beginning, so that no copy stays behind.
        text.reserve_exact(72);
        push_hex(&mut text, &*self.secret);
        let checksum = crc_32(text.as_bytes());
        push_hex(&mut text, &checksum.to_be_bytes());
        Secret::new(text.as_str())
    }

    /// The key that it names.
    #[must_use]
    pub const fn id(&self) -> ApiKeyId {
        self.id
    }

    /// What is stored of it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&*self.secret)
    }
}

impl fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeySecret")
    }
}

/// How the secret of a key begins.
pub(in crate::domain) fn prefix(id: ApiKeyId) -> String {
    format!("{MARK}{}", id.as_uuid().simple())
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    text.extend(digits.filter_map(|digit| char::from_digit(digit.into(), 16)));
}

/// Exactly `N` bytes in lower-case hexadecimal digits.
fn read_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let pairs: &[[u8; 2]; N] = pairs.try_into().ok()?;
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

/// CRC-32 as in ISO 3309, Ethernet and gzip (RFC 1952, section 8).
fn crc_32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id() -> ApiKeyId {
        ApiKeyId::parse("0190d5ac-0000-7000-8000-00000000abcd").unwrap()
    }

    fn text() -> String {
        ApiKeySecret::new(id(), [7; 32]).expose().expose().to_owned()
    }

    #[test]
    fn the_checksum_is_that_of_iso_3309() {
        assert_eq!(crc_32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc_32(b""), 0);
    }

    #[test]
    fn a_secret_has_one_form() {
        let text = text();
        assert_eq!(text.len(), 110);
        assert_eq!(&text[..102], format!("ipse_0190d5ac00007000800000000000abcd_{}", ["07"; 32].concat()));
        assert!(text.starts_with(&prefix(id())));
        assert_eq!(format!("{:?}", ApiKeySecret::new(id(), [7; 32])), "ApiKeySecret");
        let others = [String::new(), "ipse_".to_owned(), text.to_uppercase(), format!(" {text}"), format!("{text}\n")];
        for other in others.into_iter().chain([text.replacen('_', "__", 1), text.replace('_', "-")]) {
            assert!(ApiKeySecret::parse(&other).is_none(), "{other:?}");
        }
        for length in 0..text.len() {
            assert!(ApiKeySecret::parse(&text[..length]).is_none(), "{length}");
        }
    }

    #[test]
    fn every_change_of_one_character_is_found() {
        let text = text();
        for (position, letter) in (0..text.len()).flat_map(|place| (0..128_u8).map(move |byte| (place, byte as char))) {
            let mut changed = text.clone();
            changed.replace_range(position..=position, letter.encode_utf8(&mut [0; 4]));
            assert_eq!(ApiKeySecret::parse(&changed).is_some(), changed == text, "{position} {letter:?}");
        }
    }

    proptest! {
        #[test]
        fn every_secret_comes_back(random: [u8; 32], id: u128) {
            let secret = ApiKeySecret::new(ApiKeyId::from_uuid(Uuid::from_u128(id)), random);
            let read = ApiKeySecret::parse(secret.expose().expose()).unwrap();
            prop_assert_eq!((read.id(), read.digest()), (secret.id(), secret.digest()));
        }

        #[test]
        fn no_text_panics(text in "(ipse_)?\\PC{0,120}") {
            prop_assert!(ApiKeySecret::parse(&text).is_none());
        }

        #[test]
        fn two_neighbours_that_change_places_are_found(position in 0_usize..109) {
            let mut bytes = text().into_bytes();
            bytes.swap(position, position + 1);
            let changed = String::from_utf8(bytes).unwrap();
            prop_assert_eq!(ApiKeySecret::parse(&changed).is_some(), changed == text());
        }
    }
}

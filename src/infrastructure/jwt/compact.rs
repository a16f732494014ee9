//! The compact form of a JSON Web Signature, and its header.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::domain::token::signing_key::SigningAlgorithm;

const MAX_KID_BYTES: usize = 128;
/// The type of a JWT access token (RFC 9068, section 2.1).
const TYPES: [&str; 2] = ["at+jwt", "application/at+jwt"];

/// The header, with exactly these members: one that could name another key, algorithm or reading is an error.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub alg: String,
    pub typ: String,
    pub kid: String,
}

/// A token in its three parts, as they came. Its signature is not checked yet.
#[derive(Debug)]
pub(super) struct Compact<'a> {
    pub header: &'a str,
    pub payload: &'a str,
    /// What was signed: header and payload.
    pub signed: &'a str,
    pub signature: &'a str,
}

impl<'a> Compact<'a> {
    /// Takes a token apart.
    pub(super) fn split(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        Some(Self { header, payload, signed, signature })
    }
}

impl Header {
    /// The first part of every token of a key.
    pub(super) fn encode(algorithm: SigningAlgorithm, kid: &str) -> serde_json::Result<String> {
        let header = Self { alg: algorithm.name().to_owned(), typ: TYPES[0].to_owned(), kid: kid.to_owned() };
        Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header)?))
    }

    /// Reads the first part of a token, if it has the one form that is accepted.
    pub(super) fn read(part: &str) -> Option<Self> {
        let header: Self = object(&decode(part)?)?;
        let right_type = TYPES.iter().any(|accepted| header.typ.eq_ignore_ascii_case(accepted));
        let plain_kid = (1..=MAX_KID_BYTES).contains(&header.kid.len())
            && header.kid.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        (right_type && plain_kid).then_some(header)
    }
}

/// Base64url without padding and without stray bits in the last character, so that one token has one text.
pub(super) fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

/// A JSON object with the members of `T`, each at most once. Serde would take an array for a struct, too.
pub(super) fn object<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Option<T> {
    if json.first() == Some(&b'{') { serde_json::from_slice(json).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_name_is_short_and_plain_before_it_is_looked_up() {
        let is_read = |kid: &str| Header::read(&Header::encode(SigningAlgorithm::Es256, kid).unwrap()).is_some();
        let long = |length| std::iter::repeat_n('k', length).collect::<String>();
        for kid in ["k", "Az09-_", &long(128)] {
            assert!(is_read(kid), "{kid}");
        }
        for kid in ["", "../k", "k k", "k\0", "k'", "k.", "\u{e9}", &long(129)] {
            assert!(!is_read(kid), "{kid}");
        }
    }
}

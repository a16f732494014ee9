//! The compact form of a JSON Web Signature, and its header.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::domain::signing_key::SigningAlgorithm;

/// The longest token that is looked at, in bytes.
pub(super) const MAX_BYTES: usize = 8 * 1024;
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

/// A token in its three parts. Nothing is known of its signature yet.
#[derive(Debug)]
pub(super) struct Compact<'a> {
    pub header: Header,
    pub payload: Vec<u8>,
    /// What was signed: header and payload as they came.
    pub signed: &'a str,
    /// The signature in base64url, of as many bytes as the algorithm of the header has.
    pub signature: &'a str,
}

impl<'a> Compact<'a> {
    /// Takes a token apart, if it has the one form that is accepted.
    pub(super) fn parse(token: &'a str) -> Option<Self> {
        if token.len() > MAX_BYTES {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let header: Header = object(&decode(header)?)?;
        if decode(signature)?.len() != SigningAlgorithm::named(&header.alg)?.signature_bytes() {
            return None;
        }
        let right_type = TYPES.iter().any(|accepted| header.typ.eq_ignore_ascii_case(accepted));
        let known_kid = (1..=MAX_KID_BYTES).contains(&header.kid.len())
            && header.kid.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        (right_type && known_kid).then_some(Self { header, payload: decode(payload)?, signed, signature })
    }
}

impl Header {
    /// The header of a new token.
    pub(super) fn new(algorithm: &str, kid: &str) -> Self {
        Self { alg: algorithm.to_owned(), typ: TYPES[0].to_owned(), kid: kid.to_owned() }
    }
}

/// Base64url without padding and without stray bits in the last character, so that one token has one text.
fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

/// A JSON object with the members of `T`, each at most once. Serde would take an array for a struct, too.
pub(super) fn object<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Option<T> {
    if json.first() == Some(&b'{') { serde_json::from_slice(json).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parses(algorithm: &str, kid: &str, signature: &[u8]) -> bool {
        let header = serde_json::to_vec(&Header::new(algorithm, kid)).unwrap();
        let [header, payload, signature] = [&header[..], b"{}", signature].map(|part| URL_SAFE_NO_PAD.encode(part));
        Compact::parse(&format!("{header}.{payload}.{signature}")).is_some()
    }

    #[test]
    fn a_key_name_is_short_and_plain_before_it_is_looked_up() {
        for kid in ["k", "Az09-_", &"k".repeat(128)] {
            assert!(parses("ES256", kid, &[0; 64]), "{kid}");
        }
        for kid in ["", "../k", "k k", "k\0", "k'", "k.", "\u{e9}", &"k".repeat(129)] {
            assert!(!parses("ES256", kid, &[0; 64]), "{kid}");
        }
    }

    #[test]
    fn a_signature_has_the_length_of_its_algorithm_before_it_is_checked() {
        for (algorithm, right) in [("ES256", 64), ("EdDSA", 64), ("RS256", 384)] {
            for length in [0, 1, 32, 63, 64, 65, 70, 71, 72, 128, 256, 383, 384, 385, 512] {
                assert_eq!(parses(algorithm, "k", &vec![0; length]), length == right, "{algorithm} {length}");
            }
        }
        assert!(!parses("RS384", "k", &[0; 384]));
    }
}

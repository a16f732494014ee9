//! What an authenticator says about itself when it makes a passkey: the attestation object (WebAuthn, section 6.5).
//!
//! No manufacturer is trusted, and browsers are asked to leave such statements out. So there is either nothing, or a
//! signature with the new key itself.

use super::cbor::{Key, Map, Value};
use super::cose::PublicKey;

/// An attestation object. Its statement may be of any kind.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AttestationObject<'a> {
    pub format: &'a str,
    statement: Value<'a>,
    pub authenticator_data: &'a [u8],
}

impl<'a> AttestationObject<'a> {
    /// Reads all of the bytes, which are a map of exactly three entries.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let object = Value::read(bytes)?;
        let [format, statement, data] = object.map()?.exactly(["fmt", "attStmt", "authData"].map(Key::Text))?;
        let Value::Text(format) = *format else { return None };
        Some(Self { format, statement: statement.clone(), authenticator_data: data.bytes()? })
    }

    /// Whether the statement is of a kind that is read, and true. `signed` is what authenticators sign.
    pub(super) fn is_accepted(&self, key: &PublicKey, signed: &[u8]) -> bool {
        match (self.format, self.statement.map()) {
            ("none", Some(statement)) => statement.len() == 0,
            ("packed", Some(statement)) => is_self_signed(statement, key, signed),
            _ => false,
        }
    }
}

/// Whether a `packed` statement (section 8.2) holds a signature of the new key, and no certificates.
fn is_self_signed(statement: &Map<'_>, key: &PublicKey, signed: &[u8]) -> bool {
    let Some([Value::Integer(algorithm), Value::Bytes(signature)]) = statement.exactly(["alg", "sig"].map(Key::Text))
    else {
        return false;
    };
    *algorithm == key.algorithm() && key.verifies(signed, signature)
}

//! Firebase's scrypt (github.com/firebase/scrypt): a key of scrypt encrypts the signer key of the project, and the
//! ciphertext is the hash.

use aws_lc_rs::cipher::{AES_256, AES_256_KEY_LEN, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::scrypt::Cost;
use super::{ForeignHash, decode, parameters};
use crate::application::ports::{Cause, HashRefused};

/// The signer key of every project.
const SIGNER_KEY_BYTES: usize = 64;

/// A hash of Firebase with the project's parameters.
pub(super) struct FirebaseHash {
    cost: Cost,
    /// The person's salt and the project's salt separator.
    salt: Vec<u8>,
    signer_key: Vec<u8>,
    tag: Vec<u8>,
}

impl FirebaseHash {
    /// Reads the fields after the name in the form of gotrue: the parameters, the salt, the hash.
    pub(super) fn parse(fields: &[&str]) -> Result<Self, HashRefused> {
        let &[project, salt, tag] = fields else {
            return Err(HashRefused::Malformed);
        };
        let [version, n, r, p, separator, signer_key] = parameters(project, ["v", "n", "r", "p", "ss", "sk"])?;
        if version != "1" {
            return Err(HashRefused::Malformed);
        }
        Self::new(Cost::parse([n, r, p])?, [salt, separator], [signer_key, tag])
    }

    /// Reads the fields after the name in the form of Kratos: the costs, the salt, the hash, the salt separator, the signer
    /// key.
    pub(super) fn kratos(fields: &[&str]) -> Result<Self, HashRefused> {
        let &[cost, salt, tag, separator, signer_key] = fields else {
            return Err(HashRefused::Malformed);
        };
        Self::new(Cost::parse(parameters(cost, ["ln", "r", "p"])?)?, [salt, separator], [signer_key, tag])
    }

    fn new(cost: Cost, [salt, separator]: [&str; 2], [signer_key, tag]: [&str; 2]) -> Result<Self, HashRefused> {
        let salt = [decode(salt)?, decode(separator)?].concat();
        let hash = Self { cost, salt, signer_key: decode(signer_key)?, tag: decode(tag)? };
        let whole = [hash.signer_key.len(), hash.tag.len()] == [SIGNER_KEY_BYTES; 2];
        if whole { Ok(hash) } else { Err(HashRefused::Malformed) }
    }
}

impl ForeignHash for FirebaseHash {
    fn matches(&self, password: &str) -> Result<bool, Cause> {
        let mut key = Zeroizing::new([0; AES_256_KEY_LEN]);
        self.cost.derive(password, &self.salt, &mut *key)?;
        let cipher = EncryptingKey::ctr(UnboundCipherKey::new(&AES_256, &*key)?)?;
        let mut computed = self.signer_key.clone();
        // The counter begins at zero for everybody: a key is used for a single message.
        cipher.less_safe_encrypt(&mut computed, EncryptionContext::Iv128(FixedLength::from([0; 16])))?;
        Ok(computed.ct_eq(&self.tag).into())
    }
}

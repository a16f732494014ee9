//! Firebase's scrypt (github.com/firebase/scrypt): a key of scrypt encrypts the signer key of the project, and the
//! ciphertext is the hash.

use aws_lc_rs::cipher::{AES_256, AES_256_KEY_LEN, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::scrypt::Cost;
use super::{ForeignHash, decode, parameters};
use crate::application::ports::{Cause, HashRefused};
use crate::domain::credential::password::Password;

/// The signer key of every project.
const SIGNER_KEY_BYTES: usize = 64;

/// A hash of Firebase in the form of gotrue, which holds the project's parameters too.
pub(super) struct FirebaseHash {
    cost: Cost,
    /// The person's salt and the project's salt separator.
    salt: Vec<u8>,
    signer_key: Vec<u8>,
    tag: Vec<u8>,
}

impl FirebaseHash {
    /// Reads the fields after the name: the parameters, the salt, the hash.
    pub(super) fn parse(fields: &[&str]) -> Result<Self, HashRefused> {
        let &[project, salt, tag] = fields else {
            return Err(HashRefused::Malformed);
        };
        let [version, n, r, p, separator, signer_key] = parameters(project, ["v", "n", "r", "p", "ss", "sk"])?;
        let hash = Self {
            cost: Cost::parse([n, r, p])?,
            salt: [decode(&STANDARD, salt)?, decode(&STANDARD, separator)?].concat(),
            signer_key: decode(&STANDARD, signer_key)?,
            tag: decode(&STANDARD, tag)?,
        };
        let whole = version == "1" && [hash.signer_key.len(), hash.tag.len()] == [SIGNER_KEY_BYTES; 2];
        if whole { Ok(hash) } else { Err(HashRefused::Malformed) }
    }
}

impl ForeignHash for FirebaseHash {
    fn matches(&self, password: &Password) -> Result<bool, Cause> {
        let mut key = Zeroizing::new([0; AES_256_KEY_LEN]);
        self.cost.derive(password, &self.salt, &mut *key)?;
        let cipher = EncryptingKey::ctr(UnboundCipherKey::new(&AES_256, &*key)?)?;
        let mut computed = self.signer_key.clone();
        // The counter begins at zero for everybody: a key is used for a single message.
        cipher.less_safe_encrypt(&mut computed, EncryptionContext::Iv128(FixedLength::from([0; 16])))?;
        Ok(computed.ct_eq(&self.tag).into())
    }
}

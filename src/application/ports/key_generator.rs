use zeroize::Zeroizing;

use super::Cause;
use crate::domain::token::signing_key::SigningAlgorithm;

/// A key pair that was just made.
pub struct NewKeyPair {
    /// The RFC 7638 SHA-256 thumbprint of the public half.
    pub kid: String,
    /// The public half as a JSON Web Key: the numbers that make it, `kid`, `alg` and `use`; at most 2048 bytes.
    pub public_jwk: String,
    /// The private half in PKCS #8.
    pub private_key: Zeroizing<Vec<u8>>,
}

/// Makes key pairs.
pub trait KeyGenerator: Send + Sync {
    /// A new pair for the algorithm.
    fn generate(&self, algorithm: SigningAlgorithm) -> Result<NewKeyPair, Cause>;
}

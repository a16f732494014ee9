//! A private key, prepared once for every signature it makes.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;

use crate::application::ports::Cause;
use crate::domain::token::signing_key::SigningAlgorithm;

/// The key pair as AWS-LC holds it.
pub(super) enum Signer {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

impl Signer {
    /// Reads a private key (PKCS #8), and checks that it is one of the algorithm.
    pub(super) fn from_pkcs8(algorithm: SigningAlgorithm, private_key: &[u8]) -> Result<Self, Cause> {
        Ok(match algorithm {
            SigningAlgorithm::Es256 => {
                Self::Es256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private_key)?)
            }
            SigningAlgorithm::EdDsa => Self::EdDsa(Ed25519KeyPair::from_pkcs8(private_key)?),
            SigningAlgorithm::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(private_key)?;
                if pair.public_modulus_len() != algorithm.signature_bytes() {
                    return Err("the RSA key is not one of 3072 bits".into());
                }
                Self::Rs256(pair)
            }
        })
    }

    /// The public half: an uncompressed point (SEC 1, section 2.3.3), the 32 bytes of RFC 8032, or an `RSAPublicKey`
    /// (RFC 8017).
    pub(super) fn public_key(&self) -> DecodingKey {
        match self {
            Self::Es256(pair) => DecodingKey::from_ec_der(pair.public_key().as_ref()),
            Self::EdDsa(pair) => DecodingKey::from_ed_der(pair.public_key().as_ref()),
            Self::Rs256(pair) => DecodingKey::from_rsa_der(pair.public_key().as_ref()),
        }
    }

    /// A signature in base64url.
    pub(super) fn sign(&self, message: &[u8]) -> Result<String, Cause> {
        let random = SystemRandom::new();
        Ok(match self {
            Self::Es256(pair) => URL_SAFE_NO_PAD.encode(pair.sign(&random, message)?),
            Self::EdDsa(pair) => URL_SAFE_NO_PAD.encode(pair.try_sign(message)?),
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)?;
                URL_SAFE_NO_PAD.encode(signature)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rsa::KeySize;

    use super::*;

    #[test]
    fn a_short_rsa_key_is_refused() {
        let short = RsaKeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap();
        let refused = Signer::from_pkcs8(SigningAlgorithm::Rs256, short.as_ref()).map(|_| ()).unwrap_err();
        assert_eq!(refused.to_string(), "the RSA key is not one of 3072 bits");
    }
}

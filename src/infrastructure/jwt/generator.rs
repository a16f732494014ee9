//! New key pairs.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use zeroize::Zeroizing;

use super::signer::Signer;
use super::{Jwt, jwk};
use crate::application::ports::{Cause, KeyGenerator, NewKeyPair};
use crate::domain::token::signing_key::SigningAlgorithm;

impl KeyGenerator for Jwt {
    fn generate(&self, algorithm: SigningAlgorithm) -> Result<NewKeyPair, Cause> {
        let private_key = Zeroizing::new(match algorithm {
            SigningAlgorithm::Es256 => {
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?.to_pkcs8v1()?.as_ref().to_vec()
            }
            SigningAlgorithm::EdDsa => Ed25519KeyPair::generate()?.to_pkcs8()?.as_ref().to_vec(),
            SigningAlgorithm::Rs256 => RsaKeyPair::generate(KeySize::Rsa3072)?.as_der()?.as_ref().to_vec(),
        });
        let public_key = Signer::from_pkcs8(algorithm, &private_key)?.public_key();
        let (jwk, kid) = jwk::from_public_key(&public_key, jwk::algorithm(algorithm))?;
        Ok(NewKeyPair { kid, public_jwk: jwk::to_json(&jwk)?, private_key })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    #[test]
    fn a_new_pair_publishes_its_public_half_alone() {
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let jwt = Jwt::new("https://id.example".into());
        for (algorithm, names) in [
            (SigningAlgorithm::Es256, vec!["alg", "crv", "kid", "kty", "use", "x", "y"]),
            (SigningAlgorithm::EdDsa, vec!["alg", "crv", "kid", "kty", "use", "x"]),
            (SigningAlgorithm::Rs256, vec!["alg", "e", "kid", "kty", "n", "use"]),
        ] {
            let pair = jwt.generate(algorithm).unwrap();
            let jwk: BTreeMap<String, String> = serde_json::from_str(&pair.public_jwk).unwrap();
            assert_eq!(jwk.keys().collect::<Vec<_>>(), names);
            assert_eq!((&jwk["kid"], jwk["alg"].as_str(), pair.kid.len()), (&pair.kid, algorithm.name(), 43));
            match algorithm {
                SigningAlgorithm::Es256 | SigningAlgorithm::EdDsa => assert_eq!(decode(&jwk["x"]).len(), 32),
                SigningAlgorithm::Rs256 => {
                    assert_eq!((decode(&jwk["n"]).len(), decode(&jwk["n"])[0] >> 7), (384, 1), "3072 bits");
                    assert_eq!((jwk["kty"].as_str(), jwk["e"].as_str()), ("RSA", "AQAB"));
                }
            }
            assert!(pair.public_jwk.len() <= 2048);
            assert_ne!(jwt.generate(algorithm).unwrap().kid, pair.kid);
        }
    }
}

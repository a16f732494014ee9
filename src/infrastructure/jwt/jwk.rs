//! Public keys as JSON Web Keys (RFC 7517), their thumbprints (RFC 7638), and the making of key pairs.

use std::collections::BTreeMap;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::Jwt;
use crate::application::ports::{Cause, KeyGenerator, NewKeyPair};
use crate::domain::secret::Digest;
use crate::domain::token::signing_key::SigningAlgorithm;

/// The members of a key, in the order of their names.
type Members = BTreeMap<&'static str, String>;

/// The public half of a key.
#[derive(Debug)]
pub(super) struct PublicKey {
    algorithm: SigningAlgorithm,
    /// An uncompressed point (SEC 1, section 2.3.3), the 32 bytes of RFC 8032, or an `RSAPublicKey` (RFC 8017).
    bytes: Vec<u8>,
}

impl PublicKey {
    /// The public half that belongs to a private one (PKCS #8).
    pub(super) fn of_private(algorithm: SigningAlgorithm, private_key: &[u8]) -> Result<Self, Cause> {
        let bytes = match algorithm {
            SigningAlgorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private_key)?;
                pair.public_key().as_ref().to_vec()
            }
            SigningAlgorithm::EdDsa => Ed25519KeyPair::from_pkcs8(private_key)?.public_key().as_ref().to_vec(),
            SigningAlgorithm::Rs256 => rsa_pair(private_key)?.public_key().as_ref().to_vec(),
        };
        Ok(Self { algorithm, bytes })
    }

    /// The bytes, as signatures are checked with them.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The thumbprint that names the key.
    pub(super) fn kid(&self) -> Result<String, Cause> {
        thumbprint(&self.required_members()?)
    }

    /// The JSON Web Key.
    pub(super) fn jwk(&self) -> Result<String, Cause> {
        let mut members = self.required_members()?;
        members.insert("kid", self.kid()?);
        members.insert("alg", self.algorithm.name().to_owned());
        members.insert("use", "sig".to_owned());
        Ok(serde_json::to_string(&members)?)
    }

    /// What makes the key, and nothing else (RFC 7638, section 3.2, and RFC 8037, section 2).
    fn required_members(&self) -> Result<Members, Cause> {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Ok(match self.algorithm {
            SigningAlgorithm::Es256 => {
                // The first byte tells that both coordinates follow.
                let (x, y) = self.bytes[1..].split_at(self.bytes.len() / 2);
                Members::from([("kty", "EC".into()), ("crv", "P-256".into()), ("x", text(x)), ("y", text(y))])
            }
            SigningAlgorithm::EdDsa => {
                Members::from([("kty", "OKP".into()), ("crv", "Ed25519".into()), ("x", text(&self.bytes))])
            }
            SigningAlgorithm::Rs256 => {
                let key = rsa::PublicKey::from_der(&self.bytes)?;
                let [n, e] =
                    [key.modulus(), key.exponent()].map(|number| text(number.big_endian_without_leading_zero()));
                Members::from([("kty", "RSA".into()), ("n", n), ("e", e)])
            }
        })
    }
}

/// An RSA key of the one size that is used.
pub(super) fn rsa_pair(private_key: &[u8]) -> Result<RsaKeyPair, Cause> {
    let pair = RsaKeyPair::from_pkcs8(private_key)?;
    if pair.public_modulus_len() == SigningAlgorithm::Rs256.signature_bytes() {
        Ok(pair)
    } else {
        Err("the RSA key is not one of 3072 bits".into())
    }
}

/// SHA-256 over the required members as JSON without white space, in the order of their names.
fn thumbprint(required: &Members) -> Result<String, Cause> {
    Ok(URL_SAFE_NO_PAD.encode(Digest::of(&serde_json::to_vec(required)?).as_bytes()))
}

impl KeyGenerator for Jwt {
    fn generate(&self, algorithm: SigningAlgorithm) -> Result<NewKeyPair, Cause> {
        let private_key = Zeroizing::new(match algorithm {
            SigningAlgorithm::Es256 => {
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?.to_pkcs8v1()?.as_ref().to_vec()
            }
            SigningAlgorithm::EdDsa => Ed25519KeyPair::generate()?.to_pkcs8()?.as_ref().to_vec(),
            SigningAlgorithm::Rs256 => RsaKeyPair::generate(KeySize::Rsa3072)?.as_der()?.as_ref().to_vec(),
        });
        let public_key = PublicKey::of_private(algorithm, &private_key)?;
        Ok(NewKeyPair { kid: public_key.kid()?, public_jwk: public_key.jwk()?, private_key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    #[test]
    fn the_thumbprint_of_rfc_7638_section_3_1() {
        let modulus = concat!(
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWK",
            "RXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMic",
            "AtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3",
            "XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        );
        let members = Members::from([("kty", "RSA".into()), ("e", "AQAB".into()), ("n", modulus.into())]);
        assert_eq!(thumbprint(&members).unwrap(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn the_ed25519_key_of_rfc_8037_appendix_a() {
        let pair = Ed25519KeyPair::from_seed_and_public_key(
            &decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"),
            &decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
        );
        let private_key = pair.unwrap().to_pkcs8().unwrap();
        let public_key = PublicKey::of_private(SigningAlgorithm::EdDsa, private_key.as_ref()).unwrap();
        assert_eq!(
            public_key.jwk().unwrap(),
            concat!(
                r#"{"alg":"EdDSA","crv":"Ed25519","kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k","kty":"OKP","#,
                r#""use":"sig","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#
            )
        );
    }

    #[test]
    fn the_p_256_key_of_rfc_7515_appendix_a_3() {
        let (x, y) = ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
        let bytes = [vec![4], decode(x), decode(y)].concat();
        let public_key = PublicKey { algorithm: SigningAlgorithm::Es256, bytes };
        assert_eq!(public_key.kid().unwrap(), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
        let jwk: serde_json::Value = serde_json::from_str(&public_key.jwk().unwrap()).unwrap();
        assert_eq!((jwk["x"].as_str(), jwk["y"].as_str()), (Some(x), Some(y)));
    }

    #[test]
    fn a_short_rsa_key_is_refused() {
        let short = RsaKeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap();
        let why = PublicKey::of_private(SigningAlgorithm::Rs256, short.as_ref()).unwrap_err();
        assert_eq!(why.to_string(), "the RSA key is not one of 3072 bits");
    }

    #[test]
    fn a_new_pair_publishes_its_public_half_alone() {
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

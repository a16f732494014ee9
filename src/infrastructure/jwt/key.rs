//! A key pair, prepared once for every signature.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::compact::{self, Compact, Header};
use super::jwk::{self, PublicKey};
use crate::application::ports::{Cause, OpenedKey};
use crate::domain::Timestamp;
use crate::domain::token::signing_key::{SigningAlgorithm, SigningKey, SigningKeyState};

/// The private half does not belong to the key's name.
#[derive(Debug, thiserror::Error)]
#[error("the private key does not belong to signing key {0}")]
pub(super) struct ForeignPrivateKey(String);

/// Both halves of a signing key, and the times of its life. Both are read once: to read a key is to check that it lies on
/// the curve, and that its halves belong together, which costs as much as a signature.
pub(super) struct KeyPair {
    stored: SigningKey,
    header: String,
    private_key: PrivateKey,
    public_key: ParsedPublicKey,
}

enum PrivateKey {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

impl KeyPair {
    /// Prepares a key. The public half is computed from the private one, so that the two cannot differ, and the key's
    /// name is checked against it.
    pub(super) fn new(opened: &OpenedKey) -> Result<Self, Cause> {
        let (stored, private_key) = (opened.key.clone(), &opened.private_key);
        let public_key = PublicKey::of_private(stored.algorithm, private_key)?;
        if public_key.kid()? != stored.kid {
            return Err(ForeignPrivateKey(stored.kid).into());
        }
        let (private_key, form): (_, &'static dyn VerificationAlgorithm) = match stored.algorithm {
            SigningAlgorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private_key)?;
                (PrivateKey::Es256(pair), &ECDSA_P256_SHA256_FIXED)
            }
            SigningAlgorithm::EdDsa => (PrivateKey::EdDsa(Ed25519KeyPair::from_pkcs8(private_key)?), &ED25519),
            SigningAlgorithm::Rs256 => (PrivateKey::Rs256(jwk::rsa_pair(private_key)?), &RSA_PKCS1_2048_8192_SHA256),
        };
        let public_key = ParsedPublicKey::new(form, public_key.bytes())?;
        let header = Header::encode(stored.algorithm, &stored.kid)?;
        Ok(Self { stored, header, private_key, public_key })
    }

    pub(super) fn kid(&self) -> &str {
        &self.stored.kid
    }

    /// The first part of its tokens.
    pub(super) fn header(&self) -> &str {
        &self.header
    }

    /// Whether a header names this key. The key decides on the algorithm; the header has to agree with it.
    pub(super) fn is_named_by(&self, header: &Header) -> bool {
        header.kid == self.stored.kid && header.alg == self.stored.algorithm.name()
    }

    pub(super) fn state(&self, now: Timestamp) -> SigningKeyState {
        self.stored.state(now)
    }

    /// The compact form of a payload with this key's signature.
    pub(super) fn sign(&self, payload: &[u8]) -> Result<String, Cause> {
        let signed = format!("{}.{}", self.header, URL_SAFE_NO_PAD.encode(payload));
        let signature = self.signature(signed.as_bytes())?;
        Ok(format!("{signed}.{signature}"))
    }

    /// A signature in base64url.
    pub(super) fn signature(&self, message: &[u8]) -> Result<String, Cause> {
        let random = SystemRandom::new();
        Ok(match &self.private_key {
            PrivateKey::Es256(pair) => URL_SAFE_NO_PAD.encode(pair.sign(&random, message)?),
            PrivateKey::EdDsa(pair) => URL_SAFE_NO_PAD.encode(pair.try_sign(message)?),
            PrivateKey::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)?;
                URL_SAFE_NO_PAD.encode(signature)
            }
        })
    }

    /// Whether this key made the signature, which has as many bytes as its algorithm asks for.
    pub(super) fn verifies(&self, token: &Compact<'_>) -> bool {
        compact::decode(token.signature).is_some_and(|signature| {
            signature.len() == self.stored.algorithm.signature_bytes()
                && self.public_key.verify_sig(token.signed.as_bytes(), &signature).is_ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::KeyPair as _;

    use super::*;
    use crate::infrastructure::jwt::forge::{Forge, copy};

    /// The key of RFC 8037, appendix A, under the name of another.
    fn rfc_8037() -> KeyPair {
        let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let public_key = ParsedPublicKey::new(&ED25519, pair.public_key()).unwrap();
        KeyPair { private_key: PrivateKey::EdDsa(pair), public_key, ..KeyPair::new(&Forge::new().ed25519).unwrap() }
    }

    #[test]
    fn the_eddsa_signature_of_rfc_8037_appendix_a_is_reproduced() {
        let (signed, signature) = (
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        );
        let key = rfc_8037();
        assert_eq!(key.signature(signed.as_bytes()).unwrap(), signature);
        key.public_key.verify_sig(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    }

    #[test]
    fn a_token_of_another_implementation_verifies() {
        let token = concat!(
            "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCIsImtpZCI6ImtQcktfcW14VldhWVZBOXd3QkY2SXVvM3ZWeno3VHhIQ1R3",
            "WEJ5Z3JTNGsifQ.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUiLCJzdWIiOiJ1MSIsImF1ZCI6ImFwaSIsImNsaWVudF9pZ",
            "CI6ImMxIiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDA5MDAsImp0aSI6ImoxIn0.447FYa_GOvmfcMQyKubHMEcdR",
            "cwVgI9ub-m2tWUZvs3jIGPz__nbLH1mUVWJtRs1X1BVj1GbdjPjOP3GA2ACCg",
        );
        let token = Compact::split(token).unwrap();
        assert_eq!(Header::read(token.header).unwrap().kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert!(!KeyPair::new(&Forge::new().ed25519).unwrap().verifies(&token));
        assert!(rfc_8037().verifies(&token));
    }

    #[test]
    fn the_es256_signature_of_rfc_7515_appendix_a_3_verifies() {
        let signed = concat!(
            "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9",
            "pc19yb290Ijp0cnVlfQ",
        );
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let signature = bytes("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
        let x = bytes("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
        let y = bytes("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, [vec![4], x, y].concat()).unwrap();
        let verifies = |signed: &str| key.verify_sig(signed.as_bytes(), &signature).is_ok();
        assert!(verifies(signed));
        assert!(!verifies(&signed[1..]));
    }

    #[test]
    fn a_signature_has_the_length_of_its_algorithm() {
        let forge = Forge::new();
        for (opened, right) in forge.keys().into_iter().zip([64, 64, 384]) {
            let (key, token) = (KeyPair::new(opened).unwrap(), Forge::token_of(opened));
            let token = Compact::split(&token).unwrap();
            let mut signature = compact::decode(token.signature).unwrap();
            signature.extend([0; 130]);
            for length in [0, 1, 32, 63, 64, 65, 70, 71, 72, 128, 256, 383, 384, 385, 512] {
                let Some(bytes) = signature.get(..length) else { continue };
                let signature = &URL_SAFE_NO_PAD.encode(bytes);
                assert_eq!(key.verifies(&Compact { signature, ..token }), length == right, "{length}");
            }
        }
    }

    #[test]
    fn a_private_key_under_another_name_is_refused() {
        let forge = Forge::new();
        let mut foreign = copy(&forge.ed25519);
        foreign.key.kid.clone_from(&forge.p256.key.kid);
        assert!(KeyPair::new(&foreign).is_err());
        foreign = copy(&forge.ed25519);
        for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::Rs256] {
            foreign.key.algorithm = algorithm;
            assert!(KeyPair::new(&foreign).is_err());
        }
    }
}

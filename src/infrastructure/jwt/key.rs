//! A key pair, prepared once for every signature.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
    VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};

use super::compact::{Compact, Header};
use super::jwk::{self, PublicKey};
use crate::application::ports::{Cause, OpenedKey};
use crate::domain::Timestamp;
use crate::domain::signing_key::{SigningAlgorithm, SigningKey, SigningKeyState};

/// The private half does not belong to the key's name.
#[derive(Debug, thiserror::Error)]
#[error("the private key does not belong to signing key {0}")]
pub(super) struct ForeignPrivateKey(String);

/// Both halves of a signing key, and the times of its life.
pub(super) struct KeyPair {
    stored: SigningKey,
    private_key: PrivateKey,
    /// Read once: to read a point is to check that it lies on the curve, which need not be done for each signature.
    public_key: ParsedPublicKey,
}

/// The private half, in the form that signs fastest.
enum PrivateKey {
    Curve(EncodingKey),
    /// Read once: `jsonwebtoken` would read and check the numbers anew for each signature.
    Rsa(RsaKeyPair),
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
                (PrivateKey::Curve(EncodingKey::from_ec_der(private_key)), &ECDSA_P256_SHA256_FIXED)
            }
            SigningAlgorithm::EdDsa => (PrivateKey::Curve(EncodingKey::from_ed_der(private_key)), &ED25519),
            SigningAlgorithm::Rs256 => (PrivateKey::Rsa(jwk::rsa_pair(private_key)?), &RSA_PKCS1_2048_8192_SHA256),
        };
        let public_key = ParsedPublicKey::new(form, public_key.bytes())?;
        Ok(Self { stored, private_key, public_key })
    }

    pub(super) fn kid(&self) -> &str {
        &self.stored.kid
    }

    pub(super) fn state(&self, now: Timestamp) -> SigningKeyState {
        self.stored.state(now)
    }

    /// The compact form of a payload with this key's signature.
    pub(super) fn sign(&self, payload: &[u8]) -> Result<String, Cause> {
        let header = Header::new(self.stored.algorithm.name(), self.kid());
        let header = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header)?);
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload));
        let signature = self.signature(signed.as_bytes())?;
        Ok(format!("{signed}.{signature}"))
    }

    /// A signature in base64url.
    pub(super) fn signature(&self, message: &[u8]) -> Result<String, Cause> {
        match &self.private_key {
            PrivateKey::Curve(key) => Ok(crypto::sign(message, key, self.algorithm())?),
            PrivateKey::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                // PKCS #1 v1.5 draws nothing.
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)?;
                Ok(URL_SAFE_NO_PAD.encode(signature))
            }
        }
    }

    /// Whether this key made the signature. The key decides on the algorithm; the header has to agree with it.
    pub(super) fn verifies(&self, token: &Compact<'_>) -> bool {
        let Ok(signature) = URL_SAFE_NO_PAD.decode(token.signature) else { return false };
        token.header.alg == self.stored.algorithm.name()
            && self.public_key.verify_sig(token.signed.as_bytes(), &signature).is_ok()
    }

    fn algorithm(&self) -> Algorithm {
        match self.stored.algorithm {
            SigningAlgorithm::Es256 => Algorithm::ES256,
            SigningAlgorithm::EdDsa => Algorithm::EdDSA,
            SigningAlgorithm::Rs256 => Algorithm::RS256,
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::Ed25519KeyPair;
    use jsonwebtoken::DecodingKey;

    use super::*;
    use crate::infrastructure::jwt::forge::{Forge, copy};

    /// The key of RFC 8037, appendix A.
    fn rfc_8037() -> (EncodingKey, ParsedPublicKey) {
        let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let pkcs8 = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap().to_pkcs8().unwrap();
        let public_key = PublicKey::of_private(SigningAlgorithm::EdDsa, pkcs8.as_ref()).unwrap();
        (EncodingKey::from_ed_der(pkcs8.as_ref()), ParsedPublicKey::new(&ED25519, public_key.bytes()).unwrap())
    }

    #[test]
    fn the_eddsa_signature_of_rfc_8037_appendix_a_is_reproduced() {
        let (signed, signature) = (
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        );
        let (private_key, public_key) = rfc_8037();
        assert_eq!(crypto::sign(signed.as_bytes(), &private_key, Algorithm::EdDSA).unwrap(), signature);
        public_key.verify_sig(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    }

    #[test]
    fn a_token_of_another_implementation_verifies() {
        let token = concat!(
            "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCIsImtpZCI6ImtQcktfcW14VldhWVZBOXd3QkY2SXVvM3ZWeno3VHhIQ1R3",
            "WEJ5Z3JTNGsifQ.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUiLCJzdWIiOiJ1MSIsImF1ZCI6ImFwaSIsImNsaWVudF9pZ",
            "CI6ImMxIiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDA5MDAsImp0aSI6ImoxIn0.447FYa_GOvmfcMQyKubHMEcdR",
            "cwVgI9ub-m2tWUZvs3jIGPz__nbLH1mUVWJtRs1X1BVj1GbdjPjOP3GA2ACCg",
        );
        let token = Compact::parse(token).unwrap();
        assert_eq!(token.header.kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        let (_, public_key) = rfc_8037();
        let mut key = KeyPair::new(&Forge::new().ed25519).unwrap();
        assert!(!key.verifies(&token));
        key.public_key = public_key;
        assert!(key.verifies(&token));
    }

    #[test]
    fn the_es256_signature_of_rfc_7515_appendix_a_3_verifies() {
        let signed = concat!(
            "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9",
            "pc19yb290Ijp0cnVlfQ",
        );
        let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        let x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
        let y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
        let public_key = DecodingKey::from_ec_components(x, y).unwrap();
        let verifies = |signed: &str| crypto::verify(signature, signed.as_bytes(), &public_key, Algorithm::ES256);
        assert!(verifies(signed).unwrap());
        assert!(!verifies(&signed[1..]).unwrap());
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

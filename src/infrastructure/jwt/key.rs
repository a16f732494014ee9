//! A signing key in memory: both halves, its name, and the times of its life.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use time::Duration;

use super::compact::{Compact, Header};
use super::jwk;
use super::signer::Signer;
use crate::application::ports::{Cause, OpenedKey};
use crate::domain::Timestamp;
use crate::domain::token::signing_key::{SigningKey, SigningKeyState};

/// The private half does not belong to the key's name.
#[derive(Debug, thiserror::Error)]
#[error("the private key does not belong to signing key {0}")]
pub(super) struct ForeignPrivateKey(String);

/// A signing key that was read and checked once.
pub(super) struct KeyPair {
    stored: SigningKey,
    header: String,
    signer: Signer,
    algorithm: Algorithm,
    public_key: DecodingKey,
}

impl KeyPair {
    /// Prepares a key. The public half is computed from the private one, so that the two cannot differ, and the key's
    /// name is checked against it.
    pub(super) fn new(opened: &OpenedKey) -> Result<Self, Cause> {
        let stored = opened.key.clone();
        let signer = Signer::from_pkcs8(stored.algorithm, &opened.private_key)?;
        let (algorithm, public_key) = (jwk::algorithm(stored.algorithm), signer.public_key());
        let (_, kid) = jwk::from_public_key(&public_key, algorithm)?;
        if kid != stored.kid {
            return Err(ForeignPrivateKey(stored.kid).into());
        }
        let header = Header::encode(stored.algorithm, &stored.kid)?;
        Ok(Self { stored, header, signer, algorithm, public_key })
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

    pub(super) fn waits(&self, now: Timestamp) -> Option<Duration> {
        self.stored.waits(now)
    }

    /// The compact form of a payload with this key's signature.
    pub(super) fn sign(&self, payload: &[u8]) -> Result<String, Cause> {
        let signed = format!("{}.{}", self.header, URL_SAFE_NO_PAD.encode(payload));
        let signature = self.signer.sign(signed.as_bytes())?;
        Ok(format!("{signed}.{signature}"))
    }

    /// Whether this key made the signature, which has as many bytes as its algorithm asks for.
    pub(super) fn verifies(&self, token: &Compact<'_>) -> bool {
        base64::encoded_len(self.stored.algorithm.signature_bytes(), false) == Some(token.signature.len())
            && crypto::verify(token.signature, token.signed.as_bytes(), &self.public_key, self.algorithm)
                .unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
    use zeroize::Zeroizing;

    use super::*;
    use crate::domain::token::signing_key::SigningAlgorithm;
    use crate::infrastructure::jwt::compact;
    use crate::infrastructure::jwt::fixture::{Fixture, copy, stored};

    fn decode(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    fn key(kid: &str, algorithm: SigningAlgorithm, private_key: &[u8]) -> KeyPair {
        let private_key = Zeroizing::new(private_key.to_vec());
        KeyPair::new(&OpenedKey { key: stored(kid.to_owned(), algorithm), private_key }).unwrap()
    }

    /// The key of RFC 8037, appendix A.
    fn rfc_8037() -> KeyPair {
        let seed = decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
        let pkcs8 = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap().to_pkcs8().unwrap();
        key("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", SigningAlgorithm::EdDsa, pkcs8.as_ref())
    }

    #[test]
    fn the_eddsa_signature_of_rfc_8037_appendix_a_is_reproduced() {
        let (signed, signature) = (
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        );
        let key = rfc_8037();
        assert_eq!(key.signer.sign(signed.as_bytes()).unwrap(), signature);
        assert!(key.verifies(&Compact::split(&format!("{signed}.{signature}")).unwrap()));
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
        assert!(!KeyPair::new(&Fixture::new().ed25519).unwrap().verifies(&token));
        assert!(rfc_8037().verifies(&token));
    }

    #[test]
    fn the_es256_signature_of_rfc_7515_appendix_a_3_verifies() {
        let (d, x, y) = (
            "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
            "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        );
        let point = [vec![4], decode(x), decode(y)].concat();
        let form = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(form, &decode(d), &point).unwrap();
        let pkcs8 = pair.to_pkcs8v1().unwrap();
        let key = key("oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U", SigningAlgorithm::Es256, pkcs8.as_ref());
        let token = concat!(
            "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9",
            "pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqP",
            "P3-Kg6NU1Q",
        );
        assert!(key.verifies(&Compact::split(token).unwrap()));
        assert!(!key.verifies(&Compact::split(&token[1..]).unwrap()));
    }

    #[test]
    fn a_signature_has_the_length_of_its_algorithm() {
        let fixture = Fixture::new();
        for (opened, right) in fixture.keys().into_iter().zip([64, 64, 384]) {
            let key = KeyPair::new(opened).unwrap();
            let token = key.sign(b"{}").unwrap();
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
        let fixture = Fixture::new();
        let mut foreign = copy(&fixture.ed25519);
        foreign.key.kid.clone_from(&fixture.es256.key.kid);
        assert!(KeyPair::new(&foreign).is_err());
        foreign = copy(&fixture.ed25519);
        for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::Rs256] {
            foreign.key.algorithm = algorithm;
            assert!(KeyPair::new(&foreign).is_err());
        }
    }
}

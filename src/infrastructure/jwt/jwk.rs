//! Public keys as JSON Web Keys (RFC 7517), named by their thumbprints (RFC 7638).

use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey};

use crate::application::ports::Cause;
use crate::domain::token::signing_key::SigningAlgorithm;

/// The algorithm as jsonwebtoken names it.
pub(super) const fn algorithm(algorithm: SigningAlgorithm) -> Algorithm {
    match algorithm {
        SigningAlgorithm::Es256 => Algorithm::ES256,
        SigningAlgorithm::EdDsa => Algorithm::EdDSA,
        SigningAlgorithm::Rs256 => Algorithm::RS256,
    }
}

/// The JSON Web Key of a public key, and the thumbprint that is its `kid`.
pub(super) fn from_public_key(key: &DecodingKey, algorithm: Algorithm) -> Result<(Jwk, String), Cause> {
    let mut jwk = Jwk::from_decoding_key(key, Some(algorithm))?;
    let kid = jwk.thumbprint(ThumbprintHash::SHA256)?;
    jwk.common.key_id = Some(kid.clone());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok((jwk, kid))
}

/// Its text, with the members in the order of their names.
pub(super) fn to_json(jwk: &Jwk) -> Result<String, Cause> {
    Ok(serde_json::to_value(jwk)?.to_string())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    #[test]
    fn the_thumbprint_of_rfc_7638_section_3_1() {
        let modulus = concat!(
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWK",
            "RXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMic",
            "AtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3",
            "XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        );
        let key = DecodingKey::from_rsa_components(modulus, "AQAB").unwrap();
        let (_, kid) = from_public_key(&key, Algorithm::RS256).unwrap();
        assert_eq!(kid, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn the_p_256_key_of_rfc_7515_appendix_a_3() {
        let (x, y) = ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
        let point = [vec![4], URL_SAFE_NO_PAD.decode(x).unwrap(), URL_SAFE_NO_PAD.decode(y).unwrap()].concat();
        let (jwk, kid) = from_public_key(&DecodingKey::from_ec_der(&point), Algorithm::ES256).unwrap();
        assert_eq!(kid, "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
        let expected =
            format!(r#"{{"alg":"ES256","crv":"P-256","kid":"{kid}","kty":"EC","use":"sig","x":"{x}","y":"{y}"}}"#);
        assert_eq!(to_json(&jwk).unwrap(), expected);
    }

    #[test]
    fn the_ed25519_key_of_rfc_8037_appendix_a() {
        let key = DecodingKey::from_ed_components("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        let (jwk, _) = from_public_key(&key, Algorithm::EdDSA).unwrap();
        assert_eq!(
            to_json(&jwk).unwrap(),
            concat!(
                r#"{"alg":"EdDSA","crv":"Ed25519","kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k","kty":"OKP","#,
                r#""use":"sig","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#
            )
        );
    }
}

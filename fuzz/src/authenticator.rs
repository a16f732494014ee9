//! A relying party and an authenticator whose passkey is known to both.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ipse::application::ports::PresentedAssertion;
use ipse::domain::credential::passkey::Passkey;
use ipse::infrastructure::webauthn::WebAuthn;
use ipse::infrastructure::webauthn::relying_party::RelyingParty;
use serde_json::json;
use uuid::Uuid;

pub const RP_ID: &str = "example.org";
pub const ORIGIN: &str = "https://example.org";
pub const PERSON: &[u8] = b"person 1";
pub const CHALLENGE: [u8; 32] = [7; 32];
/// The name of the passkey.
pub const ID: [u8; 32] = [0x55; 32];

static KEY: LazyLock<Ed25519KeyPair> = LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap());

/// What is asked about passkeys.
pub static WEBAUTHN: LazyLock<WebAuthn> = LazyLock::new(|| {
    WebAuthn::new(RelyingParty { rp_id: RP_ID.into(), name: "Example".into(), origins: vec![ORIGIN.into()] })
});

/// The passkey as the relying party keeps it.
pub fn passkey() -> Passkey {
    Passkey {
        credential_id: ID.into(),
        public_key: [b"\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20", KEY.public_key().as_ref()].concat(),
        user_handle: PERSON.into(),
        rp_id: RP_ID.into(),
        sign_count: 0,
        aaguid: Uuid::nil(),
        transports: Vec::new(),
        backup_eligible: false,
        backed_up: false,
        user_verified: true,
    }
}

/// What a browser says of a ceremony that is well.
pub fn client_data(ceremony: &str) -> String {
    format!(r#"{{"type":"{ceremony}","challenge":"{}","origin":"{ORIGIN}"}}"#, URL_SAFE_NO_PAD.encode(CHALLENGE))
}

/// What an authenticator says of one.
pub fn authenticator_data() -> Vec<u8> {
    [digest(&SHA256, RP_ID.as_bytes()).as_ref(), &[5], &1_u32.to_be_bytes()].concat()
}

/// What a page sends of a new passkey.
pub fn registration(attestation_object: &[u8]) -> String {
    let (id, client_data) = (URL_SAFE_NO_PAD.encode(ID), client_data("webauthn.create"));
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let response =
        json!({ "attestationObject": encode(attestation_object), "clientDataJSON": encode(client_data.as_bytes()) });
    json!({ "id": id, "rawId": id, "type": "public-key", "response": response }).to_string()
}

/// These two with the passkey's signature.
pub fn assertion(authenticator_data: &[u8], client_data: &[u8]) -> PresentedAssertion {
    let signed = [authenticator_data, digest(&SHA256, client_data).as_ref()].concat();
    PresentedAssertion {
        credential_id: ID.into(),
        user_handle: Some(PERSON.into()),
        client_data: client_data.to_vec(),
        authenticator_data: authenticator_data.to_vec(),
        signature: KEY.sign(&signed).as_ref().to_vec(),
    }
}

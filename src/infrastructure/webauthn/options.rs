//! What pages hand to browsers: options of ceremonies in their JSON forms (WebAuthn, section 5.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::RelyingParty;
use super::cose::ALGORITHMS;
use crate::application::ports::{Cause, NewPasskey};
use crate::domain::credential::passkey::{Passkey, USER_HANDLE_BYTES, UserVerification};

const PUBLIC_KEY: &str = "public-key";
/// How long a browser may wait for the person, in milliseconds.
const PATIENCE: u32 = 5 * 60 * 1000;

/// The person cannot be told to authenticators.
#[derive(Debug, thiserror::Error)]
#[error("a user handle has 1 to 64 bytes")]
struct InvalidUserHandle;

/// A `PublicKeyCredentialCreationOptionsJSON`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreationOptions<'a> {
    rp: Party<'a>,
    user: Person<'a>,
    challenge: String,
    pub_key_cred_params: [Parameters; ALGORITHMS.len()],
    timeout: u32,
    exclude_credentials: Vec<Descriptor<'a>>,
    authenticator_selection: Selection,
    attestation: &'static str,
    extensions: Extensions,
}

#[derive(Serialize)]
struct Party<'a> {
    id: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Person<'a> {
    id: String,
    name: &'a str,
    display_name: &'a str,
}

#[derive(Serialize)]
struct Parameters {
    #[serde(rename = "type")]
    kind: &'static str,
    alg: i128,
}

/// The passkey is found by the authenticator itself, so that people need not say who they are.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Selection {
    resident_key: &'static str,
    require_resident_key: bool,
    user_verification: &'static str,
}

/// Browsers are asked whether the passkey can be found like that.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Extensions {
    cred_props: bool,
}

/// A `PublicKeyCredentialRequestOptionsJSON`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestOptions<'a> {
    challenge: String,
    timeout: u32,
    rp_id: &'a str,
    allow_credentials: Vec<Descriptor<'a>>,
    user_verification: &'static str,
}

#[derive(Serialize)]
struct Descriptor<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    transports: &'a [String],
}

pub(super) fn creation(relying_party: &RelyingParty, wanted: &NewPasskey<'_>) -> Result<String, Cause> {
    if !USER_HANDLE_BYTES.contains(&wanted.user_handle.len()) {
        return Err(InvalidUserHandle.into());
    }
    let options = CreationOptions {
        rp: Party { id: &relying_party.rp_id, name: &relying_party.name },
        user: Person {
            id: URL_SAFE_NO_PAD.encode(wanted.user_handle),
            name: wanted.user_name,
            display_name: wanted.user_display_name,
        },
        challenge: URL_SAFE_NO_PAD.encode(wanted.challenge),
        pub_key_cred_params: ALGORITHMS.map(|alg| Parameters { kind: PUBLIC_KEY, alg }),
        timeout: PATIENCE,
        exclude_credentials: wanted.exclude.iter().map(descriptor).collect(),
        authenticator_selection: Selection {
            resident_key: "required",
            require_resident_key: true,
            user_verification: wanted.user_verification.as_str(),
        },
        attestation: "none",
        extensions: Extensions { cred_props: true },
    };
    Ok(serde_json::to_string(&options)?)
}

pub(super) fn request(
    relying_party: &RelyingParty,
    challenge: &[u8; 32],
    allow: &[Passkey],
    user_verification: UserVerification,
) -> Result<String, Cause> {
    let options = RequestOptions {
        challenge: URL_SAFE_NO_PAD.encode(challenge),
        timeout: PATIENCE,
        rp_id: &relying_party.rp_id,
        allow_credentials: allow.iter().map(descriptor).collect(),
        user_verification: user_verification.as_str(),
    };
    Ok(serde_json::to_string(&options)?)
}

fn descriptor(passkey: &Passkey) -> Descriptor<'_> {
    let id = URL_SAFE_NO_PAD.encode(&passkey.credential_id);
    Descriptor { kind: PUBLIC_KEY, id, transports: &passkey.transports }
}

//! What pages send: the JSON forms of credentials (WebAuthn, section 5.1), taken apart and not judged.

use super::json::{Json, Object};
use crate::application::ports::PresentedAssertion;
use crate::domain::credential::passkey::{CREDENTIAL_ID_BYTES, MAX_TRANSPORTS, USER_HANDLE_BYTES, is_transport};

/// How long the JSON form of a credential may be, in bytes.
const LONGEST: usize = 16 * 1024;

/// A `RegistrationResponseJSON`.
pub(super) struct PresentedRegistration {
    pub credential_id: Vec<u8>,
    pub client_data: Vec<u8>,
    pub attestation_object: Vec<u8>,
    pub transports: Vec<String>,
}

impl PresentedRegistration {
    pub(super) fn read(text: &str) -> Option<Self> {
        let (credential_id, response) = read(text)?;
        Some(Self {
            credential_id,
            client_data: response.bytes("clientDataJSON")?,
            attestation_object: response.bytes("attestationObject")?,
            transports: transports(&response)?,
        })
    }
}

/// Reads an `AuthenticationResponseJSON`.
pub(super) fn read_assertion(text: &str) -> Option<PresentedAssertion> {
    let (credential_id, response) = read(text)?;
    let user_handle = match response.get("userHandle") {
        None | Some(Json::Null) => None,
        Some(_) => Some(response.bytes("userHandle").filter(|handle| USER_HANDLE_BYTES.contains(&handle.len()))?),
    };
    Some(PresentedAssertion {
        credential_id,
        user_handle,
        client_data: response.bytes("clientDataJSON")?,
        authenticator_data: response.bytes("authenticatorData")?,
        signature: response.bytes("signature")?,
    })
}

/// The id of a credential, and the member `response`.
fn read(text: &str) -> Option<(Vec<u8>, Object)> {
    let mut credential = Object::read(text.as_bytes(), LONGEST)?;
    let id = credential.bytes("rawId").filter(|id| CREDENTIAL_ID_BYTES.contains(&id.len()))?;
    let is_one = credential.text("id") == credential.text("rawId") && credential.text("type") == Some("public-key");
    Some((id, credential.take_object("response").filter(|_| is_one)?))
}

/// The ways to the authenticator that the page tells, none if it does not. Those that are not written like the names of any
/// way are passed over, as they help no browser later on.
fn transports(response: &Object) -> Option<Vec<String>> {
    let told = match response.get("transports") {
        None | Some(Json::Null) => return Some(Vec::new()),
        Some(Json::Array(told)) => told,
        Some(_) => return None,
    };
    let texts = told.iter().map(|transport| match transport {
        Json::Text(name) => Some(name),
        _ => None,
    });
    let names = texts.collect::<Option<Vec<_>>>()?;
    Some(names.into_iter().filter(|name| is_transport(name)).take(MAX_TRANSPORTS).cloned().collect())
}

//! Passkeys (Web Authentication, Level 3): options for browsers, and an own strict reading of what comes back.
//!
//! Signatures are checked by AWS-LC. The reading before them takes what section 7 asks of relying parties and nothing else:
//! one form of each part, three algorithms, no trust in manufacturers, no pages in frames of others.

mod assertion;
mod attestation;
mod authenticator_data;
mod cbor;
mod client_data;
mod cose;
mod credential;
mod json;
mod options;
mod registration;
pub mod relying_party;

#[cfg(test)]
mod tests;

use aws_lc_rs::digest;
use relying_party::RelyingParty;

use crate::application::ports::{
    AssertionCeremony, Cause, CeremonyRejected, NewPasskey, PasskeyRefused, Passkeys, PresentedAssertion,
    RegistrationCeremony, VerifiedAssertion,
};
use crate::domain::credential::passkey::{Passkey, UserVerification};

/// Asks for passkeys in the name of a relying party, and checks what authenticators answer.
pub struct WebAuthn {
    relying_party: RelyingParty,
}

impl WebAuthn {
    /// Passkeys of this relying party.
    #[must_use]
    pub const fn new(relying_party: RelyingParty) -> Self {
        Self { relying_party }
    }
}

/// What the signatures of authenticators are over: what they say, and the digest of what the browser says.
fn signed_by_authenticators(authenticator_data: &[u8], client_data: &[u8]) -> Vec<u8> {
    [authenticator_data, digest::digest(&digest::SHA256, client_data).as_ref()].concat()
}

impl Passkeys for WebAuthn {
    fn creation_options(&self, wanted: &NewPasskey<'_>) -> Result<String, Cause> {
        options::creation(&self.relying_party, wanted)
    }

    fn request_options(
        &self,
        challenge: &[u8; 32],
        allow: &[Passkey],
        user_verification: UserVerification,
    ) -> Result<String, Cause> {
        options::request(&self.relying_party, challenge, allow, user_verification)
    }

    fn register(
        &self,
        credential_json: &str,
        ceremony: &RegistrationCeremony<'_>,
    ) -> Result<Passkey, CeremonyRejected> {
        registration::register(&self.relying_party, credential_json, ceremony)
    }

    fn works_here(&self, passkey: &Passkey) -> bool {
        passkey.rp_id == self.relying_party.rp_id
    }

    fn accept(&self, passkey: &Passkey) -> Result<(), PasskeyRefused> {
        cose::PublicKey::read(&passkey.public_key).map(drop).map_err(|rejected| match rejected {
            CeremonyRejected::Algorithm => PasskeyRefused::Algorithm,
            _ => PasskeyRefused::PublicKey,
        })
    }

    fn read_assertion(&self, credential_json: &str) -> Result<PresentedAssertion, CeremonyRejected> {
        credential::read_assertion(credential_json).ok_or(CeremonyRejected::Malformed)
    }

    fn verify(
        &self,
        presented: &PresentedAssertion,
        stored: Option<&Passkey>,
        ceremony: &AssertionCeremony<'_>,
    ) -> Result<VerifiedAssertion, CeremonyRejected> {
        assertion::verify(&self.relying_party, presented, stored, ceremony)
    }
}

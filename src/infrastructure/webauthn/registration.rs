//! The registration of a passkey (WebAuthn, section 7.1).

use super::attestation::AttestationObject;
use super::authenticator_data::AuthenticatorData;
use super::client_data::{self, ClientData};
use super::cose::PublicKey;
use super::credential::PresentedRegistration;
use super::{RelyingParty, signed_by_authenticators};
use crate::application::ports::{CeremonyRejected, RegistrationCeremony};
use crate::domain::credential::passkey::Passkey;

/// The passkey that an authenticator made, if it was made in this ceremony.
pub(super) fn register(
    relying_party: &RelyingParty,
    credential_json: &str,
    ceremony: &RegistrationCeremony<'_>,
) -> Result<Passkey, CeremonyRejected> {
    let presented = PresentedRegistration::read(credential_json).ok_or(CeremonyRejected::Malformed)?;
    let client_data = ClientData::read(&presented.client_data).ok_or(CeremonyRejected::Malformed)?;
    client_data.check(client_data::CREATE, ceremony.challenge, &relying_party.origins)?;
    accept(&relying_party.rp_id, presented, ceremony)
}

/// The passkey, if all is well with what its authenticator says.
pub(super) fn accept(
    rp_id: &str,
    presented: PresentedRegistration,
    ceremony: &RegistrationCeremony<'_>,
) -> Result<Passkey, CeremonyRejected> {
    let object = AttestationObject::read(&presented.attestation_object).ok_or(CeremonyRejected::Malformed)?;
    let data = AuthenticatorData::read(object.authenticator_data).ok_or(CeremonyRejected::Malformed)?;
    data.check(rp_id, ceremony.user_verification)?;
    let made = data.attested.as_ref().ok_or(CeremonyRejected::Malformed)?;
    let key = PublicKey::read(made.public_key)?;
    let signed = signed_by_authenticators(object.authenticator_data, &presented.client_data);
    if !object.is_accepted(&key, &signed) {
        return Err(CeremonyRejected::Attestation);
    }
    if made.credential_id != presented.credential_id {
        return Err(CeremonyRejected::CredentialId);
    }
    Ok(Passkey {
        public_key: made.public_key.to_vec(),
        user_handle: ceremony.user_handle.to_vec(),
        rp_id: rp_id.to_owned(),
        sign_count: data.sign_count,
        aaguid: made.aaguid,
        transports: presented.transports,
        backup_eligible: data.backup_eligible(),
        backed_up: data.backed_up(),
        user_verified: data.user_verified(),
        credential_id: presented.credential_id,
    })
}

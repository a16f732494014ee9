//! The use of a passkey (WebAuthn, section 7.2).

use uuid::Uuid;

use super::authenticator_data::AuthenticatorData;
use super::client_data::{self, ClientData};
use super::cose::PublicKey;
use super::{RelyingParty, signed_by_authenticators};
use crate::application::ports::{AssertionCeremony, CeremonyRejected, PresentedAssertion, VerifiedAssertion};
use crate::domain::credential::passkey::Passkey;

/// A `COSE_Key` on P-256 whose private half nobody has: its first coordinate is the SHA-256 digest of the text
/// `the passkey of nobody 0`.
const KEY_OF_NOBODY: [u8; 77] = [
    0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20, 0xae, 0x14, 0x4e, 0xf9, 0x49, 0xe7, 0x83, 0xce, 0x6e,
    0x9d, 0x35, 0x4f, 0x83, 0xf0, 0x60, 0x4a, 0x55, 0xeb, 0x8a, 0x36, 0xf3, 0xa3, 0xd0, 0xa7, 0x33, 0x6c, 0xd2, 0x63,
    0x07, 0x15, 0xe0, 0x2c, 0x22, 0x58, 0x20, 0x2d, 0xdc, 0x39, 0xdf, 0xc0, 0xd8, 0x05, 0x07, 0xfc, 0x20, 0xf3, 0x39,
    0x45, 0xfd, 0x64, 0x4a, 0xbe, 0x7c, 0xf8, 0x0e, 0x15, 0x2c, 0xc4, 0x86, 0xc2, 0x91, 0x46, 0x33, 0x5d, 0xa9, 0xa5,
    0xde,
];

/// What an assertion says, if this passkey made it in this ceremony.
pub(super) fn verify(
    relying_party: &RelyingParty,
    presented: &PresentedAssertion,
    stored: Option<&Passkey>,
    ceremony: &AssertionCeremony<'_>,
) -> Result<VerifiedAssertion, CeremonyRejected> {
    let client_data = ClientData::read(&presented.client_data).ok_or(CeremonyRejected::Malformed)?;
    client_data.check(client_data::GET, ceremony.challenge, &relying_party.origins)?;
    let Some(passkey) = stored else {
        let decoy = passkey_of_nobody(relying_party, presented, ceremony);
        return Err(accept(presented, &decoy, ceremony).err().map_or(CeremonyRejected::UnknownCredential, of_nobody));
    };
    accept(presented, passkey, ceremony)
}

/// What an assertion says, if the passkey made it.
pub(super) fn accept(
    presented: &PresentedAssertion,
    passkey: &Passkey,
    ceremony: &AssertionCeremony<'_>,
) -> Result<VerifiedAssertion, CeremonyRejected> {
    if presented.credential_id != passkey.credential_id {
        return Err(CeremonyRejected::CredentialId);
    }
    if !is_of_the_person(presented, passkey, ceremony) {
        return Err(CeremonyRejected::UserHandle);
    }
    let data = AuthenticatorData::read(&presented.authenticator_data).ok_or(CeremonyRejected::Malformed)?;
    if data.attested.is_some() {
        return Err(CeremonyRejected::Malformed);
    }
    data.check(&passkey.rp_id, ceremony.user_verification)?;
    if !passkey.accepts_eligibility(data.backup_eligible()) {
        return Err(CeremonyRejected::BackupEligibility);
    }
    let signed = signed_by_authenticators(&presented.authenticator_data, &presented.client_data);
    if !PublicKey::read(&passkey.public_key)?.verifies(&signed, &presented.signature) {
        return Err(CeremonyRejected::Signature);
    }
    if !passkey.accepts_count(data.sign_count) {
        return Err(CeremonyRejected::SignCount);
    }
    Ok(VerifiedAssertion {
        sign_count: data.sign_count,
        backed_up: data.backed_up(),
        user_verified: data.user_verified(),
    })
}

/// Whether the passkey is that of whoever the ceremony is for, and the authenticator says nothing else. Where it is for
/// anybody, the authenticator has to say it.
fn is_of_the_person(presented: &PresentedAssertion, passkey: &Passkey, ceremony: &AssertionCeremony<'_>) -> bool {
    let is_right = |handle: &[u8]| handle == passkey.user_handle;
    match (presented.user_handle.as_deref(), ceremony.user_handle) {
        (Some(said), Some(wanted)) => is_right(said) && is_right(wanted),
        (Some(handle), None) | (None, Some(handle)) => is_right(handle),
        (None, None) => false,
    }
}

/// A passkey about which nothing is wrong but that it did not sign.
fn passkey_of_nobody(
    relying_party: &RelyingParty,
    presented: &PresentedAssertion,
    ceremony: &AssertionCeremony<'_>,
) -> Passkey {
    let data = AuthenticatorData::read(&presented.authenticator_data);
    let person = ceremony.user_handle.or(presented.user_handle.as_deref());
    Passkey {
        credential_id: presented.credential_id.clone(),
        public_key: KEY_OF_NOBODY.to_vec(),
        user_handle: person.unwrap_or_default().to_vec(),
        rp_id: relying_party.rp_id.clone(),
        sign_count: 0,
        aaguid: Uuid::nil(),
        transports: Vec::new(),
        backup_eligible: data.is_some_and(|data| data.backup_eligible()),
        backed_up: false,
        user_verified: false,
    }
}

/// Why a passkey that does not exist is refused: for a step before its key was asked, or because there is none.
fn of_nobody(rejected: CeremonyRejected) -> CeremonyRejected {
    if rejected == CeremonyRejected::Signature { CeremonyRejected::UnknownCredential } else { rejected }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn nobody_chose_the_key_of_nobody() {
        assert_eq!(KEY_OF_NOBODY[10..42], *Sha256::digest(b"the passkey of nobody 0"));
        assert!(matches!(PublicKey::read(&KEY_OF_NOBODY), Ok(PublicKey::Es256(_))));
    }
}

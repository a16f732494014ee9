use std::fmt;

use super::Cause;
use crate::domain::credential::passkey::{Passkey, UserVerification};

/// The longest answer of an authenticator that is looked at, in bytes.
pub const MAX_CREDENTIAL_BYTES: usize = 16 * 1024;

/// A passkey that an authenticator is asked to make.
#[derive(Debug, Clone, Copy)]
pub struct NewPasskey<'a> {
    /// Random bytes that the answer has to hold. They are good for one answer.
    pub challenge: &'a [u8; 32],
    /// Stands for the person towards authenticators: 1 to 64 random bytes.
    pub user_handle: &'a [u8],
    /// What the person signs in with, to be shown.
    pub user_name: &'a str,
    /// What the person is called, to be shown.
    pub user_display_name: &'a str,
    /// The passkeys that the person has: an authenticator with one of them makes no other.
    pub exclude: &'a [Passkey],
    /// Whether the authenticator has to verify the person.
    pub user_verification: UserVerification,
}

/// What the answer to `creation_options` has to agree with.
#[derive(Debug, Clone, Copy)]
pub struct RegistrationCeremony<'a> {
    /// The challenge of the options.
    pub challenge: &'a [u8; 32],
    /// The person of the options, whose the passkey will be.
    pub user_handle: &'a [u8],
    /// As in the options.
    pub user_verification: UserVerification,
}

/// What the answer to `request_options` has to agree with.
#[derive(Debug, Clone, Copy)]
pub struct AssertionCeremony<'a> {
    /// The challenge of the options.
    pub challenge: &'a [u8; 32],
    /// Who has to answer, if it was clear whom the options are for: the passkey has to be theirs. If it was not, the
    /// authenticator has to say whose the passkey is.
    pub user_handle: Option<&'a [u8]>,
    /// As in the options.
    pub user_verification: UserVerification,
}

/// What claims to be the answer of an authenticator that holds a passkey. Nothing of it is checked.
#[derive(Clone, PartialEq, Eq)]
pub struct PresentedAssertion {
    /// Which passkey it claims to come from.
    pub credential_id: Vec<u8>,
    /// Whose the passkey is, if the authenticator says so.
    pub user_handle: Option<Vec<u8>>,
    /// What the browser says about the ceremony: `clientDataJSON`.
    pub client_data: Vec<u8>,
    /// What the authenticator says about it: `authenticatorData`.
    pub authenticator_data: Vec<u8>,
    /// The authenticator's signature over both.
    pub signature: Vec<u8>,
}

impl fmt::Debug for PresentedAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresentedAssertion")
    }
}

/// What the genuine answer of an authenticator says: what is to be kept of it, and how its person was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedAssertion {
    /// How often the passkey was used, as its authenticator counts.
    pub sign_count: u32,
    /// Whether there is another copy of the private half.
    pub backed_up: bool,
    /// Whether the authenticator verified its person.
    pub user_verified: bool,
}

/// Why a passkey that was made elsewhere is not taken, as what is wrong with which part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyRefused {
    /// The key is of an algorithm that is not asked for.
    #[error("public_key must be of the algorithms ES256, EdDSA with Ed25519, or RS256")]
    Algorithm,
    /// The key is none of its algorithm, or in another form.
    #[error("public_key must be a COSE_Key with the parameters of its algorithm and no others")]
    PublicKey,
}

/// The step at which a ceremony failed, for the audit trail alone: whoever answered is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the passkey is not accepted")]
pub enum CeremonyRejected {
    /// It is not in the one form that is read.
    Malformed,
    /// It answers another kind of request.
    CeremonyType,
    /// It answers another request.
    Challenge,
    /// It was made at a place that is none of the relying party's.
    Origin,
    /// It was made in a frame within a page from elsewhere.
    CrossOrigin,
    /// It was made for another relying party.
    RpId,
    /// Nobody was there.
    UserPresence,
    /// Nobody was verified, though they had to be.
    UserVerification,
    /// The private half has copies, which it must not have.
    BackupState,
    /// Whether the private half may have copies is not as it was.
    BackupEligibility,
    /// The key is of an algorithm that was not asked for.
    Algorithm,
    /// The key is none of its algorithm.
    PublicKey,
    /// What the authenticator says about itself is of a kind that is not read, or is not true.
    Attestation,
    /// The passkey is another one than the answer says.
    CredentialId,
    /// There is no such passkey.
    UnknownCredential,
    /// The passkey is someone else's.
    UserHandle,
    /// The passkey did not sign this.
    Signature,
    /// The count of uses did not go up.
    SignCount,
}

impl CeremonyRejected {
    /// The reason in the audit trail.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "MALFORMED",
            Self::CeremonyType => "CEREMONY_TYPE",
            Self::Challenge => "CHALLENGE",
            Self::Origin => "ORIGIN",
            Self::CrossOrigin => "CROSS_ORIGIN",
            Self::RpId => "RP_ID",
            Self::UserPresence => "USER_PRESENCE",
            Self::UserVerification => "USER_VERIFICATION",
            Self::BackupState => "BACKUP_STATE",
            Self::BackupEligibility => "BACKUP_ELIGIBILITY",
            Self::Algorithm => "ALGORITHM",
            Self::PublicKey => "PUBLIC_KEY",
            Self::Attestation => "ATTESTATION",
            Self::CredentialId => "CREDENTIAL_ID",
            Self::UnknownCredential => "UNKNOWN_CREDENTIAL",
            Self::UserHandle => "USER_HANDLE",
            Self::Signature => "SIGNATURE",
            Self::SignCount => "SIGN_COUNT",
        }
    }
}

/// Asks authenticators for passkeys and for signatures with them, and checks what they answer (Web Authentication,
/// Level 3). No operation does input or output.
pub trait Passkeys: Send + Sync {
    /// What a page hands to `PublicKeyCredential.parseCreationOptionsFromJSON`.
    fn creation_options(&self, wanted: &NewPasskey<'_>) -> Result<String, Cause>;

    /// What a page hands to `PublicKeyCredential.parseRequestOptionsFromJSON`. Without an `allow`ed passkey, any that the
    /// authenticator finds by itself will do.
    fn request_options(
        &self,
        challenge: &[u8; 32],
        allow: &[Passkey],
        user_verification: UserVerification,
    ) -> Result<String, Cause>;

    /// Reads a `RegistrationResponseJSON`, which is what `toJSON` makes of a new credential, and checks it (section 7.1).
    /// That nobody has a passkey of the same `credential_id` is left to whoever keeps it.
    fn register(&self, credential_json: &str, ceremony: &RegistrationCeremony<'_>)
    -> Result<Passkey, CeremonyRejected>;

    /// Whether a passkey is of the domain that this service has passkeys made for: any other one signs nobody in.
    fn works_here(&self, passkey: &Passkey) -> bool;

    /// Judges a passkey that was made elsewhere: only one is taken that assertions can be checked against.
    fn accept(&self, passkey: &Passkey) -> Result<(), PasskeyRefused>;

    /// Reads an `AuthenticationResponseJSON` without judging it.
    fn read_assertion(&self, credential_json: &str) -> Result<PresentedAssertion, CeremonyRejected>;

    /// Checks an assertion (section 7.2) against the passkey that is kept under its `credential_id`. If there is none, it
    /// does as much with a key that nobody has, and refuses.
    fn verify(
        &self,
        presented: &PresentedAssertion,
        stored: Option<&Passkey>,
        ceremony: &AssertionCeremony<'_>,
    ) -> Result<VerifiedAssertion, CeremonyRejected>;
}

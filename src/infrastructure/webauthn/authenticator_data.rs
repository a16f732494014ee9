//! What an authenticator says about a ceremony: `authenticatorData` (WebAuthn, section 6.1).

use aws_lc_rs::digest;
use uuid::Uuid;

use super::cbor::Value;
use crate::application::ports::CeremonyRejected;
use crate::domain::credential::passkey::{self, CREDENTIAL_ID_BYTES, UserVerification};

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENDED: u8 = 1 << 7;
/// What has no meaning yet. Whoever sets it means something that is not understood here.
const RESERVED: u8 = 1 << 1 | 1 << 5;

/// All parts but the results of extensions, none of which are asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AuthenticatorData<'a> {
    rp_id_hash: [u8; 32],
    flags: u8,
    pub sign_count: u32,
    /// The new passkey, in a registration.
    pub attested: Option<AttestedCredential<'a>>,
}

/// A passkey that was made.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AttestedCredential<'a> {
    pub aaguid: Uuid,
    pub credential_id: &'a [u8],
    /// The bytes of its `COSE_Key`.
    pub public_key: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    /// Reads all of the bytes.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (rp_id_hash, rest) = bytes.split_first_chunk::<32>()?;
        let ([flags], rest) = rest.split_first_chunk::<1>()?;
        let (sign_count, mut rest) = rest.split_first_chunk::<4>()?;
        if flags & RESERVED != 0 {
            return None;
        }
        let mut attested = None;
        if flags & ATTESTED != 0 {
            let (credential, behind) = AttestedCredential::read(rest)?;
            attested = Some(credential);
            rest = behind;
        }
        if flags & EXTENDED != 0 {
            let (extensions, behind) = Value::read_first(rest)?;
            extensions.map()?;
            rest = behind;
        }
        let sign_count = u32::from_be_bytes(*sign_count);
        rest.is_empty().then_some(Self { rp_id_hash: *rp_id_hash, flags: *flags, sign_count, attested })
    }

    /// Checks what is asked of every ceremony, in the order of WebAuthn.
    pub(super) fn check(&self, rp_id: &str, user_verification: UserVerification) -> Result<(), CeremonyRejected> {
        if digest::digest(&digest::SHA256, rp_id.as_bytes()).as_ref() != self.rp_id_hash.as_slice() {
            return Err(CeremonyRejected::RpId);
        }
        if !self.has(USER_PRESENT) {
            return Err(CeremonyRejected::UserPresence);
        }
        if !user_verification.accepts(self.user_verified()) {
            return Err(CeremonyRejected::UserVerification);
        }
        if !passkey::is_possible_backup(self.backup_eligible(), self.backed_up()) {
            return Err(CeremonyRejected::BackupState);
        }
        Ok(())
    }

    pub(super) const fn user_verified(&self) -> bool {
        self.has(USER_VERIFIED)
    }

    pub(super) const fn backup_eligible(&self) -> bool {
        self.has(BACKUP_ELIGIBLE)
    }

    pub(super) const fn backed_up(&self) -> bool {
        self.has(BACKED_UP)
    }

    const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

impl<'a> AttestedCredential<'a> {
    /// Reads what the bytes begin with. The second part is what comes behind it.
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (aaguid, rest) = bytes.split_first_chunk::<16>()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (credential_id, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        if !CREDENTIAL_ID_BYTES.contains(&credential_id.len()) {
            return None;
        }
        let (key, behind) = Value::read_first(rest)?;
        key.map()?;
        let public_key = rest.get(..rest.len() - behind.len())?;
        Some((Self { aaguid: Uuid::from_bytes(*aaguid), credential_id, public_key }, behind))
    }
}

//! Second factors of rows: each is checked as if it were enrolled here, but for the proof that the person has it.

use uuid::Uuid;

use super::UserTransfer;
use crate::domain::Timestamp;
use crate::domain::credential::factor::FactorName;
use crate::domain::credential::factor_record::{
    FactorRecord, RECORDS, RecordedMethod, Seed, check_together, is_possible_set,
};
use crate::domain::credential::passkey::{
    CREDENTIAL_ID_BYTES, MAX_TRANSPORTS, Passkey, USER_HANDLE_BYTES, is_domain, is_possible_backup, is_transport,
};
use crate::domain::credential::recovery_code::CODES;
use crate::domain::secret::Secret;

/// The longest public key that is looked at, in bytes.
const MAX_PUBLIC_KEY_BYTES: usize = 2048;

/// A second factor as it came.
#[derive(Debug, Clone, Default)]
pub struct ImportFactor {
    /// Its name, which the person gave it.
    pub display_name: String,
    /// What it is.
    pub method: ImportMethod,
    /// Whether too many attempts failed.
    pub is_disabled: bool,
    /// When it was enrolled.
    pub create_time: Option<Timestamp>,
    /// When somebody last signed in by it.
    pub last_used_time: Option<Timestamp>,
}

/// What a second factor is, as it came.
#[derive(Debug, Clone, Default)]
pub enum ImportMethod {
    /// It does not say.
    #[default]
    Unstated,
    /// A TOTP secret, as an `otpauth` URI.
    OtpauthUri(Secret),
    /// A `WebAuthn` credential.
    Passkey(Box<ImportPasskey>),
    /// Hashes of recovery codes.
    RecoveryCodes(Vec<Secret>),
}

/// A `WebAuthn` credential as it came.
#[derive(Debug, Clone, Default)]
pub struct ImportPasskey {
    /// The authenticator's name for it.
    pub credential_id: Vec<u8>,
    /// The public half, as a `COSE_Key`.
    pub public_key: Vec<u8>,
    /// What stands for the person towards authenticators.
    pub user_handle: Vec<u8>,
    /// The domain that it was made for.
    pub rp_id: String,
    /// How often it was used, as its authenticator counts.
    pub sign_count: i64,
    /// The model of its authenticator; empty if it is not stated.
    pub aaguid: String,
    /// How its authenticator can be reached.
    pub transports: Vec<String>,
    /// Whether its private half may have copies.
    pub backup_eligible: bool,
    /// Whether it had one when it was used last.
    pub backed_up: bool,
    /// Whether its authenticator verified the person when it was made.
    pub user_verified: bool,
}

impl UserTransfer {
    /// Reads the factors of a row, or says what is wrong with them. Computes nothing expensive.
    pub(super) fn parse_factors(&self, factors: Vec<ImportFactor>) -> Result<Vec<FactorRecord>, String> {
        if factors.len() > RECORDS {
            return Err(format!("must be at most {RECORDS}"));
        }
        let factors = factors.into_iter().enumerate();
        let read = |(place, factor)| self.parse_factor(factor).map_err(|why| format!("at {place}: {why}"));
        let factors = factors.map(read).collect::<Result<Vec<_>, _>>()?;
        check_together(&factors).map_err(|why| why.to_string())?;
        Ok(factors)
    }

    fn parse_factor(&self, factor: ImportFactor) -> Result<FactorRecord, String> {
        let ImportFactor { display_name, method, is_disabled, create_time, last_used_time } = factor;
        let display_name = FactorName::parse(&display_name).map_err(in_field("display_name"))?;
        let method = match method {
            ImportMethod::Unstated => return Err("must have otpauth_uri, passkey or recovery_codes".to_owned()),
            ImportMethod::OtpauthUri(uri) => {
                RecordedMethod::Totp(Seed::new(self.codes.accept(&uri).map_err(in_field("otpauth_uri"))?))
            }
            ImportMethod::Passkey(passkey) => RecordedMethod::Passkey(self.parse_passkey(*passkey)?),
            ImportMethod::RecoveryCodes(hashes) => {
                if !is_possible_set(hashes.len()) {
                    return Err(format!("recovery_codes.hashes must be at most {CODES}"));
                }
                let hashes: Vec<&str> = hashes.iter().map(Secret::expose).collect();
                let hashes = self.hasher.accept_alike(&hashes).map_err(in_field("recovery_codes.hashes"))?;
                RecordedMethod::RecoveryCodes(hashes)
            }
        };
        Ok(FactorRecord { display_name, method, is_disabled, create_time, last_used_time })
    }

    fn parse_passkey(&self, passkey: ImportPasskey) -> Result<Passkey, String> {
        let require = |condition: bool, field: &str, rule: &str| {
            if condition { Ok(()) } else { Err(format!("passkey.{field} {rule}")) }
        };
        let (id, handle, key) = (passkey.credential_id.len(), passkey.user_handle.len(), passkey.public_key.len());
        require(CREDENTIAL_ID_BYTES.contains(&id), "credential_id", "must be 1 to 1023 bytes")?;
        require(USER_HANDLE_BYTES.contains(&handle), "user_handle", "must be 1 to 64 bytes")?;
        require(is_domain(&passkey.rp_id), "rp_id", "must be a domain of at most 253 characters")?;
        require(key <= MAX_PUBLIC_KEY_BYTES, "public_key", "must be at most 2048 bytes")?;
        let are_transports =
            passkey.transports.len() <= MAX_TRANSPORTS && passkey.transports.iter().all(|name| is_transport(name));
        let rule = "must be at most 16 names of 1 to 32 small letters, digits and hyphens";
        require(are_transports, "transports", rule)?;
        let is_possible = is_possible_backup(passkey.backup_eligible, passkey.backed_up);
        require(is_possible, "backed_up", "must not be true without backup_eligible")?;
        let sign_count = u32::try_from(passkey.sign_count);
        let sign_count = sign_count.map_err(|_| "passkey.sign_count must be from 0 to 4294967295".to_owned())?;
        let read = Passkey {
            sign_count,
            aaguid: parse_aaguid(&passkey.aaguid).ok_or("passkey.aaguid must be a UUID of 36 characters")?,
            credential_id: passkey.credential_id,
            public_key: passkey.public_key,
            user_handle: passkey.user_handle,
            rp_id: passkey.rp_id,
            transports: passkey.transports,
            backup_eligible: passkey.backup_eligible,
            backed_up: passkey.backed_up,
            user_verified: passkey.user_verified,
        };
        self.passkeys.accept(&read).map_err(|why| format!("passkey.{why}"))?;
        Ok(read)
    }
}

/// Without one, the authenticator does not tell its model.
fn parse_aaguid(text: &str) -> Option<Uuid> {
    if text.is_empty() {
        return Some(Uuid::nil());
    }
    Uuid::try_parse(text).ok().filter(|_| text.len() == 36)
}

fn in_field<E: ToString>(field: &'static str) -> impl Fn(E) -> String {
    move |why| format!("{field} {}", why.to_string())
}

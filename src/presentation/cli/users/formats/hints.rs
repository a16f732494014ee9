//! What the user says of a file of another system, as the file does not tell.

use std::path::PathBuf;

use clap::Args;

use super::super::{Source, TransferFailed};
use super::{HashConfig, LeftOut, System};
use crate::domain::Timestamp;
use crate::proto::UserRecord;

/// What the file does not tell.
#[derive(Debug, Args)]
pub struct HintArgs {
    /// Of Firebase: a file with the "Password hash parameters" of the project, as the console shows them or as JSON
    #[arg(long, value_name = "FILE")]
    pub hash_config: Option<PathBuf>,
    /// Of Keycloak and Kratos: the domain that passkeys were made for, which must be the server's
    #[arg(long, value_name = "DOMAIN")]
    pub passkey_domain: Option<String>,
    /// Leave password hashes behind, for people whose hashes are refused: they choose a password by a reset
    #[arg(long)]
    pub without_passwords: bool,
    /// Leave second factors behind, for people whose factors cannot come along: their password alone signs them in
    #[arg(long)]
    pub without_factors: bool,
}

/// The same, read.
#[derive(Clone, Default)]
pub(in crate::presentation::cli::users) struct Hints {
    /// How Firebase hashed.
    pub(super) hash_config: Option<HashConfig>,
    /// The domain that passkeys were made for.
    pub(super) passkey_domain: Option<String>,
    /// Whether people come without their password hashes.
    pub(super) without_passwords: bool,
    /// Whether people come without their second factors.
    pub(super) without_factors: bool,
    /// The seconds since 1970, for what ends by itself.
    pub(super) now: i64,
}

impl HintArgs {
    /// Reads what is in files, or tells what is missing.
    pub(in crate::presentation::cli::users) fn read(
        &self,
        source: Source,
        now: Timestamp,
    ) -> Result<Hints, TransferFailed> {
        let is_firebase = source == Source::Foreign(System::Firebase);
        if is_firebase && self.hash_config.is_none() && !self.without_passwords {
            return Err(TransferFailed::NoHashConfig);
        }
        Ok(Hints {
            hash_config: self.hash_config.as_deref().map(HashConfig::read).transpose()?,
            passkey_domain: self.passkey_domain.clone(),
            without_passwords: self.without_passwords,
            without_factors: self.without_factors,
            now: now.unix_timestamp(),
        })
    }
}

impl Hints {
    /// The row without what is to stay behind.
    pub(in crate::presentation::cli::users) fn leave(
        &self,
        mut record: UserRecord,
        left_out: &mut LeftOut,
    ) -> UserRecord {
        if self.without_passwords && !record.password_hash.is_empty() {
            record.password_hash.clear();
            left_out.add_one("password hashes");
        }
        if self.without_factors && !record.factors.is_empty() {
            record.factors.clear();
            left_out.add_one("second factors");
        }
        record
    }
}

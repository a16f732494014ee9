//! Typed settings: the environment (`IPSE_*`) over the file `ipse.toml` over the defaults, checked as a whole at the
//! start. An unknown name or a bad value stops the start with one line that names the setting and never its value.
//!
//! The values belong to the adapters and policies that use them, and so do their types; each section here has the table
//! of its settings and fills one of those types. A new setting is one entry in the table of its section, one line where
//! the section is read, and the field of the type.

mod neighbour;
mod pem;
mod reference;
mod sections;
mod setting;
mod source;
#[cfg(test)]
mod tests;
mod url;
mod value;

use std::path::PathBuf;

pub use reference::reference;
pub use sections::{command_line, data_folder, database, listener, log, settings};
pub use setting::Setting;
pub use source::{InvalidSetting, LoadOptions, Source};

use crate::application::keys::KeyPolicy;
use crate::application::policy::Policy;
use crate::domain::Timestamp;
use crate::domain::account::user::UnverifiedSignIn;
use crate::domain::secret::Secret;
use crate::domain::session::authentication::MfaPolicy;
use crate::infrastructure::argon2::argon2_hasher::HashingSettings;
use crate::infrastructure::data_folder::DataFolder;
use crate::infrastructure::mail::settings::{MailRoute, MailSettings};
use crate::infrastructure::master_key::MasterKeys;
use crate::infrastructure::store::DatabaseSettings;
use crate::infrastructure::webauthn::relying_party::RelyingParty;
use crate::presentation::net::settings::{ClientFiles, ListenerSettings};
use crate::telemetry::log::LogSettings;
use crate::telemetry::traces::TraceSettings;
use sections::{accounts, hashing, mail, master_keys, relying_party, signing_keys, traces};

/// Everything that an operator decides, valid as a whole.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder of `--dev`, if the server is one.
    pub dev: Option<DataFolder>,
    /// The database.
    pub database: DatabaseSettings,
    /// The listeners.
    pub listener: ListenerSettings,
    /// The keys that seal what is secret in the database.
    pub master_keys: MasterKeys,
    /// The keys that sign tokens.
    pub signing_keys: KeyPolicy,
    /// Accounts, sessions and tokens.
    pub policy: Policy,
    /// Whom passkeys are made for.
    pub relying_party: RelyingParty,
    /// The hashing of passwords.
    pub hashing: HashingSettings,
    /// Where a list of breached passwords is, if there is one.
    pub breached_passwords: Option<PathBuf>,
    /// Mail.
    pub mail: MailSettings,
    /// The log.
    pub log: LogSettings,
    /// Where traces go, if there are any.
    pub traces: Option<TraceSettings>,
    /// The commands that speak to a running server.
    pub command_line: CommandLine,
}

/// What the commands that speak to a running server show it.
#[derive(Debug, Clone)]
pub struct CommandLine {
    /// Certificates and keys.
    pub files: ClientFiles,
    /// The access token.
    pub token: Option<Secret>,
}

impl Settings {
    /// Gathers and checks all settings; the first problem stops it.
    pub fn load(options: LoadOptions) -> Result<Self, InvalidSetting> {
        Self::read(&Source::gather(options)?)
    }

    /// Reads all settings.
    pub fn read(source: &Source) -> Result<Self, InvalidSetting> {
        Ok(Self {
            dev: data_folder::read(source)?,
            database: database::read(source)?,
            listener: listener::read(source)?,
            master_keys: master_keys::read(source)?,
            signing_keys: signing_keys::read(source)?,
            policy: accounts::read(source)?,
            relying_party: relying_party::read(source)?,
            hashing: hashing::read(source)?,
            breached_passwords: accounts::read_blocklist(source)?,
            mail: mail::read(source)?,
            log: log::read(source)?,
            traces: traces::read(source)?,
            command_line: command_line::read(source)?,
        })
    }

    /// The claim `iss` of tokens: a canonical https URL without a slash at its end.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.policy.audiences.own()
    }

    /// What an operator should know about these settings at each start.
    #[must_use]
    pub fn warnings(&self, now: Timestamp) -> Vec<String> {
        let mut warnings = Vec::new();
        let certificate = self.listener.endpoint.tls.as_ref().map(|files| &files.key_pair.certificate);
        if let Some(fault) = certificate.and_then(|certificate| pem::server_fault(certificate, now)) {
            warnings.push(format!("the certificate in IPSE_TLS_CERT_FILE {fault}: no client will take it"));
        }
        if let Some(folder) = &self.dev {
            let folder = folder.path().display();
            warnings.push(format!("--dev is not for production: database, master key and mail are kept in {folder}"));
        }
        if matches!(self.mail.route, MailRoute::Folder(_)) {
            warnings.push("mail is not sent: it is written to files and to the log".to_owned());
        }
        if self.listener.endpoint.tls.is_none() {
            let address = self.listener.endpoint.address;
            warnings
                .push(format!("gRPC is served without TLS on {address}: passwords and tokens can be read on the way"));
        }
        if let Some(address) = self.listener.http_address.filter(|address| !address.ip().to_canonical().is_loopback()) {
            warnings.push(format!(
                "the side port is served without TLS on {address}: whoever can change what it answers can make tokens"
            ));
        }
        if self.database.url.is_exposed() {
            warnings.push(
                "the database is reached without TLS: whoever is on the way can read the password and all that is stored; \
                 set sslmode=verify-full in IPSE_DATABASE_URL"
                    .to_owned(),
            );
        }
        if self.policy.unverified_sign_in == UnverifiedSignIn::Allowed {
            warnings.push("people may sign in before they have proven their e-mail address".to_owned());
        }
        if self.dev.is_none() && self.policy.mfa == MfaPolicy::Optional {
            warnings
                .push("administrators may sign in with the password alone: set IPSE_MFA to administrators".to_owned());
        }
        if self.policy.passwords.minimum() < 15 && self.policy.mfa != MfaPolicy::Required {
            let length = self.policy.passwords.minimum();
            warnings.push(format!("passwords of {length} code points are accepted; NIST SP 800-63B-4 asks for 15"));
        }
        warnings
    }
}

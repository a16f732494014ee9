//! The settings as types, each part read from the source by itself, so that a command asks only for what it uses.

use std::path::PathBuf;
use std::thread;

use time::Duration;
use tracing_subscriber::filter::Targets;

use super::dev::{DevFolder, MasterKey};
use super::listener::ListenerSettings;
use super::source::{InvalidSetting, LoadOptions, Source};
use super::value::{self, LogFormat, Mailbox};
use super::{pem, url};
use crate::domain::secret::SecretKey;
use crate::domain::session::SessionLifetimes;
use crate::domain::token::signing_key::SigningAlgorithm;
use crate::infrastructure::mail_templates::Templates;
use crate::infrastructure::smtp::smtp_url::SmtpUrl;
use crate::infrastructure::store::DatabaseUrl;

/// Everything that an operator decides, valid as a whole.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder of `--dev`, if the server is one.
    pub dev: Option<DevFolder>,
    /// The database.
    pub database: DatabaseSettings,
    /// The listeners.
    pub listener: ListenerSettings,
    /// Tokens and the keys that sign them.
    pub tokens: TokenSettings,
    /// How long sessions live.
    pub sessions: SessionLifetimes,
    /// Passwords.
    pub passwords: PasswordSettings,
    /// Mail.
    pub mail: MailSettings,
    /// How long the audit trail is kept.
    pub audit_retention: Duration,
    /// The log.
    pub log: LogSettings,
}

/// The database.
#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    /// Where it is.
    pub url: DatabaseUrl,
    /// The most connections at once.
    pub max_connections: u32,
    /// The authorities that may vouch for PostgreSQL, instead of those of the system.
    pub tls_ca_file: Option<PathBuf>,
    /// The PostgreSQL role that the service runs as, if it is another one than migrates.
    pub runtime_role: Option<String>,
    /// The folder to create before the database is opened, with `--dev`.
    pub folder: Option<DevFolder>,
}

/// Tokens and the keys that sign them.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// Where the key that seals the private keys comes from.
    pub master_key: MasterKey,
    /// The claim `iss`: a canonical https URL without a slash at its end.
    pub issuer: String,
    /// Keys that open what they sealed before, or will seal soon, while the master key is changed.
    pub other_master_keys: Vec<SecretKey>,
    /// The other services that tokens may be for.
    pub audiences: Vec<String>,
    /// What new keys sign with.
    pub signing_algorithm: SigningAlgorithm,
    /// How long a key signs before it is replaced.
    pub signing_key_lifetime: Duration,
    /// How long an access token is valid.
    pub access_token_lifetime: Duration,
    /// How long the token that proves an e-mail address is valid.
    pub verification_lifetime: Duration,
    /// How long the token that resets a password is valid.
    pub reset_lifetime: Duration,
    /// How long an invitation is valid.
    pub invitation_lifetime: Duration,
}

/// Passwords.
#[derive(Debug, Clone, Copy)]
pub struct PasswordSettings {
    /// The least code points of a new password, 8 to 64.
    pub min_length: usize,
    /// Whether people may sign in before they have proven their e-mail address.
    pub unverified_sign_in: bool,
    /// How long the data of deleted accounts is kept.
    pub deleted_retention: Duration,
    /// The hashing of passwords.
    pub hashing: HashingSettings,
}

/// The hashing of passwords with argon2id.
#[derive(Debug, Clone, Copy)]
pub struct HashingSettings {
    /// Memory of one computation in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Threads that hash, at least one.
    pub threads: usize,
    /// The most passwords that wait for a thread.
    pub queue: usize,
}

/// Mail.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// How it leaves.
    pub route: MailRoute,
    /// Whom it is from.
    pub sender: Mailbox,
    /// The URL that links begin with, without a slash at its end, if there are links.
    pub link_base: Option<String>,
    /// Its words, checked.
    pub templates: Templates,
    /// Whether sign-ins from places that are not known are told of.
    pub sign_in_notice: bool,
}

/// How mail leaves.
#[derive(Debug, Clone)]
pub enum MailRoute {
    /// To a mail server.
    Smtp {
        /// Where it is and how to sign in to it.
        url: SmtpUrl,
        /// The authorities that may vouch for the server, instead of those of the system.
        ca_file: Option<PathBuf>,
    },
    /// To files in a folder and to the log, with `--dev`.
    Folder(PathBuf),
}

/// The log.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// How lines look.
    pub format: LogFormat,
    /// What is logged.
    pub filter: Targets,
}

impl Settings {
    /// Gathers and checks all settings; the first problem stops it.
    pub fn load(options: LoadOptions) -> Result<Self, InvalidSetting> {
        Self::read(&Source::gather(options)?)
    }

    /// Reads all settings.
    pub fn read(source: &Source) -> Result<Self, InvalidSetting> {
        Ok(Self {
            dev: dev_folder(source)?,
            database: DatabaseSettings::read(source)?,
            listener: ListenerSettings::read(source)?,
            tokens: TokenSettings::read(source)?,
            sessions: session_lifetimes(source)?,
            passwords: PasswordSettings::read(source)?,
            mail: MailSettings::read(source)?,
            audit_retention: lifetime(source, "audit_retention")?,
            log: LogSettings::read(source)?,
        })
    }

    /// What an operator should know about these settings at each start.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
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
        if self.passwords.unverified_sign_in {
            warnings.push("people may sign in before they have proven their e-mail address".to_owned());
        }
        if self.passwords.min_length < 15 {
            let length = self.passwords.min_length;
            warnings.push(format!("passwords of {length} code points are accepted; NIST SP 800-63B-4 asks for 15"));
        }
        warnings
    }
}

impl DatabaseSettings {
    /// Reads the database settings alone, which is all that a migration needs.
    pub fn read(source: &Source) -> Result<Self, InvalidSetting> {
        let folder = dev_folder(source)?;
        let url = match (source.optional("database_url", str::parse)?, &folder) {
            (Some(url), _) => url,
            (None, Some(folder)) => folder.database_url(),
            (None, None) => return Err(InvalidSetting::of("database_url", "is required")),
        };
        let tls_ca_file = source.optional("database_tls_ca_file", pem::authorities_file)?;
        if tls_ca_file.is_some() && matches!(url, DatabaseUrl::Sqlite(_)) {
            return Err(source.refuse("database_tls_ca_file", "has no use with SQLite"));
        }
        let max_connections = source.limited("database_max_connections", value::number)?;
        let runtime_role = source.optional("database_runtime_role", value::role)?;
        if runtime_role.is_some() && matches!(url, DatabaseUrl::Sqlite(_)) {
            return Err(source.refuse("database_runtime_role", "has no use with SQLite"));
        }
        Ok(Self { url, max_connections, tls_ca_file, runtime_role, folder })
    }
}

impl TokenSettings {
    fn read(source: &Source) -> Result<Self, InvalidSetting> {
        let master_key = match (source.optional("master_key", value::master_key)?, dev_folder(source)?) {
            (Some(key), _) => MasterKey::Given(key),
            (None, Some(folder)) => MasterKey::Kept(folder),
            (None, None) => return Err(InvalidSetting::of("master_key", "is required")),
        };
        Ok(Self {
            master_key,
            other_master_keys: source.required("other_master_keys", value::master_keys)?,
            issuer: source.required("issuer", url::issuer)?,
            audiences: source.required("audiences", value::audiences)?,
            signing_algorithm: source.required("signing_algorithm", SigningAlgorithm::parse)?,
            signing_key_lifetime: lifetime(source, "signing_key_lifetime")?,
            access_token_lifetime: lifetime(source, "access_token_lifetime")?,
            verification_lifetime: lifetime(source, "verification_lifetime")?,
            reset_lifetime: lifetime(source, "reset_lifetime")?,
            invitation_lifetime: lifetime(source, "invitation_lifetime")?,
        })
    }
}

impl PasswordSettings {
    fn read(source: &Source) -> Result<Self, InvalidSetting> {
        let threads = match source.limited("hashing_threads", value::number)? {
            0 => thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        Ok(Self {
            min_length: source.limited("password_min_length", value::number)?,
            unverified_sign_in: source.required("unverified_sign_in", value::boolean)?,
            deleted_retention: lifetime(source, "deleted_retention")?,
            hashing: HashingSettings {
                memory_kib: source.limited("hashing_memory_kib", value::number)?,
                iterations: source.limited("hashing_iterations", value::number)?,
                threads,
                queue: source.limited("hashing_queue", value::number)?,
            },
        })
    }
}

impl MailSettings {
    fn read(source: &Source) -> Result<Self, InvalidSetting> {
        let ca_file = source.optional("smtp_ca_file", pem::authorities_file)?;
        let route = match (source.optional("smtp_url", SmtpUrl::parse)?, dev_folder(source)?) {
            (Some(url), _) => MailRoute::Smtp { url, ca_file },
            (None, None) => return Err(InvalidSetting::of("smtp_url", "is required")),
            (None, Some(_)) if ca_file.is_some() => {
                return Err(source.refuse("smtp_ca_file", "has no use without IPSE_SMTP_URL"));
            }
            (None, Some(folder)) => MailRoute::Folder(folder.mail()),
        };
        let link_base = source.optional("link_base", url::link_base)?;
        let templates = source.optional("mail_templates", |text| {
            let folder = value::path(text)?;
            Templates::overridden(&folder, link_base.is_some()).map_err(|error| error.to_string())
        })?;
        Ok(Self {
            route,
            sender: source.required("mail_from", value::mailbox)?,
            templates: match templates {
                Some(templates) => templates,
                None => Templates::embedded().map_err(|error| InvalidSetting::of("mail_templates", error))?,
            },
            link_base,
            sign_in_notice: source.required("sign_in_notice", value::boolean)?,
        })
    }
}

impl LogSettings {
    /// Reads the log settings alone.
    pub fn read(source: &Source) -> Result<Self, InvalidSetting> {
        Ok(Self {
            format: source.required("log_format", value::log_format)?,
            filter: source.required("log", value::log_filter)?,
        })
    }
}

fn dev_folder(source: &Source) -> Result<Option<DevFolder>, InvalidSetting> {
    let path = source.optional("data_dir", value::path)?;
    Ok(path.filter(|_| source.is_dev()).map(DevFolder::new))
}

fn session_lifetimes(source: &Source) -> Result<SessionLifetimes, InvalidSetting> {
    let absolute = lifetime(source, "session_lifetime")?;
    let mut idle = lifetime(source, "session_idle_lifetime")?;
    if idle > absolute {
        if source.has("session_idle_lifetime")? {
            return Err(source.refuse("session_idle_lifetime", "must be at most IPSE_SESSION_LIFETIME"));
        }
        idle = absolute;
    }
    Ok(SessionLifetimes { absolute, idle, refresh_grace: lifetime(source, "refresh_grace")? })
}

fn lifetime(source: &Source, key: &str) -> Result<Duration, InvalidSetting> {
    source.limited(key, value::seconds).map(|seconds| Duration::seconds(i64::from(seconds)))
}

//! From settings to adapters: what the use cases need of the world.

use std::sync::Arc;

use super::{Overrides, StartError};
use crate::application::Ports;
use crate::application::access::feed::AccessFeed;
use crate::application::ports::{Clock, Entropy, Mailer, Store};
use crate::config::{InvalidSetting, Settings};
use crate::infrastructure::argon2::argon2_hasher::Argon2Hasher;
use crate::infrastructure::breached_passwords::BreachedPasswords;
use crate::infrastructure::jwt::Jwt;
use crate::infrastructure::mail::mail_files::MailFiles;
use crate::infrastructure::mail::mail_writer::MailWriter;
use crate::infrastructure::mail::settings::{MailRoute, MailSettings};
use crate::infrastructure::master_key::MasterKeys;
use crate::infrastructure::secret_box::SecretBox;
use crate::infrastructure::smtp::{SmtpMailer, SmtpSetupError};
use crate::infrastructure::store::{self, AuditGuard, DatabaseSettings, migrations};
use crate::infrastructure::system::{SystemClock, SystemEntropy};
use crate::infrastructure::totp::TotpCodes;
use crate::infrastructure::webauthn::WebAuthn;

/// The adapters, as ports where use cases take them, and as themselves where somebody asks them for more.
pub(super) struct Adapters {
    pub(super) ports: Ports,
    pub(super) feed: Arc<AccessFeed>,
    pub(super) hasher: Arc<Argon2Hasher>,
    pub(super) jwt: Arc<Jwt>,
    pub(super) mailer: Arc<dyn Mailer>,
}

impl Adapters {
    /// Connects to the database, which must have the newest schema, and starts what needs starting.
    pub(super) async fn start(settings: &Settings, overrides: Overrides) -> Result<Self, StartError> {
        let clock = overrides.clock.unwrap_or_else(|| Arc::new(SystemClock));
        let entropy = overrides.entropy.unwrap_or_else(|| Arc::new(SystemEntropy));
        let mailer = match overrides.mailer {
            Some(mailer) => mailer,
            None => mailer(&settings.mail, clock.clone())?,
        };
        let feed = Arc::new(AccessFeed::new(clock.clone()));
        let store = connect(&settings.database, feed.clone()).await?;
        let breached = settings.breached_passwords.as_deref().map(BreachedPasswords::open).transpose();
        let breached = breached.map_err(|error| InvalidSetting::of("password_blocklist_file", error))?;
        let hasher = Arc::new(Argon2Hasher::start(settings.hashing, entropy.clone())?.without(breached));
        let jwt = Arc::new(Jwt::new(settings.issuer().to_owned()));
        let ports = Ports {
            store,
            clock,
            hasher: hasher.clone(),
            codes: Arc::new(TotpCodes::new(&settings.relying_party.name)),
            passkeys: Arc::new(WebAuthn::new(settings.relying_party.clone())),
            tokens: jwt.clone(),
            sealer: Arc::new(secret_box(&settings.master_keys, entropy.as_ref())?),
            entropy,
        };
        Ok(Self { ports, feed, hasher, jwt, mailer })
    }
}

async fn connect(settings: &DatabaseSettings, feed: Arc<AccessFeed>) -> Result<Arc<dyn Store>, StartError> {
    if !migrations::status(settings).await?.pending.is_empty() {
        return Err(StartError::not_migrated());
    }
    let guard = AuditGuard::read(settings).await.map_err(|error| StartError::database(&error))?;
    for warning in guard.map(|guard| guard.warnings(settings.audit_retention)).unwrap_or_default() {
        tracing::warn!("{warning}");
    }
    store::connect(settings, feed).await.map_err(|error| StartError::database(&error))
}

fn secret_box(keys: &MasterKeys, entropy: &dyn Entropy) -> Result<SecretBox, StartError> {
    let current = keys.current.open(entropy)?;
    SecretBox::new(&current, &keys.others).map_err(|error| StartError::prepare(error.into()))
}

fn mailer(settings: &MailSettings, clock: Arc<dyn Clock>) -> Result<Arc<dyn Mailer>, StartError> {
    let writer = MailWriter::new(settings.message.clone(), clock);
    Ok(match &settings.route {
        MailRoute::Folder(folder) => {
            let files = MailFiles::new(folder.clone(), writer);
            Arc::new(files.map_err(|error| InvalidSetting::of("data_dir", error))?)
        }
        MailRoute::Smtp(smtp) => {
            let mailer = SmtpMailer::new(smtp.clone(), writer);
            Arc::new(mailer.map_err(|error| match error {
                SmtpSetupError::Host => InvalidSetting::of("smtp_url", error),
                error => InvalidSetting::of("smtp_ca_file", error),
            })?)
        }
    })
}

//! The only wiring: settings to adapters to use cases to server. Tests build the service through it too, with a clock,
//! entropy and mailer of their own.

mod background;
mod error;
mod greeting;
pub mod jobs;
pub mod keys;
mod metrics;

use std::error::Error;
use std::future::Future;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use crate::infrastructure::store::migrations::MigrationStatus;
pub use error::StartError;

use crate::application::Ports;
use crate::application::access::Authorizer;
use crate::application::access::feed::AccessFeed;
use crate::application::accounts::Accounts;
use crate::application::administrators::{Administrators, Appointment};
use crate::application::audit::Audit;
use crate::application::jobs::{Jobs, Purge};
use crate::application::keys::{KeyPolicy, Keys, root_secret};
use crate::application::policy::Policy;
use crate::application::ports::{Clock, Entropy, Mailer, Store};
use crate::application::recovery::Recovery;
use crate::application::registration::Registration;
use crate::application::roles::Roles;
use crate::application::service_accounts::ServiceAccounts;
use crate::application::sessions::Sessions;
use crate::application::sign_in::SignIn;
use crate::application::tokens::Tokens;
use crate::application::transfer::UserTransfer;
use crate::application::users::Users;
use crate::config::{self, InvalidSetting, MailRoute, Settings};
use crate::domain::access::audience::Audiences;
use crate::domain::account::email::EmailAddress;
use crate::domain::account::user::UnverifiedSignIn;
use crate::domain::credential::password::PasswordPolicy;
use crate::infrastructure::argon2::argon2_hasher::{Argon2Hasher, HashingSettings};
use crate::infrastructure::jwt::Jwt;
use crate::infrastructure::mail::link_base::LinkBase;
use crate::infrastructure::mail::mail_files::MailFiles;
use crate::infrastructure::mail::mail_writer::{MailSettings, MailWriter, Sender};
use crate::infrastructure::secret_box::SecretBox;
use crate::infrastructure::smtp::{SmtpMailer, SmtpSettings};
use crate::infrastructure::store::{self, DatabaseSettings, migrations};
use crate::infrastructure::system::{SystemClock, SystemEntropy};
use crate::presentation::grpc::layers::policy::PolicyTable;
use crate::presentation::grpc::{Limits, Server, Services};
use crate::presentation::health::Health;
use crate::presentation::http::SidePort;
use crate::presentation::net::TrustedProxies;
use crate::presentation::net::tls::{Certificates, TlsFiles};
use crate::proto::DESCRIPTORS;
use crate::telemetry::metrics::Metrics;
use greeting::Addresses;
use metrics::{Sources, Stopwatch};

/// Adapters to use in place of those of production.
#[derive(Default)]
pub struct Overrides {
    /// The time.
    pub clock: Option<Arc<dyn Clock>>,
    /// Random bytes.
    pub entropy: Option<Arc<dyn Entropy>>,
    /// Delivery of mail.
    pub mailer: Option<Arc<dyn Mailer>>,
}

/// The whole service, ready to serve.
pub struct App {
    server: Server,
    side_port: SidePort,
    keys_read: Arc<Stopwatch>,
    certificates: Option<Arc<Certificates>>,
    keys: Arc<Keys>,
    jobs: Arc<Jobs>,
    purge: Arc<Purge>,
    feed: Arc<AccessFeed>,
    store: Arc<dyn Store>,
    administrators: Administrators,
    service_accounts: Arc<ServiceAccounts>,
}

/// Serves until the process is told to stop (SIGTERM, SIGINT), then lets calls in work end.
pub async fn serve(settings: Settings) -> Result<(), StartError> {
    let address = settings.listener.endpoint.address;
    let listener = TcpListener::bind(address).await.map_err(|error| StartError::listen(&error))?;
    let side_listener = match settings.listener.http_address {
        Some(address) => Some(TcpListener::bind(address).await.map_err(|error| StartError::side_port(&error))?),
        None => None,
    };
    let addresses = Addresses::of(&listener, side_listener.as_ref()).map_err(|error| StartError::listen(&error))?;
    if settings.dev.is_some() {
        migrate(&settings.database).await?;
    }
    let app = App::build(&settings, Overrides::default()).await?;
    let stopped = CancellationToken::new();
    background::start(&app, &stopped);
    if let Some(listener) = side_listener {
        tokio::spawn(app.side_port().serve(listener, stopped.clone()));
    }
    // Before anybody can learn that the server serves, or a signal that follows at once would not end it in order.
    let told_to_stop = background::told_to_stop();
    greeting::write(&settings, &addresses);
    let service_accounts = app.service_accounts();
    let served = app.serve(listener, told_to_stop).await;
    stopped.cancel();
    if let Err(error) = service_accounts.record_key_uses().await {
        tracing::warn!(error = &error as &dyn Error, "the last uses of API keys were not written down");
    }
    served
}

/// Brings the database to the newest schema. The names of the migrations that it applied.
pub async fn migrate(settings: &config::DatabaseSettings) -> Result<Vec<String>, StartError> {
    if let Some(folder) = &settings.folder {
        folder.create()?;
    }
    let database = database(settings);
    let before = migrations::status(&database).await?.applied;
    let after = migrations::run(&database).await?.applied;
    Ok(after.into_iter().filter(|name| !before.contains(name)).collect())
}

/// The migrations that are applied and those that are not.
pub async fn migration_status(settings: &config::DatabaseSettings) -> Result<MigrationStatus, StartError> {
    Ok(migrations::status(&database(settings)).await?)
}

/// Makes the account with this address an administrator; without one, makes it first.
pub async fn appoint_administrator(settings: &Settings, email: EmailAddress) -> Result<Appointment, StartError> {
    App::for_command(settings).await?.administrators.appoint(email).await.map_err(StartError::prepare)
}

impl App {
    /// The service as a command uses it that runs beside the server, or before its first start.
    async fn for_command(settings: &Settings) -> Result<Self, StartError> {
        if settings.dev.is_some() {
            migrate(&settings.database).await?;
        }
        Self::build(settings, Overrides::default()).await
    }

    /// Wires the service. Fails if the database is not reachable, not migrated, or sealed under another master key.
    pub async fn build(settings: &Settings, overrides: Overrides) -> Result<Self, StartError> {
        let clock = overrides.clock.unwrap_or_else(|| Arc::new(SystemClock));
        let entropy = overrides.entropy.unwrap_or_else(|| Arc::new(SystemEntropy));
        let mailer = match overrides.mailer {
            Some(mailer) => mailer,
            None => mailer(settings, clock.clone())?,
        };
        let database = database(&settings.database);
        if !migrations::status(&database).await?.pending.is_empty() {
            return Err(StartError::not_migrated());
        }
        let feed = Arc::new(AccessFeed::new(clock.clone()));
        let store = store::connect(&database, feed.clone()).await.map_err(|error| StartError::database(&error))?;
        let hasher = Arc::new(hasher(settings, entropy.clone())?);
        let jwt = Arc::new(Jwt::new(settings.tokens.issuer.clone()));
        let ports = Ports {
            store: store.clone(),
            clock,
            hasher: hasher.clone(),
            tokens: jwt.clone(),
            sealer: Arc::new(secret_box(settings, entropy.as_ref())?),
            entropy,
        };
        let root = root_secret::open(&ports).await.map_err(StartError::prepare)?;
        let keys = Arc::new(Keys::new(&ports, jwt.clone(), key_policy(settings), &root));
        keys.open().await.map_err(StartError::prepare)?;
        let policy = Arc::new(policy(settings));
        let access = PolicyTable::read(DESCRIPTORS)?;
        let catalogue = Arc::new(access.permissions());
        let authorizer = Arc::new(Authorizer::new(&ports, feed.clone(), policy.audiences.clone()));
        let sessions = Arc::new(Sessions::new(&ports, authorizer.clone(), policy.clone(), &root));
        let service_accounts = Arc::new(ServiceAccounts::new(&ports, policy.clone(), &root));
        let services = Services {
            authorizer: authorizer.clone(),
            registration: Arc::new(Registration::new(&ports, policy.clone(), &root)),
            sign_in: Arc::new(SignIn::new(&ports, sessions.clone(), policy.clone(), &root)),
            recovery: Arc::new(Recovery::new(&ports, policy.clone(), &root)),
            sessions: sessions.clone(),
            accounts: Arc::new(Accounts::new(&ports, policy.clone(), catalogue.clone(), &root)),
            users: Arc::new(Users::new(&ports, policy.clone(), &root)),
            roles: Arc::new(Roles::new(&ports, authorizer.clone(), catalogue, &root)),
            tokens: Arc::new(Tokens::new(&ports, feed.clone(), authorizer, sessions)),
            audit: Arc::new(Audit::new(&ports, &root)),
            transfer: Arc::new(UserTransfer::new(&ports, policy.clone())),
            keys: keys.clone(),
            service_accounts: service_accounts.clone(),
        };
        let server = Server::new(services, access, &ports, limits(settings));
        let purge = Arc::new(Purge::new(&ports, settings.audit_retention));
        let jobs = Arc::new(jobs::jobs(&ports, &mailer, &keys, &purge));
        let keys_read = Arc::new(Stopwatch::start());
        let mut metrics = Metrics::default();
        server.register(&mut metrics);
        let sources = Sources {
            clock: ports.clock.clone(),
            feed: feed.clone(),
            hasher,
            jwt,
            keys_read: keys_read.clone(),
            store: store.clone(),
            jobs: jobs.clone(),
        };
        metrics::register(&mut metrics, sources);
        let side_port = SidePort {
            keys: keys.clone(),
            issuer: settings.tokens.issuer.as_str().into(),
            health: server.health(),
            metrics: Arc::new(metrics),
        };
        Ok(Self {
            server,
            side_port,
            keys_read,
            certificates: certificates(settings)?,
            keys,
            jobs,
            purge,
            feed,
            store,
            administrators: Administrators::new(&ports, policy, &root),
            service_accounts,
        })
    }

    /// Serves RPCs until `stop` is done and the calls in work have ended. Does no work in the background.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) -> Result<(), StartError> {
        self.health().report(true).await;
        Ok(self.server.serve(listener, self.certificates, stop).await?)
    }

    /// What health checks are told.
    #[must_use]
    pub fn health(&self) -> Health {
        self.server.health()
    }

    /// The HTTP side port, ready to serve.
    #[must_use]
    pub fn side_port(&self) -> SidePort {
        self.side_port.clone()
    }

    /// The jobs, for those who do them.
    #[must_use]
    pub fn jobs(&self) -> Arc<Jobs> {
        self.jobs.clone()
    }

    /// The erasing of what is over, for those who do it at once.
    #[must_use]
    pub fn purge(&self) -> Arc<Purge> {
        self.purge.clone()
    }

    /// The keys, for those who look after them.
    #[must_use]
    pub fn keys(&self) -> Arc<Keys> {
        self.keys.clone()
    }

    /// Service accounts, whose keys' uses wait to be written down.
    #[must_use]
    pub fn service_accounts(&self) -> Arc<ServiceAccounts> {
        self.service_accounts.clone()
    }

    /// What makes access tokens void, for those who follow it.
    #[must_use]
    pub fn feed(&self) -> Arc<AccessFeed> {
        self.feed.clone()
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }
}

fn database(settings: &config::DatabaseSettings) -> DatabaseSettings {
    DatabaseSettings {
        max_connections: settings.max_connections as usize,
        runtime_role: settings.runtime_role.clone(),
        tls_ca_file: settings.tls_ca_file.clone(),
        ..DatabaseSettings::new(settings.url.clone())
    }
}

fn secret_box(settings: &Settings, entropy: &dyn Entropy) -> Result<SecretBox, StartError> {
    let master_key = settings.tokens.master_key.open(entropy)?;
    let secret_box = SecretBox::new(&master_key, &settings.tokens.other_master_keys);
    secret_box.map_err(|error| StartError::prepare(error.into()))
}

fn key_policy(settings: &Settings) -> KeyPolicy {
    KeyPolicy { algorithm: settings.tokens.signing_algorithm, lifetime: settings.tokens.signing_key_lifetime }
}

fn hasher(settings: &Settings, entropy: Arc<dyn Entropy>) -> Result<Argon2Hasher, StartError> {
    let hashing = settings.passwords.hashing;
    let hashing = HashingSettings {
        memory_kib: hashing.memory_kib,
        iterations: hashing.iterations,
        threads: hashing.threads,
        queue: hashing.queue,
    };
    Ok(Argon2Hasher::start(hashing, entropy)?)
}

fn mailer(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Arc<dyn Mailer>, StartError> {
    let mail = &settings.mail;
    let problem = |key, error: &dyn Error| StartError::from(InvalidSetting::of(key, error));
    let common = MailSettings {
        from: Sender::new(&mail.sender.name, &mail.sender.address).map_err(|error| problem("mail_from", &error))?,
        service: issuer_host(settings).to_owned(),
        link_base: mail.link_base.clone().map(LinkBase::new),
        verify_email_validity: settings.tokens.verification_lifetime,
        reset_password_validity: settings.tokens.reset_lifetime,
        invitation_validity: settings.tokens.invitation_lifetime,
    };
    let writer = MailWriter::new(common, mail.templates.clone(), clock);
    Ok(match &mail.route {
        MailRoute::Folder(folder) => {
            Arc::new(MailFiles::new(folder.clone(), writer).map_err(|error| problem("data_dir", &error))?)
        }
        MailRoute::Smtp { url, ca_file } => {
            let smtp = SmtpSettings { url: url.clone(), ca_file: ca_file.clone() };
            Arc::new(SmtpMailer::new(smtp, writer).map_err(|error| problem("smtp_ca_file", &error))?)
        }
    })
}

fn issuer_host(settings: &Settings) -> &str {
    settings.tokens.issuer.trim_start_matches("https://")
}

fn policy(settings: &Settings) -> Policy {
    let service_words = vec!["ipse".to_owned(), settings.tokens.issuer.clone(), issuer_host(settings).to_owned()];
    Policy {
        passwords: PasswordPolicy::new(settings.passwords.min_length, service_words),
        sessions: settings.sessions,
        access_token_lifetime: settings.tokens.access_token_lifetime,
        verification_lifetime: settings.tokens.verification_lifetime,
        reset_lifetime: settings.tokens.reset_lifetime,
        invitation_lifetime: settings.tokens.invitation_lifetime,
        deleted_retention: settings.passwords.deleted_retention,
        unverified_sign_in: if settings.passwords.unverified_sign_in {
            UnverifiedSignIn::Allowed
        } else {
            UnverifiedSignIn::Refused
        },
        sign_in_notice: settings.mail.sign_in_notice,
        audiences: Audiences::new(settings.tokens.issuer.clone(), settings.tokens.audiences.clone()),
    }
}

fn limits(settings: &Settings) -> Limits {
    let listener = &settings.listener;
    Limits {
        time_limit: listener.request_timeout,
        in_flight: listener.max_in_flight,
        connections: listener.max_connections,
        grace: listener.shutdown_grace,
        proxies: TrustedProxies::new(listener.trusted_proxies.clone()),
        reflection: listener.reflection,
    }
}

fn certificates(settings: &Settings) -> Result<Option<Arc<Certificates>>, StartError> {
    let Some(files) = settings.listener.endpoint.tls.clone() else {
        return Ok(None);
    };
    let files = TlsFiles { certificate: files.certificate, key: files.key, client_authorities: files.client_ca };
    let certificates = Certificates::load(files).map_err(|error| StartError::certificate(&error))?;
    Ok(Some(Arc::new(certificates)))
}

//! Opens connections to a PostgreSQL server.

use std::borrow::Cow;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use diesel::QueryResult;
use diesel::connection::CacheSize;
use diesel::pg::Pg;
use diesel_async::{AsyncConnection as _, AsyncPgConnection, SimpleAsyncConnection as _};
use futures_util::StreamExt;
use tokio::task::JoinHandle;
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::advice::refused;
use super::link::Link;
use super::pooling::{self, Pooling, PoolingProbe, SessionLimits};
use super::url::parse_url;
use super::wire::{LastError, Negotiator};
use super::{advice, dialect};
use crate::application::causes::Causes;
use crate::application::ports::{StoreError, StoreResult};
use crate::domain::secret::Secret;
use crate::infrastructure::store::DatabaseSettings;
use crate::infrastructure::store::error::{Trouble, unavailable};
use crate::infrastructure::store::unit::Backend;

/// How long the server waits for the next statement of a transaction before it gives the transaction up.
pub(super) const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(30);
/// How long a silent network may leave a connection in the air.
const NETWORK_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection, with the task that moves its bytes.
pub(super) struct Connection {
    diesel: AsyncPgConnection,
    driver: JoinHandle<()>,
    last_error: LastError,
    /// What begins a transaction.
    begin: Cow<'static, str>,
    /// Whether each transaction may run in another session.
    is_shared: bool,
}

impl Drop for Connection {
    /// A driver on a dead wire would wait for the farewell to be delivered.
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Deref for Connection {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        &self.diesel
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        &mut self.diesel
    }
}

/// Opens connections to one database.
#[derive(Clone)]
pub(super) struct Connector {
    config: Config,
    negotiator: Negotiator,
    limits: SessionLimits,
    pooling: PoolingProbe,
}

impl Connector {
    /// For the database at this URL. What the URL says of time-outs goes before the defaults.
    pub(super) async fn new(url: &Secret, settings: &DatabaseSettings) -> StoreResult<Self> {
        let mut config = parse_url(url).map_err(unavailable)?;
        let roots = match config.get_ssl_mode() {
            SslMode::Disable => RootCertStore::empty(),
            _ => trusted_roots(settings.tls_ca_file.as_deref()).await?,
        };
        set_network_defaults(&mut config, settings.acquire_timeout);
        let (mode, negotiation) = (config.get_ssl_mode(), config.get_ssl_negotiation());
        // The library hands over the bare connection then, and the negotiator does what the URL says.
        config.ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
        let negotiator = Negotiator { mode, negotiation, tls: tls(roots)?, last_error: LastError::default() };
        let (limits, pooling) = (SessionLimits::new(settings), PoolingProbe::new(settings.pooling));
        Ok(Self { config, negotiator, limits, pooling })
    }

    /// A new connection, and what it leads to.
    pub(super) async fn connect(&self) -> StoreResult<(Link, Pooling)> {
        if let Some(pooling) = self.pooling.known() {
            return Ok((Link::open(&self.config, &self.negotiator).await?, pooling));
        }
        match Link::open(&pooling::marked(&self.config), &self.negotiator).await {
            Ok(mut link) => {
                let answer = link.ask(pooling::IS_MARKED).await?;
                Ok((link, self.pooling.found(pooling::is_marked(&answer))))
            }
            Err(StoreError::Unavailable(cause)) if pooling::refuses_the_mark(cause.as_ref()) => {
                let link = Link::open(&self.config, &self.negotiator).await?;
                Ok((link, self.pooling.found(false)))
            }
            Err(error) => Err(error),
        }
    }

    /// Tells a session its limits.
    async fn prepare(&self, client: Client) -> StoreResult<AsyncPgConnection> {
        client.batch_execute(&self.limits.set("SET")).await.map_err(refused)?;
        AsyncPgConnection::try_from(client).await.map_err(unavailable)
    }

    /// Leaves nothing in a session that others use too. What is prepared goes with the transaction in which it is prepared;
    /// there is no later use for it, as the next transaction may run elsewhere.
    async fn prepare_shared(client: Client) -> StoreResult<AsyncPgConnection> {
        client.batch_execute(dialect::BEGIN).await.map_err(refused)?;
        let mut diesel = AsyncPgConnection::try_from(client).await.map_err(unavailable)?;
        diesel.set_prepared_statement_cache_size(CacheSize::Disabled);
        diesel.batch_execute("COMMIT").await.map_err(unavailable)?;
        Ok(diesel)
    }

    fn begin(&self, pooling: Pooling) -> Cow<'static, str> {
        match pooling {
            Pooling::Session => dialect::BEGIN.into(),
            Pooling::Transaction => format!("{}; {}", dialect::BEGIN, self.limits.set("SET LOCAL")).into(),
        }
    }
}

impl Manager for Connector {
    type Type = Connection;
    type Error = StoreError;

    async fn create(&self) -> StoreResult<Connection> {
        let (Link { client, mut messages, last_error }, pooling) = self.connect().await?;
        let driver = tokio::spawn(async move {
            while let Some(message) = messages.next().await {
                if let Err(error) = message {
                    tracing::warn!(error = %Causes(&error), "lost a connection to PostgreSQL");
                    break;
                }
            }
        });
        let is_shared = pooling == Pooling::Transaction;
        let diesel = if is_shared { Self::prepare_shared(client).await? } else { self.prepare(client).await? };
        Ok(Connection { diesel, driver, last_error, begin: self.begin(pooling), is_shared })
    }

    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<StoreError> {
        if connection.driver.is_finished() {
            return Err(RecycleError::message("closed by the server"));
        }
        Ok(())
    }
}

impl Backend for Connector {
    type Lent<'c> = &'c AsyncPgConnection;
    type Dialect = Pg;

    const LISTS_ARE_PARAMETERS: bool = true;

    const SYSTEM: &'static str = "postgresql";

    const BEGINS_WITH_FIRST_STATEMENT: bool = true;

    async fn lend(connection: &Connection) -> &AsyncPgConnection {
        &connection.diesel
    }

    fn begin(connection: &Connection) -> Cow<'static, str> {
        connection.begin.clone()
    }

    fn is_shared(connection: &Connection) -> bool {
        connection.is_shared
    }

    async fn reset(connection: &mut Connection) -> QueryResult<()> {
        dialect::reset(connection).await
    }

    fn trouble(connection: &Connection, message: &str) -> Trouble {
        let by_code = || dialect::trouble(connection.last_error.code());
        advice::of_pooler(message).map_or_else(by_code, Trouble::Refused)
    }
}

/// A host that does not answer must leave time to try the next one.
fn set_network_defaults(config: &mut Config, acquire_timeout: Duration) {
    let hosts = u32::try_from(config.get_hosts().len().max(1)).unwrap_or(u32::MAX);
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(acquire_timeout / hosts);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(NETWORK_TIMEOUT);
    }
    if config.get_application_name().is_none() {
        config.application_name("ipse");
    }
    config.keepalives_idle(NETWORK_TIMEOUT).keepalives_interval(NETWORK_TIMEOUT / 2).keepalives_retries(2);
}

async fn trusted_roots(ca_file: Option<&Path>) -> StoreResult<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let Some(path) = ca_file else {
        let native = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await.map_err(unavailable)?;
        roots.add_parsable_certificates(native.certs);
        return Ok(roots);
    };
    let pem = tokio::fs::read(path).await.map_err(unavailable)?;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        roots.add(certificate.map_err(unavailable)?).map_err(unavailable)?;
    }
    if roots.is_empty() { Err(unavailable("the file of certificates holds none")) } else { Ok(roots) }
}

fn tls(roots: RootCertStore) -> StoreResult<MakeRustlsConnect> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unavailable)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

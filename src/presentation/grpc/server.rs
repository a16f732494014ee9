//! Puts the layers and services together and serves them on a listener.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic_health::pb::health_server::HealthServer;

use super::connection;
use super::layers::gate::{Gate, GateLayer, MAX_MESSAGE_BYTES};
use super::layers::policy::PolicyTable;
use super::layers::rpc_metrics::{Calls, RpcMetricsLayer};
use super::services::account_service::AccountRpc;
use super::services::audit_service::AuditRpc;
use super::services::auth_service::AuthRpc;
use super::services::envoy;
use super::services::envoy::EnvoyRpc;
use super::services::health::Health;
use super::services::key_service::KeyRpc;
use super::services::revocation_stream::TokenRoutes;
use super::services::role_service::RoleRpc;
use super::services::service_account_service::ServiceAccountRpc;
use super::services::token_service::TokenRpc;
use super::services::user_service::UserRpc;
use crate::application::accounts::Accounts;
use crate::application::audit::Audit;
use crate::application::auth::Auth;
use crate::application::keys::Keys;
use crate::application::ports::Entropy;
use crate::application::roles::Roles;
use crate::application::service_accounts::ServiceAccounts;
use crate::application::tokens::Tokens;
use crate::application::transfer::UserTransfer;
use crate::application::users::Users;
use crate::presentation::net::settings::Limits;
use crate::presentation::net::tls::Certificates;
use crate::proto::DESCRIPTORS;
use crate::proto::account_service_server::AccountServiceServer;
use crate::proto::audit_service_server::AuditServiceServer;
use crate::proto::auth_service_server::AuthServiceServer;
use crate::proto::envoy::authorization_server::AuthorizationServer;
use crate::proto::key_service_server::KeyServiceServer;
use crate::proto::role_service_server::RoleServiceServer;
use crate::proto::service_account_service_server::ServiceAccountServiceServer;
use crate::proto::token_service_server::TokenServiceServer;
use crate::proto::user_service_server::UserServiceServer;
use crate::telemetry::metrics::Metrics;

/// Metadata larger than this is refused by HTTP/2 itself, in bytes.
const MAX_HEADER_BYTES: u32 = 8 * 1024;
/// Parallel calls on one connection.
const MAX_STREAMS: u32 = 200;
/// Streams a client may open and reset before the server has looked at them (CVE-2023-44487).
const MAX_PENDING_RESETS: usize = 20;
/// Streams the server itself may have to reset for a client's faults (RUSTSEC-2024-0003).
const MAX_ERROR_RESETS: usize = 1024;
/// After this time without a word, the client is asked whether it is there, and dropped if it does not answer.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(20));
/// Connections are told to come again after this time, so that they spread over replicas.
const MAX_CONNECTION_AGE: Duration = Duration::from_secs(30 * 60);

/// The façades behind the services.
#[derive(Clone)]
pub struct Services {
    /// Signing up and signing in.
    pub auth: Arc<Auth>,
    /// The own account.
    pub accounts: Arc<Accounts>,
    /// Imports and exports of people.
    pub transfer: Arc<UserTransfer>,
    /// The administration of people.
    pub users: Arc<Users>,
    /// The audit trail.
    pub audit: Arc<Audit>,
    /// Keys.
    pub keys: Arc<Keys>,
    /// Roles.
    pub roles: Arc<Roles>,
    /// Service accounts and their keys.
    pub service_accounts: Arc<ServiceAccounts>,
    /// Access tokens of callers' own callers.
    pub tokens: Arc<Tokens>,
}

/// The gRPC server, ready to serve.
pub struct Server {
    routes: Routes,
    calls: Arc<Calls>,
    gate: Arc<Gate>,
    health: Health,
    connections: usize,
    grace: Duration,
}

impl Server {
    /// Puts layers and services together, behind a gate that keeps this access policy.
    #[must_use]
    pub fn new(services: Services, policy: PolicyTable, entropy: Arc<dyn Entropy>, limits: Limits) -> Self {
        let health = Health::new(&[
            AuthServiceServer::<AuthRpc>::NAME,
            AccountServiceServer::<AccountRpc>::NAME,
            UserServiceServer::<UserRpc>::NAME,
            KeyServiceServer::<KeyRpc>::NAME,
            RoleServiceServer::<RoleRpc>::NAME,
            AuditServiceServer::<AuditRpc>::NAME,
            ServiceAccountServiceServer::<ServiceAccountRpc>::NAME,
            AuthorizationServer::<EnvoyRpc>::NAME,
            TokenServiceServer::<TokenRpc>::NAME,
        ]);
        let calls = Arc::new(Calls::new(&policy));
        let gate = Gate {
            auth: services.auth.clone(),
            policy,
            entropy,
            proxies: limits.proxies,
            time_limit: limits.time_limit,
            room: Semaphore::new(limits.in_flight),
            health: health.clone(),
        };
        let mut routes = Routes::builder();
        routes
            .add_service(
                AuthorizationServer::new(EnvoyRpc(services.auth.clone()))
                    .max_decoding_message_size(envoy::MAX_MESSAGE_BYTES),
            )
            .add_service(AuthServiceServer::new(AuthRpc(services.auth)).max_decoding_message_size(MAX_MESSAGE_BYTES))
            .add_service(
                AccountServiceServer::new(AccountRpc(services.accounts)).max_decoding_message_size(MAX_MESSAGE_BYTES),
            )
            .add_service(
                UserServiceServer::new(UserRpc { users: services.users, transfer: services.transfer })
                    .max_decoding_message_size(MAX_MESSAGE_BYTES),
            )
            .add_service(KeyServiceServer::new(KeyRpc(services.keys)).max_decoding_message_size(MAX_MESSAGE_BYTES))
            .add_service(RoleServiceServer::new(RoleRpc(services.roles)).max_decoding_message_size(MAX_MESSAGE_BYTES))
            .add_service(AuditServiceServer::new(AuditRpc(services.audit)).max_decoding_message_size(MAX_MESSAGE_BYTES))
            .add_service(TokenRoutes {
                tokens: services.tokens.clone(),
                unary: TokenServiceServer::new(TokenRpc {
                    tokens: services.tokens,
                    service_accounts: services.service_accounts.clone(),
                })
                .max_decoding_message_size(MAX_MESSAGE_BYTES),
            })
            .add_service(
                ServiceAccountServiceServer::new(ServiceAccountRpc(services.service_accounts))
                    .max_decoding_message_size(MAX_MESSAGE_BYTES),
            )
            .add_service(HealthServer::new(health.service()));
        if limits.reflection {
            add_reflection(&mut routes);
        }
        Self {
            routes: routes.routes(),
            calls,
            gate: Arc::new(gate),
            health,
            connections: limits.connections,
            grace: limits.grace,
        }
    }

    /// The state of the server, to report on and to ask for.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Adds what is counted of calls to the metrics.
    pub fn register(&self, metrics: &mut Metrics) {
        self.calls.register(metrics);
    }

    /// Serves until `stop` is done and the calls in work have ended, or the grace is over.
    pub async fn serve(
        self,
        listener: TcpListener,
        certificates: Option<Arc<Certificates>>,
        stop: impl Future<Output = ()>,
    ) -> Result<(), tonic::transport::Error> {
        let health = self.health();
        let drained = health.drained();
        let signal = async move {
            stop.await;
            health.drain().await;
        };
        let served = tonic::transport::Server::builder()
            .accept_http1(false)
            .http2_max_header_list_size(MAX_HEADER_BYTES)
            .max_concurrent_streams(MAX_STREAMS)
            .http2_max_pending_accept_reset_streams(Some(MAX_PENDING_RESETS))
            .http2_max_local_error_reset_streams(Some(MAX_ERROR_RESETS))
            .http2_keepalive_interval(Some(KEEPALIVE.0))
            .http2_keepalive_timeout(Some(KEEPALIVE.1))
            .max_connection_age(MAX_CONNECTION_AGE)
            .layer(RpcMetricsLayer(self.calls))
            .layer(GateLayer(self.gate))
            .serve_with_incoming_shutdown(
                self.routes.prepare(),
                connection::accept(listener, certificates, self.connections),
                signal,
            );
        tokio::select! {
            result = served => result,
            () = async { drained.cancelled().await; tokio::time::sleep(self.grace).await } => {
                tracing::warn!("calls or streams were cut off at the end of the grace");
                Ok(())
            }
        }
    }
}

fn add_reflection(routes: &mut tonic::service::RoutesBuilder) {
    let configure = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            // With these, clients such as grpcurl print the details of errors instead of their bytes.
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
    };
    // The descriptor sets are compiled in and known to be well formed.
    if let (Ok(v1), Ok(v1alpha)) = (configure().build_v1(), configure().build_v1alpha()) {
        routes.add_service(v1).add_service(v1alpha);
    }
}

//! Which services the server has, each with the façades behind it.

use std::sync::Arc;

use tonic::server::NamedService;
use tonic::service::Routes;
use tonic_health::pb::health_server::HealthServer;

use super::layers::gate::MAX_MESSAGE_BYTES;
use super::services::account_service::AccountRpc;
use super::services::audit_service::AuditRpc;
use super::services::auth_service::AuthRpc;
use super::services::envoy;
use super::services::envoy::EnvoyRpc;
use super::services::factor_service::FactorRpc;
use super::services::key_service::KeyRpc;
use super::services::revocation_stream::TokenRoutes;
use super::services::role_service::RoleRpc;
use super::services::service_account_service::ServiceAccountRpc;
use super::services::token_service::TokenRpc;
use super::services::user_service::UserRpc;
use crate::application::access::Authorizer;
use crate::application::accounts::Accounts;
use crate::application::audit::Audit;
use crate::application::clock_watch::ClockWatch;
use crate::application::factors::Factors;
use crate::application::keys::Keys;
use crate::application::recovery::Recovery;
use crate::application::registration::Registration;
use crate::application::roles::Roles;
use crate::application::service_accounts::ServiceAccounts;
use crate::application::sessions::Sessions;
use crate::application::sign_in::SignIn;
use crate::application::tokens::Tokens;
use crate::application::transfer::UserTransfer;
use crate::application::users::Users;
use crate::presentation::health::Health;
use crate::proto::DESCRIPTORS;
use crate::proto::account_service_server::AccountServiceServer;
use crate::proto::audit_service_server::AuditServiceServer;
use crate::proto::auth_service_server::AuthServiceServer;
use crate::proto::envoy::authorization_server::AuthorizationServer;
use crate::proto::factor_service_server::FactorServiceServer;
use crate::proto::key_service_server::KeyServiceServer;
use crate::proto::role_service_server::RoleServiceServer;
use crate::proto::service_account_service_server::ServiceAccountServiceServer;
use crate::proto::token_service_server::TokenServiceServer;
use crate::proto::user_service_server::UserServiceServer;

/// The façades behind the services.
#[derive(Clone)]
pub struct Services {
    /// The time.
    pub clock_watch: Arc<ClockWatch>,
    /// Who may call.
    pub authorizer: Arc<Authorizer>,
    /// Signing up.
    pub registration: Arc<Registration>,
    /// Signing in.
    pub sign_in: Arc<SignIn>,
    /// Recovery of accounts.
    pub recovery: Arc<Recovery>,
    /// Sessions.
    pub sessions: Arc<Sessions>,
    /// The own account.
    pub accounts: Arc<Accounts>,
    /// Second factors.
    pub factors: Arc<Factors>,
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

/// The names of the services, for health checks.
pub(super) const NAMES: [&str; 10] = [
    AuthServiceServer::<AuthRpc>::NAME,
    AccountServiceServer::<AccountRpc>::NAME,
    FactorServiceServer::<FactorRpc>::NAME,
    UserServiceServer::<UserRpc>::NAME,
    KeyServiceServer::<KeyRpc>::NAME,
    RoleServiceServer::<RoleRpc>::NAME,
    AuditServiceServer::<AuditRpc>::NAME,
    ServiceAccountServiceServer::<ServiceAccountRpc>::NAME,
    AuthorizationServer::<EnvoyRpc>::NAME,
    TokenServiceServer::<TokenRpc>::NAME,
];

/// The services, with those of health checks and, if clients may ask for the contract, of reflection.
pub(super) fn build(services: Services, health: &Health, reflection: bool) -> Routes {
    let mut routes = Routes::builder();
    routes
        .add_service(
            AuthorizationServer::new(EnvoyRpc(services.authorizer)).max_decoding_message_size(envoy::MAX_MESSAGE_BYTES),
        )
        .add_service(
            AuthServiceServer::new(AuthRpc {
                registration: services.registration,
                sign_in: services.sign_in,
                recovery: services.recovery,
                sessions: services.sessions,
                factors: services.factors.clone(),
            })
            .max_decoding_message_size(MAX_MESSAGE_BYTES),
        )
        .add_service(
            AccountServiceServer::new(AccountRpc(services.accounts)).max_decoding_message_size(MAX_MESSAGE_BYTES),
        )
        .add_service(
            UserServiceServer::new(UserRpc {
                users: services.users,
                transfer: services.transfer,
                factors: services.factors.clone(),
            })
            .max_decoding_message_size(MAX_MESSAGE_BYTES),
        )
        .add_service(FactorServiceServer::new(FactorRpc(services.factors)).max_decoding_message_size(MAX_MESSAGE_BYTES))
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
    if reflection {
        add_reflection(&mut routes);
    }
    routes.routes()
}

fn add_reflection(routes: &mut tonic::service::RoutesBuilder) {
    let configure = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            // With these, clients such as grpcurl print the details of errors instead of their bytes.
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
    };
    // The descriptor sets are compiled in and always well formed.
    if let (Ok(v1), Ok(v1alpha)) = (configure().build_v1(), configure().build_v1alpha()) {
        routes.add_service(v1).add_service(v1alpha);
    }
}

//! From ports to façades: the use cases.

use std::sync::Arc;

use super::StartError;
use super::adapters::Adapters;
use super::jobs;
use crate::application::access::Authorizer;
use crate::application::accounts::Accounts;
use crate::application::administrators::Administrators;
use crate::application::audit::Audit;
use crate::application::clock_watch::ClockWatch;
use crate::application::factors::{FactorRemoval, Factors};
use crate::application::jobs::{Jobs, Purge, RotateKeys};
use crate::application::keys::{Keys, RootSecrets};
use crate::application::recovery::Recovery;
use crate::application::registration::Registration;
use crate::application::roles::Roles;
use crate::application::service_accounts::ServiceAccounts;
use crate::application::sessions::Sessions;
use crate::application::sign_in::SignIn;
use crate::application::tokens::Tokens;
use crate::application::transfer::UserTransfer;
use crate::application::users::Users;
use crate::config::Settings;
use crate::domain::access::permission::Catalogue;
use crate::presentation::grpc::Services;

/// The façades: those behind the services, and those that no service stands before.
pub(super) struct UseCases {
    pub(super) services: Services,
    pub(super) administrators: Administrators,
    pub(super) jobs: Arc<Jobs>,
    pub(super) purge: Arc<Purge>,
}

impl UseCases {
    /// Opens what is sealed in the database, which the façades work with.
    pub(super) async fn open(
        settings: &Settings,
        adapters: &Adapters,
        catalogue: Catalogue,
    ) -> Result<Self, StartError> {
        let keep = settings.policy.sessions.absolute;
        let roots = RootSecrets::open(&adapters.ports, keep).await.map_err(StartError::prepare)?;
        let use_cases = Self::new(settings, adapters, catalogue, roots);
        use_cases.services.keys.open().await.map_err(StartError::prepare)?;
        let now = adapters.ports.clock.now();
        use_cases.services.sessions.end_unproven(now).await.map_err(StartError::prepare)?;
        Ok(use_cases)
    }

    fn new(settings: &Settings, adapters: &Adapters, catalogue: Catalogue, roots: RootSecrets) -> Self {
        let (ports, derived) = (&adapters.ports, &roots.keys().clone());
        let services = services(settings, adapters, Arc::new(catalogue), roots);
        let purge = Arc::new(Purge::new(ports, settings.database.audit_retention, services.clock_watch.clone()));
        Self {
            administrators: Administrators::new(ports, Arc::new(settings.policy.clone()), derived),
            jobs: Arc::new(jobs::jobs(
                ports,
                &adapters.mailer,
                vec![
                    purge.clone(),
                    Arc::new(RotateKeys(services.keys.clone())),
                    Arc::new(FactorRemoval::new(ports, &settings.policy, derived)),
                ],
            )),
            purge,
            services,
        }
    }
}

/// The façades behind the services. The catalogue has the permissions that RPCs ask for.
fn services(
    settings: &Settings,
    Adapters { ports, feed, jwt, .. }: &Adapters,
    catalogue: Arc<Catalogue>,
    roots: RootSecrets,
) -> Services {
    let (policy, derived) = (Arc::new(settings.policy.clone()), &roots.keys().clone());
    let authorizer = Arc::new(Authorizer::new(ports, feed.clone(), policy.audiences.clone()));
    let sessions = Arc::new(Sessions::new(ports, authorizer.clone(), policy.clone(), derived));
    let keys = Arc::new(Keys::new(ports, jwt.clone(), settings.signing_keys, roots));
    Services {
        clock_watch: Arc::new(ClockWatch::new(ports, keys.clone(), feed.clone(), policy.clone())),
        authorizer: authorizer.clone(),
        registration: Arc::new(Registration::new(ports, policy.clone(), derived)),
        sign_in: Arc::new(SignIn::new(ports, sessions.clone(), policy.clone(), derived)),
        recovery: Arc::new(Recovery::new(ports, policy.clone(), derived)),
        sessions: sessions.clone(),
        accounts: Arc::new(Accounts::new(ports, policy.clone(), catalogue.clone(), derived)),
        factors: Arc::new(Factors::new(ports, policy.clone(), derived)),
        users: Arc::new(Users::new(ports, policy.clone(), derived)),
        roles: Arc::new(Roles::new((ports, authorizer.clone()), policy.clone(), catalogue, derived)),
        tokens: Arc::new(Tokens::new(ports, feed.clone(), sessions, derived)),
        audit: Arc::new(Audit::new(ports, derived)),
        transfer: Arc::new(UserTransfer::new(ports, policy.clone(), derived)),
        keys,
        service_accounts: Arc::new(ServiceAccounts::new(ports, policy, derived)),
    }
}

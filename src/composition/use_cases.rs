//! From ports to façades: the use cases.

use std::sync::Arc;

use super::StartError;
use super::adapters::Adapters;
use crate::application::access::authorizer::Authorizer;
use crate::application::accounts::Accounts;
use crate::application::administrators::Administrators;
use crate::application::audit::Audit;
use crate::application::auth::Auth;
use crate::application::keys::{DerivedKeys, Keys, root_secret};
use crate::application::roles::Roles;
use crate::application::service_accounts::ServiceAccounts;
use crate::application::tokens::Tokens;
use crate::application::transfer::UserTransfer;
use crate::application::upkeep::Upkeep;
use crate::application::users::Users;
use crate::config::Settings;
use crate::domain::access::permission::Catalogue;
use crate::presentation::grpc::Services;

/// The façades: those behind the services, and those that no service stands before.
pub(super) struct UseCases {
    pub(super) services: Services,
    pub(super) administrators: Administrators,
    pub(super) upkeep: Arc<Upkeep>,
}

impl UseCases {
    /// Opens what is sealed in the database, which the façades work with.
    pub(super) async fn open(
        settings: &Settings,
        adapters: &Adapters,
        catalogue: Catalogue,
    ) -> Result<Self, StartError> {
        let root = root_secret::open(&adapters.ports).await.map_err(StartError::prepare)?;
        let use_cases = Self::new(settings, adapters, catalogue, &DerivedKeys::new(&root));
        use_cases.services.keys.open().await.map_err(StartError::prepare)?;
        Ok(use_cases)
    }

    /// The façades. The catalogue has the permissions that RPCs ask for.
    fn new(settings: &Settings, adapters: &Adapters, catalogue: Catalogue, derived: &DerivedKeys) -> Self {
        let Adapters { ports, feed, jwt, mailer, .. } = adapters;
        let (policy, catalogue) = (Arc::new(settings.policy.clone()), Arc::new(catalogue));
        let admission = Arc::new(Authorizer::new(ports, feed.clone()));
        let auth = Arc::new(Auth::new(ports, admission, policy.clone(), derived));
        let services = Services {
            auth: auth.clone(),
            accounts: Arc::new(Accounts::new(ports, policy.clone(), catalogue.clone(), derived)),
            users: Arc::new(Users::new(ports, policy.clone(), derived)),
            roles: Arc::new(Roles::new(ports, auth.clone(), catalogue, derived)),
            tokens: Arc::new(Tokens::new(ports, feed.clone(), auth)),
            audit: Arc::new(Audit::new(ports, derived)),
            transfer: Arc::new(UserTransfer::new(ports, policy.clone())),
            keys: Arc::new(Keys::new(ports, jwt.clone(), settings.signing_keys, derived)),
            service_accounts: Arc::new(ServiceAccounts::new(ports, policy.clone(), derived)),
        };
        Self {
            services,
            administrators: Administrators::new(ports, policy, derived),
            upkeep: Arc::new(Upkeep::new(ports, mailer.clone(), settings.audit_retention)),
        }
    }
}

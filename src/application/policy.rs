//! What an operator decides about accounts and sessions.

use time::Duration;

use crate::domain::access::audience::Audiences;
use crate::domain::access::role::{ADMINISTRATOR, Role};
use crate::domain::account::user::UnverifiedSignIn;
use crate::domain::credential::password::PasswordPolicy;
use crate::domain::session::SessionLifetimes;
use crate::domain::session::authentication::MfaPolicy;
use crate::domain::token::action_token::ActionTokenLifetimes;

/// The operator's decisions, validated at start.
#[derive(Debug, Clone)]
pub struct Policy {
    /// For new passwords.
    pub passwords: PasswordPolicy,
    /// How long sessions live.
    pub sessions: SessionLifetimes,
    /// How long access tokens live.
    pub access_token_lifetime: Duration,
    /// How long mailed tokens are valid.
    pub action_tokens: ActionTokenLifetimes,
    /// How long the data of deleted accounts is kept.
    pub deleted_retention: Duration,
    /// Whether unproven addresses may sign in.
    pub unverified_sign_in: UnverifiedSignIn,
    /// Whether people are told by mail of sign-ins from places that are new for them.
    pub sign_in_notice: bool,
    /// The services that tokens are issued for.
    pub audiences: Audiences,
    /// Who must have a second factor.
    pub mfa: MfaPolicy,
    /// How long somebody may stop that support removes their second factors.
    pub factor_reset_delay: Duration,
}

impl Policy {
    /// Whether a person with these roles must have a second factor.
    #[must_use]
    pub fn demands_factor(&self, roles: &[Role]) -> bool {
        let demands = |role: &Role| match self.mfa {
            MfaPolicy::Required => true,
            MfaPolicy::Administrators => role.mfa_required || role.id == ADMINISTRATOR,
            MfaPolicy::Optional => role.mfa_required,
        };
        self.mfa == MfaPolicy::Required || roles.iter().any(demands)
    }
}

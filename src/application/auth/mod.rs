//! Signing up and signing in: the use cases of `AuthService`, and what gateways ask about those who did.

mod admit;
mod authenticate;
mod authorize_request;
mod log_in;
mod log_out;
mod mail_token;
mod notify_of_sign_in;
mod refresh;
mod register;
mod request_password_reset;
mod resend_verification;
mod reset_password;
mod sign_in_candidate;
mod verify_email;

use std::sync::Arc;

pub use authenticate::Bearer;
pub use authorize_request::{AuthorizeRequest, Authorized};
pub use log_in::LogIn;
pub use log_out::LogOut;
pub use register::Register;
pub use reset_password::ResetPassword;

use super::Ports;
use super::access::authorizer::Authorizer;
use super::audit_trail::AuditTrail;
use super::keys::DerivedKeys;
use super::mail_post::MailPost;
use super::policy::Policy;
use super::ports::{AccessTokens, Clock, Entropy, PasswordHasher, Store};
pub use super::token_issue::IssuedTokens;
use super::token_issue::TokenIssue;
use crate::domain::secret::SecretKey;

/// The use cases of signing up and signing in.
pub struct Auth {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    hasher: Arc<dyn PasswordHasher>,
    tokens: Arc<dyn AccessTokens>,
    admission: Arc<Authorizer>,
    post: MailPost,
    trail: AuditTrail,
    issue: TokenIssue,
    refresh_key: SecretKey,
    throttle_key: SecretKey,
    policy: Arc<Policy>,
}

impl Auth {
    /// Takes the ports it needs.
    #[must_use]
    pub fn new(ports: &Ports, admission: Arc<Authorizer>, policy: Arc<Policy>, derived: &DerivedKeys) -> Self {
        let throttle_key = derived.throttles.clone();
        let refresh_key = derived.refresh_tokens.clone();
        Self {
            store: ports.store.clone(),
            clock: ports.clock.clone(),
            entropy: ports.entropy.clone(),
            hasher: ports.hasher.clone(),
            tokens: ports.tokens.clone(),
            admission,
            post: MailPost::new(ports.entropy.clone(), ports.sealer.clone(), throttle_key.clone()),
            trail: AuditTrail::new(ports.entropy.clone()),
            issue: TokenIssue {
                tokens: ports.tokens.clone(),
                entropy: ports.entropy.clone(),
                refresh_key: refresh_key.clone(),
                access_lifetime: policy.access_token_lifetime,
                audiences: policy.audiences.clone(),
            },
            refresh_key,
            throttle_key,
            policy,
        }
    }
}

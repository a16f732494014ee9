//! What Ipse does: one use case for each RPC, grouped in façades that hold the ports they need.

pub mod access;
pub mod accounts;
pub mod administrators;
mod attempt_limiter;
pub mod audit;
mod audit_trail;
pub mod call;
pub mod causes;
pub mod clock_watch;
pub mod error;
mod etag;
pub mod factors;
pub mod idempotency;
pub mod jobs;
pub mod keys;
mod mailed_tokens;
mod new_password;
pub mod page;
pub mod policy;
pub mod ports;
pub mod profile;
pub mod recovery;
pub mod registration;
pub mod roles;
mod self_service;
pub mod service_accounts;
pub mod sessions;
pub mod sign_in;
pub mod tokens;
pub mod transfer;
mod user_changes;
pub mod users;

use std::sync::Arc;

use ports::{AccessTokens, Clock, Entropy, OneTimeCodes, Passkeys, PasswordHasher, Sealer, Store};

/// The ports of the whole application, from which each façade takes what it needs.
#[derive(Clone)]
pub struct Ports {
    /// The database.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub entropy: Arc<dyn Entropy>,
    /// The slow hash.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Codes of authenticator apps.
    pub codes: Arc<dyn OneTimeCodes>,
    /// WebAuthn.
    pub passkeys: Arc<dyn Passkeys>,
    /// Access tokens.
    pub tokens: Arc<dyn AccessTokens>,
    /// Sealing under the master key.
    pub sealer: Arc<dyn Sealer>,
}

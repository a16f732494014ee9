//! What Ipse does: one use case for each RPC, grouped in façades that hold the ports they need.

pub mod access_feed;
pub mod accounts;
pub mod administrators;
pub mod admission;
pub mod audit;
mod audit_trail;
pub mod auth;
mod brake;
pub mod caller;
pub mod error;
mod etag;
pub mod jobs;
pub mod keys;
pub mod page;
pub mod policy;
pub mod ports;
pub mod profile;
pub mod repeat;
mod rights;
pub mod roles;
mod save;
pub mod service_accounts;
mod session_list;
mod token_issue;
pub mod tokens;
pub mod user_transfer;
pub mod users;

use std::sync::Arc;

use ports::{AccessTokens, Clock, Entropy, PasswordHasher, Sealer, Store};

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
    /// Access tokens.
    pub tokens: Arc<dyn AccessTokens>,
    /// Sealing under the master key.
    pub sealer: Arc<dyn Sealer>,
}

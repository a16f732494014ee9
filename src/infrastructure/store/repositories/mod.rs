//! Every query, written once and compiled for each backend: `super` here is `postgres` or `sqlite`.

mod access_changes;
mod action_tokens;
mod answered_requests;
mod api_keys;
mod audit_events;
mod audit_row;
mod bulk_users;
mod challenges;
mod clock_corrections;
mod credentials;
mod factor_row;
mod factors;
mod jobs;
pub(super) mod migrations;
mod proofs;
mod role_grants;
mod roles;
mod sealed_rows;
mod server_secrets;
mod service_accounts;
mod session_row;
mod sessions;
mod signing_keys;
mod throttles;
mod users;
mod users_list;

use async_trait::async_trait;

use super as backend;
use crate::application::ports::{StoreResult, Transaction};

#[async_trait]
impl Transaction for backend::Unit {
    async fn commit(self: Box<Self>) -> StoreResult<()> {
        backend::Unit::commit(&self).await
    }
}

//! The services: one file each, which decodes a request, runs one use case, and encodes what it yields.

pub(super) mod account_service;
pub(super) mod audit_service;
pub(super) mod auth_service;
pub(super) mod envoy;
pub(super) mod factor_service;
pub(super) mod key_service;
mod personal_data;
pub(super) mod revocation_stream;
pub(super) mod role_service;
pub(super) mod service_account_service;
pub(super) mod token_service;
pub(super) mod user_service;
mod user_transfer;

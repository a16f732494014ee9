//! The gRPC server: layers around services that decode, call one use case, and encode.

mod account_service;
mod audit_service;
mod auth_service;
mod caller;
mod calls;
mod client;
pub(super) mod connection;
mod deadline;
mod decode;
mod encode;
mod envoy;
mod gate;
pub mod health;
pub(super) mod json;
mod key_service;
mod mask;
mod personal_data;
pub mod policy;
mod repeat;
mod request_id;
mod revocation_stream;
mod role_service;
pub mod server;
mod service_account_service;
mod status;
mod token_service;
mod trace_context;
mod until_drained;
mod user_fields;
mod user_record;
mod user_service;
mod user_transfer;

pub use server::{Server, Services};

//! The gRPC server: layers around services that decode, call one use case, and encode.

mod caller;
mod client;
pub(super) mod connection;
mod decode;
mod encode;
mod idempotency;
pub(super) mod json;
pub mod layers;
mod mask;
pub mod server;
pub mod services;
mod status;
mod until_drained;
mod user_fields;
mod user_record;

pub use server::{Server, Services};

//! The gRPC server: layers around services that decode, call one use case, and encode.

mod bearer;
mod call;
mod decode;
mod encode;
mod idempotency;
pub mod layers;
mod mask;
mod routes;
pub mod server;
pub mod services;
mod status;
mod streams;
mod user_fields;
mod user_record;

pub use routes::Services;
pub use server::Server;

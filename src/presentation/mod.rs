//! What the outside speaks to.

pub mod cli;
pub mod grpc;
pub mod health;
pub mod http;
mod json;
pub mod net;

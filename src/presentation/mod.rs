//! What the outside speaks to.

pub mod cli;
pub mod grpc;
pub mod http;
pub mod net;

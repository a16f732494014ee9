//! What the outside speaks to.

pub mod cli;
pub mod grpc;

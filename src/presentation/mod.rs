//! What the outside speaks to.

pub mod cli;
#[cfg(fuzzing)]
pub mod fuzz_entry;
pub mod grpc;
pub mod health;
pub mod http;
mod json;
pub mod net;

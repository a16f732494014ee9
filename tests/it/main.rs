//! All integration tests in one binary.

// Tells clippy that helpers are tests, too.
#![cfg(test)]

mod architecture;
mod cli;
mod contract;
mod grpc;
mod http;
mod migrations;
mod support;

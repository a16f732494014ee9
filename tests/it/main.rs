//! All integration tests in one binary.

// Tells clippy that helpers are tests, too.
#![cfg(test)]

mod architecture;
mod attacks;
mod contract;
mod docs;
mod grpc;
mod http;
mod migrations;
mod support;

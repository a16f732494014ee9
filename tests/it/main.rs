//! All integration tests in one binary.

// Tells clippy that helpers are tests, too.
#![cfg(test)]

mod architecture;
mod attacks;
mod cli;
mod contract;
mod docs;
mod fuzz;
mod grpc;
mod http;
mod migrations;
mod secret_types;
mod stages;
mod support;
mod upgrade;

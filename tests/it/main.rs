//! All integration tests in one binary.

// Tells clippy that helpers are tests, too.
#![cfg(test)]

mod architecture;
mod contract;
mod migrations;
mod support;

//! All integration tests in one binary.

mod architecture;
mod contract;
mod migrations;
mod support;

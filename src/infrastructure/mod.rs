//! Adapters: one for each port.

pub mod store;

//! What all listeners share: their settings, connections and their limits, TLS, the addresses of clients.

pub(super) mod activity;
pub(super) mod client;
pub(super) mod connection;
pub(super) mod http1;
mod idle;
pub mod networks;
pub mod settings;
pub(super) mod shares;
pub mod tls;

pub use client::TrustedProxies;

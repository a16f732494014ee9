//! What all listeners share: connections and their limits, TLS, the addresses of clients.

pub(super) mod client;
pub(super) mod connection;
pub(super) mod http1;
pub mod tls;

pub use client::TrustedProxies;

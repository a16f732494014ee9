//! What all listeners share: their settings, connections and their limits, TLS, the addresses of clients.

pub(super) mod activity;
pub(super) mod client;
mod client_certificates;
pub(super) mod connection;
pub(super) mod door;
mod forwarded;
pub(super) mod http1;
mod idle;
pub mod networks;
pub(super) mod opening;
pub(super) mod proxy_protocol;
pub mod settings;
pub(super) mod shares;
pub mod tls;

pub use client::TrustedProxies;
pub use forwarded::ForwardedHeader;

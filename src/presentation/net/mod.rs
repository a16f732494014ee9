//! What every listener has in common: addresses, limits, certificates.

pub mod settings;
pub mod tls;
pub mod trusted_proxies;

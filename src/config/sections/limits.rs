//! What the gRPC server allows.

use std::time::Duration;

use crate::config::setting::Setting;
use crate::config::source::{InvalidSetting, Source};
use crate::config::value;
use crate::domain::network::Network;
use crate::presentation::net::settings::Limits;
use crate::presentation::net::trusted_proxies::TrustedProxies;

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting::new(
        "trusted_proxies",
        "Addresses and networks, with commas between, whose X-Forwarded-For is believed. Empty: nobody's.",
    )
    .or(""),
    Setting::new("reflection", "Whether the server describes its API to tools such as grpcurl.")
        .or("false")
        .or_in_dev("true"),
    Setting::new("request_timeout", "The longest that a call may take, whatever the client allows.")
        .or("10s")
        .between("1s", "60s"),
    Setting::new("max_in_flight", "The most calls at once; further ones are refused at once.")
        .or("1024")
        .between("1", "100000"),
    Setting::new("max_connections", "The most client connections at once.").or("1024").between("1", "100000"),
    Setting::new("shutdown_grace", "How long calls under way may still take after a request to stop.")
        .or("30s")
        .between("0s", "10m"),
];

/// Reads the section.
pub(super) fn read(source: &Source) -> Result<Limits, InvalidSetting> {
    Ok(Limits {
        reflection: source.required("reflection", value::boolean)?,
        proxies: source.required("trusted_proxies", proxies)?,
        time_limit: span(source, "request_timeout")?,
        in_flight: source.limited("max_in_flight", value::number)?,
        connections: source.limited("max_connections", value::number)?,
        grace: span(source, "shutdown_grace")?,
    })
}

fn span(source: &Source, key: &str) -> Result<Duration, InvalidSetting> {
    source.limited(key, value::seconds).map(|seconds| Duration::from_secs(u64::from(seconds)))
}

fn proxies(text: &str) -> Result<TrustedProxies, String> {
    let network = |item: &str| Network::parse(item).map_err(|why| format!("each {why}"));
    value::list(text, network).map(TrustedProxies::new)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::tests::refused;

    #[test]
    fn proxies_are_addresses_and_networks() {
        let parsed = |networks: &[&str]| {
            TrustedProxies::new(networks.iter().map(|network| Network::parse(network).unwrap()).collect())
        };
        assert_eq!(proxies("").unwrap(), parsed(&[]));
        assert_eq!(proxies("10.0.0.0/8, ::1,192.0.2.1").unwrap(), parsed(&["10.0.0.0/8", "::1", "192.0.2.1"]));
        refused(proxies, &[",", "10.0.0.0/8,", "*", "proxy.example"]);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = proxies(&text);
        }
    }
}

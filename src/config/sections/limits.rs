//! What the gRPC server allows.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use crate::config::setting::Setting;
use crate::config::source::{InvalidSetting, Source};
use crate::config::value;
use crate::presentation::net::TrustedProxies;
use crate::presentation::net::networks::Networks;
use crate::presentation::net::settings::{Gateways, Limits};

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting::new(
        "trusted_proxies",
        "Addresses and networks, with commas between, that are believed when they tell of their clients. Empty: nobody is.",
    )
    .or(""),
    Setting::new(
        "forwarded_header",
        "How trusted proxies tell of their clients: x-forwarded-for, forwarded (RFC 7239), or either of them. With either, \
         clients that the two headers tell apart count as one unknown client, as one of the headers is forged.",
    )
    .or("either"),
    Setting::new(
        "gateways",
        "Addresses and networks, with commas between, from which gateways may ask whose a token is (Envoy's ext_authz). \
         Empty: nobody may. With tls_client_ca_file, whoever shows a certificate may too.",
    )
    .or("")
    .or_in_dev("127.0.0.0/8,::1"),
    Setting::new("reflection", "Whether the server describes its API to tools such as grpcurl.")
        .or("false")
        .or_in_dev("true"),
    Setting::new("request_timeout", "The longest that a call may take, whatever the client allows.")
        .or("10s")
        .between("1s", "60s"),
    Setting::new(
        "request_body_timeout",
        "The longest that the message of a call may take to come. Streams have no such limit.",
    )
    .or("2s")
    .between("1s", "60s"),
    Setting::new(
        "max_in_flight",
        "The most RPCs at once, three quarters of them from one network; further ones are refused at once.",
    )
    .or("1024")
    .between("1", "100000"),
    Setting::new(
        "max_connections",
        "The most client connections at once, three quarters of them from one network that is no trusted proxy.",
    )
    .or("1024")
    .between("1", "100000"),
    Setting::new("shutdown_grace", "How long RPCs in flight may still take after a request to stop.")
        .or("30s")
        .between("0s", "10m"),
];

/// Reads the section.
pub(super) fn read(source: &Source) -> Result<Limits, InvalidSetting> {
    Ok(Limits {
        reflection: source.required("reflection", value::boolean)?,
        proxies: proxies(source)?,
        gateways: gateways(source)?,
        time_limit: span(source, "request_timeout")?,
        body_limit: span(source, "request_body_timeout")?,
        in_flight: source.limited("max_in_flight", value::number)?,
        connections: source.limited("max_connections", value::number)?,
        grace: span(source, "shutdown_grace")?,
    })
}

fn proxies(source: &Source) -> Result<TrustedProxies, InvalidSetting> {
    let networks = source.required("trusted_proxies", networks)?;
    Ok(TrustedProxies::new(networks, source.required("forwarded_header", str::parse)?))
}

fn span(source: &Source, key: &str) -> Result<Duration, InvalidSetting> {
    source.limited(key, value::seconds).map(|seconds| Duration::from_secs(u64::from(seconds)))
}

fn gateways(source: &Source) -> Result<Gateways, InvalidSetting> {
    let from = source.required("gateways", networks)?;
    Ok(if source.has("tls_client_ca_file")? { Gateways::WithCertificate } else { Gateways::From(from) })
}

pub(super) fn networks(text: &str) -> Result<Networks, &'static str> {
    const WANTED: &str = "each must be an address such as 10.0.0.1 or a network such as 10.0.0.0/8 or fd00::/8";
    value::list(text, |item| network(item).ok_or(WANTED)).map(Networks::new)
}

/// An address, which is a network of one, or a network in CIDR notation with no bit set after the prefix. The parser of
/// `ipnet` is not strict enough: it takes leading zeros, which other programs read as octal.
fn network(text: &str) -> Option<IpNet> {
    let Some((address, length)) = text.split_once('/') else {
        return text.parse().ok().map(|address: IpAddr| address.into());
    };
    let prefix_length: u8 = length.parse().ok().filter(|number: &u8| number.to_string() == length)?;
    let network = IpNet::new(address.parse().ok()?, prefix_length).ok()?;
    (network.trunc() == network).then_some(network)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::tests::refused;

    #[test]
    fn proxies_are_addresses_and_networks() {
        let parsed = |networks: &[&str]| Networks::new(networks.iter().map(|text| network(text).unwrap()).collect());
        assert_eq!(networks("").unwrap(), parsed(&[]));
        assert_eq!(networks("10.0.0.0/8, ::1,192.0.2.1").unwrap(), parsed(&["10.0.0.0/8", "::1", "192.0.2.1"]));
        refused(networks, &[",", "10.0.0.0/8,", "*", "proxy.example"]);
    }

    #[test]
    fn what_is_not_a_network_is_refused() {
        for text in [
            "",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "10.0.0.0/200",
            "10.0.0.1/8",
            "010.0.0.0/8",
            "fd00::/129",
            "fd00::1/8",
            "10.0.0",
            "localhost",
            " 10.0.0.1",
            "10.0.0.0/8/8",
        ] {
            assert_eq!(network(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = networks(&text);
        }

        #[test]
        fn no_network_panics(text in "\\PC{0,20}(/\\PC{0,4})?") {
            let _ = network(&text);
        }
    }
}

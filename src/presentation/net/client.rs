//! Who is at the other end of the connection.

use std::net::{IpAddr, Ipv4Addr};

use super::connection::Peer;
use super::networks::Networks;
use crate::domain::session::client::Client;
use http::{HeaderMap, Request, header};

/// The proxies whose `x-forwarded-for` is trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Networks);

impl TrustedProxies {
    /// Trusts the proxies in these networks.
    #[must_use]
    pub const fn new(networks: Networks) -> Self {
        Self(networks)
    }

    /// The address of the client: that of the connection or, behind trusted proxies, the last address in
    /// `x-forwarded-for` that is not one of theirs. What stands before it was written by the client itself.
    fn client_address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.contains(peer) {
            return peer;
        }
        let values: Vec<&str> =
            headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
        let hops = values.iter().flat_map(|value| value.split(',')).map(|hop| hop.trim().parse::<IpAddr>());
        let mut address = peer;
        for hop in hops.collect::<Vec<_>>().into_iter().rev() {
            let Ok(hop) = hop else { break };
            address = hop.to_canonical();
            if !self.contains(address) {
                break;
            }
        }
        address
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(address)
    }
}

/// The address at the other end of a request's connection. A connection without an address is one in memory.
pub(in crate::presentation) fn peer_address<B>(request: &Request<B>) -> IpAddr {
    request.extensions().get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.address.ip())
}

/// The client that sent a request.
pub(in crate::presentation) fn from_request<B>(request: &Request<B>, proxies: &TrustedProxies) -> Client {
    let peer = peer_address(request);
    let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Client::new(proxies.client_address(peer, request.headers()), agent)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use proptest::prelude::*;

    use super::*;

    fn trusted(networks: &[&str]) -> TrustedProxies {
        let parse = |text: &&str| text.parse().unwrap_or_else(|_| text.parse::<IpAddr>().unwrap().into());
        TrustedProxies::new(Networks::new(networks.iter().map(parse).collect()))
    }

    fn address(proxies: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        trusted(proxies).client_address(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(address(&[], "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(address(&["10.0.0.0/8"], "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(address(&["10.0.0.0/8"], "10.1.2.3", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(address(&["10.0.0.0/8"], "10.1.2.3", &[]), "10.1.2.3");
    }

    #[test]
    fn what_the_client_itself_wrote_is_not_believed() {
        assert_eq!(address(&["10.0.0.0/8"], "10.1.2.3", &["203.0.113.9, 198.51.100.7, 10.9.9.9"]), "198.51.100.7");
        assert_eq!(address(&["10.0.0.0/8"], "10.1.2.3", &["203.0.113.9", "198.51.100.7"]), "198.51.100.7");
        assert_eq!(address(&["10.0.0.0/8"], "10.1.2.3", &["203.0.113.9, garbage"]), "10.1.2.3");
    }

    #[test]
    fn a_network_contains_the_addresses_with_its_prefix() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.0/31", "192.0.2.1", "192.0.2.2"),
            ("fd00::/8", "fdff::1", "fe00::"),
            ("::1", "::1", "::2"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:11.1.2.3"),
            ("::ffff:10.0.0.0/104", "10.1.2.3", "11.1.2.3"),
            ("0.0.0.0/0", "255.255.255.255", "2001:db8::1"),
        ] {
            let trusted = trusted(&[network]);
            assert!(trusted.contains(inside.parse().unwrap()), "{inside} in {network}");
            assert!(!trusted.contains(outside.parse().unwrap()), "{outside} in {network}");
        }
        for inside in ["2001:db8::1", "192.0.2.1"] {
            assert!(trusted(&["::/0"]).contains(inside.parse().unwrap()), "{inside}");
        }
    }

    proptest! {
        #[test]
        fn every_address_is_a_network_of_itself_alone(a: u128, b: u128) {
            let (one, other) = (IpAddr::from(Ipv6Addr::from_bits(a)), IpAddr::from(Ipv6Addr::from_bits(b)));
            let trusted = trusted(&[&one.to_string()]);
            prop_assert!(trusted.contains(one));
            prop_assert_eq!(trusted.contains(other), a == b);
        }
    }
}

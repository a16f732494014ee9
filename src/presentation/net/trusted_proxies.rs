//! The address of a client behind proxies.

use std::net::IpAddr;

use http::HeaderMap;

use crate::domain::network::Network;

/// The proxies whose word on the client's address is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// Trusts the proxies in these networks.
    #[must_use]
    pub fn new(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    /// The address of the client: that of the connection or, behind trusted proxies, the last address in
    /// `x-forwarded-for` that is not one of theirs. What stands before it was written by the client itself.
    pub(in crate::presentation) fn client_address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
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

    fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(proxies: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let proxies = TrustedProxies::new(proxies.iter().map(|text| Network::parse(text).unwrap()).collect());
        proxies.client_address(peer.parse().unwrap(), &headers).to_string()
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
}

//! Who is at the other end of the connection.

use std::net::{IpAddr, Ipv4Addr};

use http::{HeaderMap, Request, header};

use super::connection::Peer;
use crate::application::auth::Bearer;
use crate::domain::network::Network;
use crate::domain::secret::Secret;
use crate::domain::session::client::Client;

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

    fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

/// Where a call comes from.
pub(super) fn of<B>(request: &Request<B>, proxies: &TrustedProxies) -> Client {
    // A connection without an address is one in memory.
    let peer = request.extensions().get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.0.ip());
    let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Client::new(proxies.client_address(peer, request.headers()), agent)
}

/// The access token among the values of `authorization`: exactly one, of the scheme `Bearer` (RFC 6750).
pub(super) fn bearer<'v>(mut values: impl Iterator<Item = &'v [u8]>) -> Bearer {
    let (Some(value), None) = (values.next(), values.next()) else {
        return Bearer::Missing;
    };
    match str::from_utf8(value).ok().filter(|text| text.is_ascii()).and_then(|text| text.split_once(' ')) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() => {
            Bearer::Token(Secret::new(token))
        }
        _ => Bearer::Missing,
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

    #[test]
    fn exactly_one_bearer_value_is_a_token() {
        let read = |values: &[&str]| match bearer(values.iter().map(|value| value.as_bytes())) {
            Bearer::Token(token) => Some(token.expose().to_owned()),
            Bearer::Missing => None,
        };
        assert_eq!(read(&["Bearer a.b.c"]).as_deref(), Some("a.b.c"));
        assert_eq!(read(&["bEARER a.b.c"]).as_deref(), Some("a.b.c"));
        for values in [&[][..], &["Bearer"], &["Bearer "], &["Basic a"], &["a.b.c"], &["Bearer a", "Bearer b"]] {
            assert_eq!(read(values), None, "{values:?}");
        }
    }
}

//! Who is at the other end of the connection.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Once;

use super::connection::Peer;
use super::forwarded::{ForwardedHeader, Hops};
use super::networks::Networks;
use crate::domain::session::client::Client;
use http::{HeaderMap, Request, header};

/// Stands for clients whose address no trusted proxy tells. In limits they share a network of their own, so that nobody can
/// take the proxy's place in them by what it fails to read.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
/// How much of a header that cannot be read is logged.
const MAX_LOGGED: usize = 100;

/// The proxies that are believed when they tell of their clients, and how they do so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Networks,
    header: ForwardedHeader,
}

impl TrustedProxies {
    /// Trusts the proxies in these networks, which tell of their clients with this header.
    #[must_use]
    pub const fn new(networks: Networks, header: ForwardedHeader) -> Self {
        Self { networks, header }
    }

    /// The address of the client: that of the connection or, behind trusted proxies, the last address that they tell and that
    /// is not one of theirs. What stands before it was written by the client itself.
    fn client_address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.contains(peer) {
            return peer;
        }
        let mut told = self.header.read(headers).into_iter().map(|hops| self.first_stranger(hops));
        let Some(first) = told.next() else { return peer };
        first.filter(|address| told.all(|other| other == Some(*address))).unwrap_or_else(|| {
            warn_once(peer, headers);
            UNKNOWN
        })
    }

    /// The last of the hops that is not a trusted proxy, or the first of all if they all are.
    fn first_stranger(&self, hops: Hops) -> Option<IpAddr> {
        let mut address = None;
        for hop in hops.into_iter().rev() {
            address = hop;
            if !hop.is_some_and(|hop| self.contains(hop)) {
                break;
            }
        }
        address
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.networks.contains(address)
    }
}

/// Once, as a proxy that says what cannot be read says it with every call.
fn warn_once(proxy: IpAddr, headers: &HeaderMap) {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| {
        let lines = ["x-forwarded-for", "forwarded"].map(|name| headers.get_all(name).iter().map(move |line| (name, line)));
        let told: String = format!("{:?}", lines.into_iter().flatten().collect::<Vec<_>>()).chars().take(MAX_LOGGED).collect();
        tracing::warn!(
            %proxy,
            told,
            "a trusted proxy does not tell the address of its client: such calls share the limits of one network, {UNKNOWN}; \
             see IPSE_FORWARDED_HEADER"
        );
    });
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

    fn trusted(networks: &[&str], header: ForwardedHeader) -> TrustedProxies {
        let parse = |text: &&str| text.parse().unwrap_or_else(|_| text.parse::<IpAddr>().unwrap().into());
        TrustedProxies::new(Networks::new(networks.iter().map(parse).collect()), header)
    }

    /// The client behind 10.1.2.3, one of the proxies of 10.0.0.0/8, by these headers.
    fn client_by(header: ForwardedHeader, told: &[(&'static str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in told {
            headers.append(*name, value.parse().unwrap());
        }
        trusted(&["10.0.0.0/8"], header).client_address("10.1.2.3".parse().unwrap(), &headers).to_string()
    }

    fn client(lines: &[&str]) -> String {
        let told: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
        client_by(ForwardedHeader::Either, &told)
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let headers =
            HeaderMap::from_iter([(http::HeaderName::from_static("x-forwarded-for"), "198.51.100.7".parse().unwrap())]);
        for networks in [&[][..], &["10.0.0.0/8"]] {
            let peer = "192.0.2.1".parse().unwrap();
            assert_eq!(trusted(networks, ForwardedHeader::Either).client_address(peer, &headers), peer);
        }
        assert_eq!(client(&["198.51.100.7"]), "198.51.100.7");
        assert_eq!(client(&[]), "10.1.2.3");
    }

    #[test]
    fn what_the_client_itself_wrote_is_not_believed() {
        assert_eq!(client(&["203.0.113.9, 198.51.100.7, 10.9.9.9"]), "198.51.100.7");
        assert_eq!(client(&["203.0.113.9", "198.51.100.7"]), "198.51.100.7");
        assert_eq!(client(&["garbage", "\u{e9}", "198.51.100.7:1, [::ffff:10.9.9.9]:443,"]), "198.51.100.7");
        assert_eq!(client(&["10.7.7.7, 10.9.9.9"]), "10.7.7.7", "a client among the proxies");
    }

    #[test]
    fn what_cannot_be_read_is_nobodys_network_and_not_the_proxys() {
        for lines in [
            &["garbage"][..],
            &["203.0.113.9, garbage"],
            &["203.0.113.9", "\u{e9}"],
            &["unknown, 10.9.9.9"],
            &[""],
            &[","],
        ] {
            assert_eq!(client(lines), "0.0.0.0", "{lines:?}");
        }
        for line in [
            "for=_hidden",
            "for=unknown",
            "by=10.9.9.9",
            "for=\"203.0.113.9, for=198.51.100.7",
            "for=203.0.113.9, for=_x",
        ] {
            assert_eq!(client_by(ForwardedHeader::Either, &[("forwarded", line)]), "0.0.0.0", "{line}");
        }
    }

    #[test]
    fn of_two_headers_that_differ_neither_is_believed_unless_one_is_chosen() {
        let (old, new) = (("x-forwarded-for", "198.51.100.7"), ("forwarded", "for=\"198.51.100.7:5\", for=10.9.9.9"));
        let spoofed = [("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=203.0.113.9")];
        for (header, told, address) in [
            (ForwardedHeader::Either, &[old][..], "198.51.100.7"),
            (ForwardedHeader::Either, &[new], "198.51.100.7"),
            (ForwardedHeader::Either, &[old, new], "198.51.100.7"),
            (ForwardedHeader::Either, &[old, spoofed[1]], "0.0.0.0"),
            (ForwardedHeader::Either, &[spoofed[0], new], "0.0.0.0"),
            (ForwardedHeader::Either, &[old, ("forwarded", "for=_x")], "0.0.0.0"),
            (ForwardedHeader::XForwardedFor, &[old, spoofed[1]], "198.51.100.7"),
            (ForwardedHeader::XForwardedFor, &[spoofed[1]], "10.1.2.3"),
            (ForwardedHeader::Forwarded, &[spoofed[0], new], "198.51.100.7"),
            (ForwardedHeader::Forwarded, &[spoofed[0]], "10.1.2.3"),
        ] {
            assert_eq!(client_by(header, told), address, "{header:?} {told:?}");
        }
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
            let trusted = trusted(&[network], ForwardedHeader::Either);
            assert!(trusted.contains(inside.parse().unwrap()), "{inside} in {network}");
            assert!(!trusted.contains(outside.parse().unwrap()), "{outside} in {network}");
        }
        for inside in ["2001:db8::1", "192.0.2.1"] {
            assert!(trusted(&["::/0"], ForwardedHeader::Either).contains(inside.parse().unwrap()), "{inside}");
        }
    }

    proptest! {
        #[test]
        fn every_address_is_a_network_of_itself_alone(a: u128, b: u128) {
            let (one, other) = (IpAddr::from(Ipv6Addr::from_bits(a)), IpAddr::from(Ipv6Addr::from_bits(b)));
            let trusted = trusted(&[&one.to_string()], ForwardedHeader::Either);
            prop_assert!(trusted.contains(one));
            prop_assert_eq!(trusted.contains(other), a == b);
        }
    }
}

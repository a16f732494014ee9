//! Sets of network addresses.

use std::net::IpAddr;

use ipnet::IpNet;

/// Addresses, each a network of one, and networks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// These networks together.
    #[must_use]
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Whether an address is in one of them. An IPv4 address and the same address mapped into IPv6 are one, in the networks
    /// as in what connects.
    pub(in crate::presentation) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let mapped = match address {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        self.0.iter().any(|network| network.contains(&address) || network.contains(&IpAddr::V6(mapped)))
    }
}

//! Ranges of network addresses.

use std::net::{IpAddr, Ipv6Addr};

/// A text is not a range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an address such as 10.0.0.1 or a network such as 10.0.0.0/8 or fd00::/8")]
pub struct InvalidNetwork;

/// All addresses that begin with the same bits (RFC 4632, RFC 4291). An IPv4 address and the same address mapped into
/// IPv6 are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    first: u128,
    prefix_length: u8,
}

impl Network {
    /// Reads an address, which is a network of one, or a network in CIDR notation with no bit set after the prefix.
    pub fn parse(input: &str) -> Result<Self, InvalidNetwork> {
        let (address, length) = match input.split_once('/') {
            None => (input, None),
            Some((address, length)) => (address, Some(prefix_length(length)?)),
        };
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork)?;
        let prefix_length = match address {
            IpAddr::V4(_) => length.unwrap_or(32).checked_add(96).ok_or(InvalidNetwork)?,
            IpAddr::V6(_) => length.unwrap_or(128),
        };
        let network = Self { first: bits(address), prefix_length };
        if prefix_length > 128 || network.first & !network.mask() != 0 {
            return Err(InvalidNetwork);
        }
        Ok(network)
    }

    /// Whether the address is one of the network.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        bits(address) & self.mask() == self.first
    }

    fn mask(self) -> u128 {
        u128::MAX.checked_shl(128 - u32::from(self.prefix_length)).unwrap_or(0)
    }
}

/// Decimal digits without a sign or a leading zero.
fn prefix_length(text: &str) -> Result<u8, InvalidNetwork> {
    let length: u8 = text.parse().map_err(|_| InvalidNetwork)?;
    if length.to_string() == text && length <= 128 { Ok(length) } else { Err(InvalidNetwork) }
}

fn bits(address: IpAddr) -> u128 {
    let address: Ipv6Addr = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    address.to_bits()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_network_contains_the_addresses_with_its_prefix() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.0/31", "192.0.2.1", "192.0.2.2"),
            ("fd00::/8", "fdff::1", "fe00::"),
            ("::1", "::1", "::2"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:11.1.2.3"),
            ("0.0.0.0/0", "255.255.255.255", "2001:db8::1"),
        ] {
            let parsed = Network::parse(network).unwrap();
            assert!(parsed.contains(inside.parse().unwrap()), "{inside} in {network}");
            assert!(!parsed.contains(outside.parse().unwrap()), "{outside} in {network}");
        }
        assert!(Network::parse("::/0").unwrap().contains("2001:db8::1".parse().unwrap()));
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
            "fd00::/129",
            "fd00::1/8",
            "10.0.0",
            "localhost",
            " 10.0.0.1",
            "10.0.0.0/8/8",
        ] {
            assert_eq!(Network::parse(text), Err(InvalidNetwork), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_address_is_a_network_of_itself_alone(a: u128, b: u128) {
            let (one, other) = (IpAddr::from(Ipv6Addr::from_bits(a)), IpAddr::from(Ipv6Addr::from_bits(b)));
            let network = Network::parse(&one.to_string()).unwrap();
            prop_assert!(network.contains(one));
            prop_assert_eq!(network.contains(other), a == b);
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,20}(/\\PC{0,4})?") {
            let _ = Network::parse(&text);
        }
    }
}

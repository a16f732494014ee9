//! What a call tells of the client program.

use std::net::{IpAddr, Ipv6Addr};

use crate::domain::text;
use crate::domain::text::InvalidText;

const MAX_USER_AGENT_BYTES: usize = 256;

/// Where a call comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The network address of the caller.
    pub ip_address: IpAddr,
    /// The user agent, cut to 256 bytes, perhaps empty.
    pub user_agent: String,
}

impl Client {
    /// Takes the address in its plain form and the user agent without control characters, cut where a character ends.
    #[must_use]
    pub fn new(ip_address: IpAddr, user_agent: &str) -> Self {
        let mut agent: String = user_agent.chars().filter(|c| !c.is_control()).collect();
        let mut end = agent.len().min(MAX_USER_AGENT_BYTES);
        while !agent.is_char_boundary(end) {
            end -= 1;
        }
        agent.truncate(end);
        Self { ip_address: ip_address.to_canonical(), user_agent: agent }
    }

    /// The network that shares one fate in throttling: the address itself for IPv4, its /64 for IPv6, which is what
    /// one subscriber usually holds.
    #[must_use]
    pub fn network(&self) -> IpAddr {
        network_of(self.ip_address)
    }

    /// Whether both are the same program in the same network, as far as can be seen from here. Programs are compared
    /// without digits and dots, as an update is no other program.
    #[must_use]
    pub fn is_at_the_place_of(&self, other: &Self) -> bool {
        let program = |client: &Self| client.user_agent.replace(|c: char| c.is_ascii_digit() || c == '.', "");
        self.network() == other.network() && program(self) == program(other)
    }
}

/// The network that an address shares one fate with in limits; see `Client::network`.
#[must_use]
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        address @ IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

/// Names a client in the sense of OAuth (RFC 6749, section 2.2): a program that signs people in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientId(String);

impl ClientId {
    /// A client that signs people in with Ipse's own RPCs.
    #[must_use]
    pub fn first_party() -> Self {
        Self("ipse".to_owned())
    }

    /// Reads an id: 1 to 255 printable ASCII characters (RFC 6749, appendix A.1).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_well_formed = (1..=255).contains(&text.len()) && text.bytes().all(|b| (0x20..0x7f).contains(&b));
        is_well_formed.then(|| Self(text.to_owned()))
    }

    /// The id as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The label that a client gives its session: one line of at most 64 code points, perhaps empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientLabel(String);

impl ClientLabel {
    /// Reads a label.
    pub fn parse(input: &str) -> Result<Self, InvalidText> {
        text::line(input, 64).map(|text| Self(text.to_owned()))
    }

    /// The label as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_single_addresses_or_64_bit_prefixes() {
        let network = |ip: &str| Client::new(ip.parse().unwrap(), "").network().to_string();
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }

    #[test]
    fn the_id_of_a_client_is_printable_ascii() {
        for text in ["a", "orders app/2 ~", &"x".repeat(255)] {
            assert_eq!(ClientId::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "a\u{7f}", "a\tb", "\u{e4}", &"x".repeat(256)] {
            assert!(ClientId::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_place_is_a_program_in_a_network() {
        let client = |ip: &str, agent: &str| Client::new(ip.parse().unwrap(), agent);
        let place = client("2001:db8:1:2::3", "app/1.9 (Linux)");
        assert!(place.is_at_the_place_of(&client("2001:db8:1:2:ffff::", "app/1.10.2 (Linux)")));
        for elsewhere in [
            client("2001:db8:1:3::3", "app/1.9 (Linux)"),
            client("192.0.2.1", "app/1.9 (Linux)"),
            client("2001:db8:1:2::3", "app/1.9 (Windows)"),
            client("2001:db8:1:2::3", ""),
        ] {
            assert!(!place.is_at_the_place_of(&elsewhere), "{elsewhere:?}");
        }
    }

    #[test]
    fn the_user_agent_is_cut_at_a_character() {
        let client = Client::new(IpAddr::from([127, 0, 0, 1]), &format!("a\r\n{}", ["é"; 200].concat()));
        assert_eq!(client.user_agent.len(), 255);
        assert!(!client.user_agent.contains('\n'));
    }
}

//! What the host calls itself that hands mail in.

use std::net::{Ipv4Addr, Ipv6Addr};

use lettre::transport::smtp::extension::ClientId;

use crate::domain::account::email_domain;

/// The text is none that a mail server has to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a full host name such as ipse.example.com, or an address in brackets such as [192.0.2.1] or [IPv6:2001:db8::1]"
)]
pub struct InvalidHello;

/// The argument of EHLO: a full host name, or an address literal (RFC 5321, sections 4.1.1.1 and 4.1.3). A bare name, as
/// machines and containers have it, is refused by many servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpHello(ClientId);

impl SmtpHello {
    /// Reads a name or an address in brackets.
    pub fn parse(text: &str) -> Result<Self, InvalidHello> {
        let Some(address) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
            let name = email_domain::canonical(text).map_err(|_| InvalidHello)?;
            return Ok(Self(ClientId::Domain(name)));
        };
        let id = match address.strip_prefix("IPv6:") {
            Some(address) => address.parse::<Ipv6Addr>().map(ClientId::Ipv6),
            None => address.parse::<Ipv4Addr>().map(ClientId::Ipv4),
        };
        id.map(Self).map_err(|_| InvalidHello)
    }
}

impl From<SmtpHello> for ClientId {
    fn from(SmtpHello(id): SmtpHello) -> Self {
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_name_or_an_address_in_brackets_is_taken() {
        for (text, said) in [
            ("mail.example.com", "mail.example.com"),
            ("Mail.Example.COM", "mail.example.com"),
            ("b\u{fc}cher.example", "xn--bcher-kva.example"),
            ("[192.0.2.1]", "[192.0.2.1]"),
            ("[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]"),
        ] {
            assert_eq!(ClientId::from(SmtpHello::parse(text).unwrap()).to_string(), said);
        }
        for text in
            ["", "vm", "localhost", "192.0.2.1", "[vm]", "[2001:db8::1]", "a b.example", "a_b.example", "a.b\r\nMAIL"]
        {
            assert_eq!(SmtpHello::parse(text), Err(InvalidHello), "{text:?}");
        }
    }
}

//! What proxies say of whom they speak for: `x-forwarded-for`, and `forwarded` (RFC 7239).

use std::net::IpAddr;
use std::str::FromStr;

use http::HeaderMap;

/// The white space that may stand between the parts of a list (RFC 9110, section 5.6.3).
const SPACE: [char; 2] = [' ', '\t'];

/// Which header of a trusted proxy is believed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// Whichever there is. Of a proxy that sets one of them, clients can still send the other: if both are there and name
    /// different clients, neither is believed.
    #[default]
    Either,
    /// `x-forwarded-for` alone.
    XForwardedFor,
    /// `forwarded` alone.
    Forwarded,
}

impl FromStr for ForwardedHeader {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "either" => Ok(Self::Either),
            "x-forwarded-for" => Ok(Self::XForwardedFor),
            "forwarded" => Ok(Self::Forwarded),
            _ => Err("must be either, x-forwarded-for or forwarded"),
        }
    }
}

/// Whom a connection was forwarded for, in the order of the way: who spoke to the first proxy, who spoke to the second.
/// `None` stands for what cannot be read, and for what a proxy does not tell.
pub(super) type Hops = Vec<Option<IpAddr>>;

impl ForwardedHeader {
    /// The hops by each of the headers that is believed and there.
    pub(super) fn read(self, headers: &HeaderMap) -> Vec<Hops> {
        let of = |name: &str, read: fn(&str) -> Hops| {
            let mut lines = headers.get_all(name).iter().peekable();
            lines.peek()?;
            Some(lines.flat_map(|line| line.to_str().map_or_else(|_| vec![None], read)).collect())
        };
        let x_forwarded_for = || of("x-forwarded-for", read_x_forwarded_for);
        let forwarded = || of("forwarded", |line| read_forwarded(line).unwrap_or_else(|| vec![None]));
        match self {
            Self::Either => [x_forwarded_for(), forwarded()].into_iter().flatten().collect(),
            Self::XForwardedFor => x_forwarded_for().into_iter().collect(),
            Self::Forwarded => forwarded().into_iter().collect(),
        }
    }
}

fn read_x_forwarded_for(line: &str) -> Hops {
    let elements = line.split(',').map(|element| element.trim_matches(SPACE)).filter(|element| !element.is_empty());
    let unquoted = |text| str::strip_prefix(text, '"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    elements.map(|element| read_node(unquoted(element))).collect()
}

/// One line of `forwarded`; nothing if its form is broken anywhere, as nobody knows then where an element ends: a client may
/// have opened a quoted string that swallows what a proxy added.
fn read_forwarded(line: &str) -> Option<Hops> {
    let mut hops = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (element, after) = read_element(rest)?;
        if !element.is_empty {
            hops.push(element.node.as_deref().and_then(read_node));
        }
        rest = after;
    }
    Some(hops)
}

/// What a proxy says of one hop.
struct Element {
    is_empty: bool,
    /// The value of `for`.
    node: Option<String>,
}

/// The first element, and what comes after it.
fn read_element(line: &str) -> Option<(Element, &str)> {
    let mut element = Element { is_empty: true, node: None };
    let mut rest = line;
    loop {
        rest = rest.trim_start_matches(SPACE);
        match rest.chars().next() {
            None | Some(',') => return Some((element, rest.strip_prefix(',').unwrap_or(rest))),
            Some(';') => rest = &rest[1..],
            Some(_) => {
                let (name, after) = rest.split_once('=')?;
                let (value, after) = read_value(after.trim_start_matches(SPACE))?;
                let is_repeated = is_for(name)? && element.node.replace(value).is_some();
                rest = after.trim_start_matches(SPACE);
                if is_repeated || !(rest.is_empty() || rest.starts_with([',', ';'])) {
                    return None;
                }
                element.is_empty = false;
            }
        }
    }
}

/// Whether a parameter is the one that counts; nothing if its name is none.
fn is_for(name: &str) -> Option<bool> {
    let name = name.trim_end_matches(SPACE);
    let is_name =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.!~*'".contains(&byte));
    is_name.then(|| name.eq_ignore_ascii_case("for"))
}

/// A value, in quotes or not, and what comes after it. Brackets and colons ought to stand in quotes, and often do not.
fn read_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, after) = text.split_at(text.find([',', ';']).unwrap_or(text.len()));
        let value = value.trim_end_matches(SPACE);
        let is_plain = !value.is_empty() && !value.contains(['"', '=', ' ', '\t']);
        return is_plain.then(|| (value.to_owned(), after));
    };
    let mut value = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => return Some((value, characters.as_str())),
            '\\' => value.push(characters.next()?),
            character => value.push(character),
        }
    }
}

/// The address of a node: IPv4 or IPv6, in brackets or not, with or without a port. Obfuscated names and `unknown` have none.
fn read_node(text: &str) -> Option<IpAddr> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        None => match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (text, None),
        },
    };
    // The zone of a link-local address means something on the proxy's machine alone.
    let address = host.split_once('%').map_or(host, |(address, _)| address);
    port.is_none_or(is_port).then(|| address.parse().ok().map(|address: IpAddr| address.to_canonical()))?
}

/// A number, or the name that stands for one.
fn is_port(text: &str) -> bool {
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    text.strip_prefix('_').map_or(text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit()), is_name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The hops as text, with `?` for what cannot be read.
    fn shown(hops: &Hops) -> String {
        hops.iter().map(|hop| hop.map_or("?".to_owned(), |address| address.to_string())).collect::<Vec<_>>().join(" ")
    }

    fn x_forwarded_for(line: &str) -> String {
        shown(&read_x_forwarded_for(line))
    }

    fn forwarded(line: &str) -> String {
        read_forwarded(line).map_or("broken".to_owned(), |hops| shown(&hops))
    }

    #[test]
    fn an_address_may_have_a_port_brackets_quotes_and_a_zone() {
        for (text, address) in [
            ("198.51.100.7", "198.51.100.7"),
            ("198.51.100.7:51234", "198.51.100.7"),
            ("198.51.100.7:", "198.51.100.7"),
            ("198.51.100.7:_p0rt", "198.51.100.7"),
            ("[198.51.100.7]:80", "198.51.100.7"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:DB8::7]:443", "2001:db8::7"),
            ("[fe80::7%25eth0]:443", "fe80::7"),
            ("fe80::7%eth0", "fe80::7"),
            ("::ffff:198.51.100.7", "198.51.100.7"),
            ("[::ffff:c633:6407]:1", "198.51.100.7"),
        ] {
            assert_eq!(x_forwarded_for(text), address);
            assert_eq!(x_forwarded_for(&format!("\"{text}\"")), address);
            assert_eq!(forwarded(&format!("for=\"{text}\"")), address);
            assert_eq!(forwarded(&format!("For={text};proto=https")), address);
        }
    }

    #[test]
    fn what_is_no_address_is_not_read() {
        for text in [
            "unknown",
            "_hidden",
            "_hidden:80",
            "unknown:_x",
            "localhost",
            "198.51.100",
            "198.51.100.7.8",
            "198.051.100.007",
            "198.51.100.7:port",
            "198.51.100.7:123456",
            "[2001:db8::7",
            "2001:db8::7]",
            "[2001:db8::7]443",
            "[]",
            "[]:1",
            "198.51.100.7/32",
            "0x7f000001",
            "2130706433",
            ":",
            "[198.51.100.7]x",
        ] {
            assert_eq!(x_forwarded_for(text), "?", "{text}");
            assert_eq!(forwarded(&format!("for=\"{text}\"")), "?", "{text}");
        }
    }

    #[test]
    fn empty_elements_are_passed_over() {
        assert_eq!(x_forwarded_for("198.51.100.7,"), "198.51.100.7");
        assert_eq!(x_forwarded_for(", ,198.51.100.7 ,\t, 192.0.2.1:1 ,"), "198.51.100.7 192.0.2.1");
        assert_eq!((x_forwarded_for(""), x_forwarded_for(" , ")), (String::new(), String::new()));
        assert_eq!(forwarded(",for=198.51.100.7, ,; ,for=192.0.2.1,"), "198.51.100.7 192.0.2.1");
        assert_eq!(forwarded(" , "), "");
    }

    #[test]
    fn the_examples_of_the_rfc_are_read() {
        for (line, hops) in [
            ("for=\"_gazonk\"", "?"),
            ("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
            ("for=192.0.2.43, for=198.51.100.17", "192.0.2.43 198.51.100.17"),
            ("for=_hidden, for=_SEVKISEK", "? ?"),
            ("for=192.0.2.43, for=\"[2001:db8:cafe::17]\", for=unknown", "192.0.2.43 2001:db8:cafe::17 ?"),
            ("for=192.0.2.43,for=\"[2001:db8:cafe::17]\",for=unknown", "192.0.2.43 2001:db8:cafe::17 ?"),
            ("proto=https;by=203.0.113.43", "?"),
            ("by=\"a,b;c\\\"d\" ; for = 192.0.2.43", "192.0.2.43"),
        ] {
            assert_eq!(forwarded(line), hops, "{line}");
        }
    }

    #[test]
    fn a_line_that_is_broken_anywhere_names_nobody() {
        for line in [
            "for=\"198.51.100.7",
            "for=\"198.51.100.7, for=192.0.2.1",
            "for=\"198.51.100.7\\",
            "for=198.51.100.7;by=\", for=\"192.0.2.1\"",
            "for=198.51.100.7;for=192.0.2.1",
            "for=",
            "for",
            "198.51.100.7",
            "=198.51.100.7",
            "f or=198.51.100.7",
            "for=198.51.100.7 for=192.0.2.1",
            "for=198.51.100.7\"",
            "for=\"198.51.100.7\"x",
        ] {
            assert_eq!(forwarded(line), "broken", "{line}");
        }
    }

    proptest! {
        /// What a client wrote stands before what the proxy adds to the same line, and is never taken for it.
        #[test]
        fn nothing_before_it_changes_what_a_proxy_added(
            written in "(\\PC{0,12}|[a-z\"\\\\,;=:_ \t]{0,24}|for=\"?[0-9.]{7}\"?[,;]?){0,4}",
            v4: [u8; 4],
            v6: [u8; 16],
        ) {
            let (v4, v6) = (IpAddr::from(v4), IpAddr::from(v6).to_canonical());
            prop_assert_eq!(read_x_forwarded_for(&format!("{written}, {v4}:1")).pop(), Some(Some(v4)));
            for (added, address) in [
                (format!("for={v4}"), v4),
                (format!("for=\"{v4}:1\";proto=https;by=\"_x\""), v4),
                (format!("by=_x;for=\"[{v6}]:1\""), v6),
            ] {
                let last = read_forwarded(&format!("{written}, {added}")).map(|mut hops| hops.pop());
                prop_assert!(last.is_none_or(|last| last == Some(Some(address))), "{written}, {added}");
            }
        }

        #[test]
        fn every_address_is_read_in_each_form(bits: u128, port: u16, is_short: bool) {
            let address = if is_short { IpAddr::from(u32::try_from(bits >> 96).unwrap().to_be_bytes()) } else { IpAddr::from(bits.to_be_bytes()) };
            let bracketed = if address.is_ipv6() { format!("[{address}]:{port}") } else { format!("{address}:{port}") };
            for text in [address.to_string(), bracketed] {
                prop_assert_eq!(read_node(&text), Some(address.to_canonical()));
            }
        }
    }
}

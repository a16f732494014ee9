//! Parsers from the text of a setting to its type. Their errors never hold the text.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;
use tracing_subscriber::filter::{LevelFilter, Targets};
use zeroize::Zeroizing;

use crate::domain::account::email::EmailAddress;
use crate::domain::secret::SecretKey;
use crate::domain::text;

const MAX_NAME_CODE_POINTS: usize = 64;
const MAX_AUDIENCE_BYTES: usize = 255;
/// 32 random bytes with fewer distinct ones do not happen.
const LEAST_DISTINCT_KEY_BYTES: usize = 8;

/// A mail address with the name shown beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// One line of at most 64 code points without `<`, `>` and `"`, perhaps empty.
    pub name: String,
    /// The address.
    pub address: EmailAddress,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Pretty,
}

pub(super) fn number<T: FromStr>(text: &str) -> Result<T, &'static str> {
    text.parse().map_err(|_| "must be a whole number")
}

pub(super) fn boolean(text: &str) -> Result<bool, &'static str> {
    text.parse().map_err(|_| "must be true or false")
}

/// A span in seconds.
pub(super) fn seconds(text: &str) -> Result<u32, &'static str> {
    const FORM: &str = "must be a span such as 30s, 15m, 8h or 30d";
    let (count, factor) = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400)]
        .into_iter()
        .find_map(|(unit, factor)| text.strip_suffix(unit).map(|count| (count, factor)))
        .ok_or(FORM)?;
    if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(FORM);
    }
    count.parse::<u32>().ok().and_then(|count| count.checked_mul(factor)).ok_or("is too long a span")
}

pub(super) fn path(text: &str) -> Result<PathBuf, &'static str> {
    if text.is_empty() || text.contains('\0') {
        return Err("must be a path");
    }
    Ok(PathBuf::from(text))
}

/// The name of a role of PostgreSQL, which cuts longer ones off in silence.
pub(super) fn role(text: &str) -> Result<String, &'static str> {
    text::required(text, 63).map(str::to_owned).map_err(|_| "must be the name of a role, of at most 63 bytes")
}

pub(super) fn master_key(text: &str) -> Result<SecretKey, &'static str> {
    const FORM: &str = "must be base64 of 32 bytes";
    let bytes = Zeroizing::new(STANDARD.decode(text).map_err(|_| FORM)?);
    let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| FORM)?;
    let mut sorted = Zeroizing::new(key);
    sorted.sort_unstable();
    if sorted.chunk_by(u8::eq).count() < LEAST_DISTINCT_KEY_BYTES {
        return Err("is weak: it must be 32 random bytes");
    }
    Ok(SecretKey::new(key))
}

pub(super) fn master_keys(text: &str) -> Result<Vec<SecretKey>, String> {
    list(text, |item| master_key(item).map_err(|why| format!("each {why}")))
}

pub(super) fn audiences(text: &str) -> Result<Vec<String>, &'static str> {
    list(text, |item| {
        let plain = text::required(item, MAX_AUDIENCE_BYTES).is_ok() && !item.chars().any(char::is_control);
        if plain { Ok(item.to_owned()) } else { Err("must be names of 1 to 255 bytes with commas between") }
    })
}

pub(super) fn networks(text: &str) -> Result<Vec<IpNet>, &'static str> {
    const WANTED: &str = "each must be an address such as 10.0.0.1 or a network such as 10.0.0.0/8 or fd00::/8";
    list(text, |item| network(item).ok_or(WANTED))
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

fn list<T, E>(text: &str, parse: impl Fn(&str) -> Result<T, E>) -> Result<Vec<T>, E> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    text.split(',').map(|item| parse(item.trim())).collect()
}

pub(super) fn mailbox(text: &str) -> Result<Mailbox, String> {
    let (name, address) = match text.strip_suffix('>').and_then(|rest| rest.split_once('<')) {
        Some((name, address)) => (name.trim(), address),
        None => ("", text),
    };
    let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
    if text::line(name, MAX_NAME_CODE_POINTS).is_err() || name.contains(['<', '>', '"']) {
        return Err("must have a plain name of at most 64 code points before the address".to_owned());
    }
    let address = EmailAddress::parse(address).map_err(|why| why.to_string())?;
    Ok(Mailbox { name: name.to_owned(), address })
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, &'static str> {
    match text {
        "json" => Ok(LogFormat::Json),
        "pretty" => Ok(LogFormat::Pretty),
        _ => Err("must be json or pretty"),
    }
}

/// Stricter than the parsers of `tracing-subscriber`, which take a misspelt level for a source.
pub(super) fn log_filter(text: &str) -> Result<Targets, &'static str> {
    text.split(',').try_fold(Targets::new(), |filter, directive| match directive.split_once('=') {
        None => Ok(filter.with_default(level(directive)?)),
        Some((source, directive)) => {
            let plain = !source.is_empty() && source.bytes().all(|b| b.is_ascii_alphanumeric() || b"_:-".contains(&b));
            if plain { Ok(filter.with_target(source, level(directive)?)) } else { Err(LOG_FORM) }
        }
    })
}

const LOG_FORM: &str = "must be levels such as info or info,ipse=debug";

fn level(name: &str) -> Result<LevelFilter, &'static str> {
    match name {
        "off" => Ok(LevelFilter::OFF),
        "error" => Ok(LevelFilter::ERROR),
        "warn" => Ok(LevelFilter::WARN),
        "info" => Ok(LevelFilter::INFO),
        "debug" => Ok(LevelFilter::DEBUG),
        "trace" => Ok(LevelFilter::TRACE),
        _ => Err(LOG_FORM),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn accepted<T, E>(parse: impl Fn(&str) -> Result<T, E>, texts: &[&str]) {
        for text in texts {
            assert!(parse(text).is_ok(), "{text:?}");
        }
    }

    fn refused<T, E>(parse: impl Fn(&str) -> Result<T, E>, texts: &[&str]) {
        for text in texts {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn spans_are_a_count_and_a_unit() {
        assert_eq!(["0s", "90s", "15m", "8h", "30d"].map(seconds), [Ok(0), Ok(90), Ok(900), Ok(28_800), Ok(2_592_000)]);
        refused(
            seconds,
            &["", "s", "15", "15 m", "-1s", "+1s", "1.5h", "1w", "1M", "15m30s", "99999999999d", "60000d"],
        );
    }

    #[test]
    fn numbers_and_booleans_are_plain() {
        accepted(boolean, &["true", "false"]);
        refused(boolean, &["", "1", "yes", "True", " true"]);
        refused(number::<u32>, &["", "-1", "1.0", "1e3", "0x10", "16k", "4294967296"]);
    }

    #[test]
    fn a_master_key_is_32_random_bytes_in_base64() {
        let encoded = |bytes: &[u8]| STANDARD.encode(bytes);
        let bytes: Vec<u8> = (0..32).collect();
        assert_eq!(master_key(&encoded(&bytes)).unwrap().expose().as_slice(), bytes);
        let of_distinct = |count: u8| encoded(&(0..32).map(|i| i % count).collect::<Vec<u8>>());
        accepted(master_key, &[&of_distinct(8)]);
        refused(master_key, &[&of_distinct(7), &of_distinct(1), &encoded(&[0; 32]), &encoded(&[0xff; 32])]);
        refused(master_key, &["", "x", &encoded(&bytes[..31]), &encoded(&[&bytes[..], &[9]].concat())]);
        refused(master_key, &[&format!("{}\n", encoded(&bytes)), encoded(&bytes).trim_end_matches('=')]);
    }

    #[test]
    fn other_master_keys_are_as_good_as_the_master_key() {
        let [one, other] = [0, 32].map(|first| STANDARD.encode((first..first + 32).collect::<Vec<u8>>()));
        assert_eq!(master_keys("").unwrap().len(), 0);
        assert_eq!(master_keys(&format!("{one}, {other}")).unwrap()[1].expose()[0], 32);
        refused(master_keys, &[",", &format!("{one},"), &format!("{one};{other}"), &STANDARD.encode([0; 32])]);
    }

    #[test]
    fn audiences_are_names_of_at_most_255_bytes() {
        assert_eq!(audiences("").unwrap(), Vec::<String>::new());
        assert_eq!(audiences("orders, https://b.example").unwrap(), ["orders", "https://b.example"]);
        accepted(audiences, &[&"a".repeat(255)]);
        refused(audiences, &[&"a".repeat(256), ",", "a,", "a,,b", " ", "a\nb", "a\0"]);
    }

    #[test]
    fn proxies_are_addresses_and_networks() {
        assert_eq!(networks("").unwrap().len(), 0);
        assert_eq!(networks("10.0.0.0/8, ::1,192.0.2.1").unwrap().len(), 3);
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

    #[test]
    fn the_sender_is_an_address_with_or_without_a_name() {
        for (text, name, address) in [
            ("ipse@id.example", "", "ipse@id.example"),
            ("<ipse@id.example>", "", "ipse@id.example"),
            ("Ipse Mail <ipse@id.example>", "Ipse Mail", "ipse@id.example"),
            ("\"Example, Inc.\" <ipse@id.example>", "Example, Inc.", "ipse@id.example"),
        ] {
            let mailbox = mailbox(text).unwrap();
            assert_eq!((mailbox.name.as_str(), mailbox.address.written()), (name, address));
        }
        refused(
            mailbox,
            &[
                "",
                "Ipse",
                "ipse@",
                "Ipse <ipse@id.example",
                "Ipse <ipse@id.example> x",
                "a@b.example, c@d.example",
                "A <a@b.example>, B <c@d.example>",
                "I\r\nBcc: x <ipse@id.example>",
                &format!("{} <ipse@id.example>", "n".repeat(65)),
            ],
        );
    }

    #[test]
    fn words_are_exact() {
        accepted(role, &["ipse", &"r".repeat(63)]);
        refused(role, &["", "a\0b", &"r".repeat(64)]);
        accepted(log_format, &["json", "pretty"]);
        refused(log_format, &["", "JSON", "text"]);
        accepted(path, &["x", "/a b/c"]);
        refused(path, &["", "a\0b"]);
    }

    #[test]
    fn a_misspelt_log_filter_is_refused() {
        accepted(log_filter, &["info", "off", "info,ipse=debug", "warn,ipse::application=trace,h2=off"]);
        refused(
            log_filter,
            &["", "inf", "info,", "ipse=", "=debug", "ipse=loud", "INFO", "ipse[span]=info", "a b=info"],
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = (seconds(&text), master_keys(&text), audiences(&text));
            let _ = (networks(&text), mailbox(&text), log_filter(&text));
        }

        #[test]
        fn no_network_panics(text in "\\PC{0,20}(/\\PC{0,4})?") {
            let _ = network(&text);
        }
    }
}

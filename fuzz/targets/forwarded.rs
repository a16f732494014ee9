//! What proxies say of their clients: only an address that stands there is believed, and what a proxy added goes before what
//! the client wrote.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use http::{HeaderMap, HeaderName, HeaderValue};
use ipse::presentation::fuzz_entry::client_address;
use ipse::presentation::net::networks::Networks;
use ipse::presentation::net::{ForwardedHeader, TrustedProxies};
use ipse_fuzz::Input;
use libfuzzer_sys::fuzz_target;

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
const ADDED: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));
const NAMES: [HeaderName; 2] = [HeaderName::from_static("x-forwarded-for"), HeaderName::from_static("forwarded")];
const KINDS: [ForwardedHeader; 3] =
    [ForwardedHeader::Either, ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded];

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input(bytes);
    let kind = *input.choose(&KINDS);
    let mut headers = HeaderMap::new();
    for line in input.0.split(|byte| *byte == b'\n').take(8) {
        let mut line = Input(line);
        let name = line.choose(&NAMES).clone();
        if let Ok(value) = HeaderValue::from_bytes(line.0) {
            headers.append(name, value);
        }
    }
    check_headers(headers, kind);
});

fn trusting(networks: &[&str], kind: ForwardedHeader) -> TrustedProxies {
    TrustedProxies::new(Networks::new(networks.iter().map(|network| network.parse().unwrap()).collect()), kind)
}

fn check_headers(mut headers: HeaderMap, kind: ForwardedHeader) {
    assert_eq!(client_address(headers.clone(), &trusting(&[], kind)), PEER, "nobody is believed");
    let proxies = trusting(&["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"], kind);
    let told = client_address(headers.clone(), &proxies);
    assert_eq!(told, told.to_canonical());
    let text: String = headers
        .values()
        .map(|line| String::from_utf8_lossy(line.as_bytes()).to_ascii_lowercase().replace('\\', ""))
        .collect();
    let believed = |name: &HeaderName| {
        headers.contains_key(name) && (kind == KINDS[0] || (kind == KINDS[1]) == (*name == NAMES[0]))
    };
    if !NAMES.iter().any(believed) {
        assert_eq!(told, PEER);
    } else if told == PEER {
        assert!(
            text.contains("127.0.0.1") || text.contains("7f00"),
            "{text}: not the proxy's place for what is not read"
        );
    } else if let IpAddr::V4(address) = told
        && told != UNKNOWN
        && !text.contains("::")
        && !text.contains("ffff")
    {
        assert!(text.contains(&address.to_string()), "{text}: {address}");
    }
    for (name, added) in [(&NAMES[0], ", 198.51.100.7"), (&NAMES[1], ",for=198.51.100.7:1;proto=https")] {
        let Some(last) = headers.get_all(name).iter().next_back() else { continue };
        let line = HeaderValue::from_bytes(&[last.as_bytes(), added.as_bytes()].concat()).unwrap();
        let before: Vec<_> = headers.get_all(name).iter().cloned().collect();
        headers.insert(name, line.clone());
        let only = if *name == NAMES[0] { KINDS[1] } else { KINDS[2] };
        let proxies = trusting(&["127.0.0.1/32", "10.0.0.0/8"], only);
        let told = client_address(headers.clone(), &proxies);
        assert!(told == ADDED || told == UNKNOWN, "{line:?}: {told}");
        assert!(
            told == ADDED || *name == NAMES[1] || line.to_str().is_err(),
            "{line:?}: a line of this header is never broken"
        );
        headers.insert(name, before[0].clone());
    }
}

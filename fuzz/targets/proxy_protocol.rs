//! The header of the PROXY protocol: only an address that stands in it is believed, and nothing behind it is taken away.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use ipse::presentation::fuzz_entry::proxied_client;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    let outcome = pin!(proxied_client(&mut rest)).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(outcome) = outcome else { panic!("all bytes are there") };
    let Some(client) = outcome else { return };
    let length = usize::from(u16::from_be_bytes([bytes[14], bytes[15]]));
    assert!(bytes.starts_with(b"\r\n\r\n\0\r\nQUIT\n") && length <= 2048);
    assert_eq!(rest, &bytes[16 + length..]);
    let Some(client) = client else { return };
    let said = &bytes[16..16 + length];
    let (address, port): (IpAddr, _) = match bytes[12..14] {
        [0x21, 0x11] => (Ipv4Addr::from_octets(said[..4].try_into().unwrap()).into(), &said[8..10]),
        [0x21, 0x21] => (Ipv6Addr::from_octets(said[..16].try_into().unwrap()).into(), &said[32..34]),
        _ => panic!("another kind of header names no client"),
    };
    assert_eq!((client.ip(), client.port().to_be_bytes().as_slice()), (address.to_canonical(), port));
});

//! The PROXY protocol, version 2: how a load balancer that passes bytes on says at the beginning of a connection whose it is
//! (<https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>, section 2.2).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt as _};

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
const VERSION_1: &[u8] = b"PROXY ";
/// Signature, version and command, family and transport, length of the rest.
const FIXED_BYTES: usize = 16;
/// The longest rest: addresses of up to 216 bytes, and what load balancers add to them.
const MAX_REST_BYTES: usize = 2 * 1024;

/// A header that says nothing of a client: of a connection that a load balancer opened for itself.
pub(in crate::presentation) const LOCAL: [u8; FIXED_BYTES] = *b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00";

/// Whose connection it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::presentation) enum Source {
    /// The load balancer's own, such as its health check.
    Local,
    /// That of a client with this address.
    Client(SocketAddr),
    /// That of a client without an address of the internet, or whose address is not told.
    Unknown,
}

/// Why a connection does not begin as it must.
#[derive(Debug, thiserror::Error)]
pub(in crate::presentation) enum NoHeader {
    /// The other version.
    #[error("it begins with version 1 of the PROXY protocol; version 2 is needed")]
    Version1,
    /// Something else.
    #[error("it does not begin with a header of the PROXY protocol")]
    Absent,
    /// The header breaks the rules.
    #[error("its header of the PROXY protocol is malformed")]
    Malformed,
    /// The header is longer than any of use.
    #[error("its header of the PROXY protocol is longer than {MAX_REST_BYTES} bytes")]
    TooLong,
    /// The connection ended.
    #[error("it ended within the header of the PROXY protocol")]
    Ended(#[from] io::Error),
}

/// Reads the header, and nothing of what comes after it.
pub(in crate::presentation) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Source, NoHeader> {
    let mut fixed = [0; FIXED_BYTES];
    // Piece by piece: what is no header may be shorter than one, and its sender wait for an answer.
    for piece in [0..VERSION_1.len(), VERSION_1.len()..SIGNATURE.len(), SIGNATURE.len()..FIXED_BYTES] {
        let end = piece.end;
        stream.read_exact(&mut fixed[piece]).await?;
        if fixed.starts_with(VERSION_1) {
            return Err(NoHeader::Version1);
        }
        if !SIGNATURE.starts_with(&fixed[..end.min(SIGNATURE.len())]) {
            return Err(NoHeader::Absent);
        }
    }
    let [.., command, family, high, low] = fixed;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > MAX_REST_BYTES {
        return Err(NoHeader::TooLong);
    }
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).await?;
    source(command, family, &rest).ok_or(NoHeader::Malformed)
}

fn source(command: u8, family: u8, rest: &[u8]) -> Option<Source> {
    match (command, family) {
        // Whatever else the header of such a connection says is to be ignored.
        (0x20, _) => Some(Source::Local),
        (0x21, 0x11) => {
            let [a, b, c, d, _, _, _, _, high, low, ..] = *rest else { return None };
            (rest.len() >= 12).then(|| client(Ipv4Addr::new(a, b, c, d).into(), [high, low]))
        }
        (0x21, 0x21) => {
            let (address, after) = rest.split_first_chunk::<16>()?;
            let (_, ports) = after.split_first_chunk::<16>()?;
            let [high, low, _, _, ..] = *ports else { return None };
            Some(client(Ipv6Addr::from(*address).into(), [high, low]))
        }
        (0x21, 0x00 | 0x31) => Some(Source::Unknown),
        _ => None,
    }
}

fn client(address: IpAddr, port: [u8; 2]) -> Source {
    Source::Client(SocketAddr::new(address.to_canonical(), u16::from_be_bytes(port)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AFTER: &[u8] = b"what comes after it";

    fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family][..], &length, rest].concat()
    }

    fn addresses(source: IpAddr, port: u16) -> Vec<u8> {
        match source {
            IpAddr::V4(ip) => [&ip.octets()[..], &[127, 0, 0, 1], &port.to_be_bytes(), &[0, 80]].concat(),
            IpAddr::V6(ip) => [&ip.octets()[..], &[0; 16], &port.to_be_bytes(), &[0, 80]].concat(),
        }
    }

    /// What is read of a connection on which these bytes come, and what is left.
    async fn outcome(bytes: &[u8]) -> (Result<Source, NoHeader>, Vec<u8>) {
        let mut stream = bytes;
        (read(&mut stream).await, stream.to_vec())
    }

    #[tokio::test]
    async fn a_header_tells_the_client_and_leaves_what_comes_after_it() {
        let with_more = |rest: Vec<u8>| [rest, vec![0x03, 0, 4, 1, 2, 3, 4], vec![0xee; 300]].concat();
        for ip in ["198.51.100.7", "2001:db8::7"] {
            let ip: IpAddr = ip.parse().unwrap();
            let family = if ip.is_ipv4() { 0x11 } else { 0x21 };
            for rest in [addresses(ip, 51234), with_more(addresses(ip, 51234))] {
                let (source, left) = outcome(&[&header(0x21, family, &rest), AFTER].concat()).await;
                assert_eq!((source.unwrap(), left.as_slice()), (Source::Client(SocketAddr::new(ip, 51234)), AFTER));
            }
        }
        let mapped = header(0x21, 0x21, &addresses("::ffff:198.51.100.7".parse().unwrap(), 1));
        assert_eq!(outcome(&mapped).await.0.unwrap(), Source::Client("198.51.100.7:1".parse().unwrap()));
    }

    #[tokio::test]
    async fn a_load_balancer_may_speak_for_itself_or_not_know() {
        let (source, left) = outcome(&[&LOCAL, AFTER].concat()).await;
        assert_eq!((source.unwrap(), left.as_slice()), (Source::Local, AFTER));
        for (command, family, rest, source) in [
            (0x20, 0x11, addresses("198.51.100.7".parse().unwrap(), 1), Source::Local),
            (0x20, 0xff, vec![1; 7], Source::Local),
            (0x21, 0x00, vec![], Source::Unknown),
            (0x21, 0x00, vec![9; 100], Source::Unknown),
            (0x21, 0x31, vec![0; 216], Source::Unknown),
        ] {
            assert_eq!(outcome(&header(command, family, &rest)).await.0.unwrap(), source, "{command} {family}");
        }
    }

    #[tokio::test]
    async fn anything_else_is_refused_by_what_it_is() {
        let v4 = addresses("198.51.100.7".parse().unwrap(), 1);
        for line in ["PROXY TCP4 198.51.100.7 127.0.0.1 1 80\r\n", "PROXY UNKNOWN\r\n"] {
            assert!(matches!(outcome(line.as_bytes()).await.0, Err(NoHeader::Version1)), "{line}");
        }
        for bytes in
            [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\0\x01", &[0; 16]]
        {
            assert!(matches!(outcome(bytes).await.0, Err(NoHeader::Absent)), "{bytes:?}");
        }
        for (command, family, rest) in [
            (0x11, 0x11, &v4[..]),
            (0x31, 0x11, &v4),
            (0x22, 0x11, &v4),
            (0x21, 0x12, &v4),
            (0x21, 0x41, &v4),
            (0x21, 0x11, &v4[..11]),
            (0x21, 0x11, &[]),
            (0x21, 0x21, &v4),
            (0x21, 0x21, &[0; 35]),
        ] {
            let (outcome, _) = outcome(&header(command, family, rest)).await;
            assert!(matches!(outcome, Err(NoHeader::Malformed)), "{command:x} {family:x} {rest:?}");
        }
        let long = header(0x21, 0x11, &[0; MAX_REST_BYTES + 1]);
        assert!(matches!(outcome(&long).await.0, Err(NoHeader::TooLong)));
        assert!(outcome(&header(0x20, 0, &[0; MAX_REST_BYTES])).await.0.is_ok());
        let whole = header(0x21, 0x11, &v4);
        for length in 0..whole.len() {
            assert!(matches!(outcome(&whole[..length]).await.0, Err(NoHeader::Ended(_))), "{length}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic_or_name_a_client_that_they_do_not_hold(
            bytes in prop::collection::vec(any::<u8>(), 0..80),
            has_signature: bool,
        ) {
            let bytes = if has_signature { [SIGNATURE, &bytes[..]].concat() } else { bytes };
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            if let (Ok(Source::Client(client)), _) = runtime.block_on(outcome(&bytes)) {
                let octets = match client.ip() {
                    IpAddr::V4(ip) => ip.octets().to_vec(),
                    IpAddr::V6(ip) => ip.octets().to_vec(),
                };
                prop_assert!(bytes[FIXED_BYTES..].windows(octets.len()).any(|window| window == octets));
            }
        }
    }
}

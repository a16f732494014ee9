//! What a client begins with, and what those are told who took the port for another: a connection that is closed without a
//! word makes clients say anything but what is wrong.

use std::io;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The first bytes of a client that speaks HTTP/2 (RFC 9113, section 3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How many of them no other protocol begins with.
const TELLING: usize = b"PRI ".len();
/// How long a client may take to hear a farewell, and how many bytes of it are read meanwhile: without reading, the system
/// would throw the farewell away.
const FAREWELL: Duration = Duration::from_secs(1);
const MAX_UNREAD: u64 = 64 * 1024;

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::presentation) enum Protocol {
    Http2,
    Http1,
    Tls,
    /// Something else, which the listener's own protocol answers as it sees fit.
    Other,
}

/// The first bytes of a connection.
pub(super) struct Opening {
    pub(super) protocol: Protocol,
    pub(super) bytes: Bytes,
}

/// Reads the first bytes, as many as tell what is spoken. There are none if the client ended the connection.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Opening> {
    let mut bytes = BytesMut::with_capacity(PREFACE.len());
    loop {
        let count = stream.read_buf(&mut bytes).await?;
        if count == 0 || bytes.len() >= TELLING || !PREFACE.starts_with(&bytes) {
            return Ok(Opening { protocol: recognise(&bytes), bytes: bytes.freeze() });
        }
    }
}

pub(super) fn recognise(bytes: &[u8]) -> Protocol {
    let method = bytes.split(|byte| *byte == b' ').next().unwrap_or_default();
    if bytes.starts_with(PREFACE) || (!bytes.is_empty() && PREFACE.starts_with(bytes)) {
        Protocol::Http2
    } else if bytes.starts_with(&[0x16, 0x03]) {
        Protocol::Tls
    } else if !method.is_empty() && method.iter().all(u8::is_ascii_uppercase) {
        Protocol::Http1
    } else {
        Protocol::Other
    }
}

/// Tells a client in its own words what is wrong, and waits until it has heard it.
pub(super) async fn dismiss(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), spoken: Protocol, why: Mistake) {
    let farewell = match spoken {
        Protocol::Http1 => why.for_http1(),
        Protocol::Http2 => why.for_http2(),
        Protocol::Tls | Protocol::Other => return,
    };
    let _ = tokio::time::timeout(FAREWELL, async {
        stream.write_all(&farewell).await?;
        hear_out(stream).await
    })
    .await;
}

/// Lets a client hear the last words, such as why its certificate is refused: a connection that is closed with something
/// unread takes back what the client has not read yet.
pub(super) async fn part(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    let _ = tokio::time::timeout(FAREWELL, hear_out(stream)).await;
}

async fn hear_out(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<u64> {
    stream.shutdown().await?;
    tokio::io::copy(&mut stream.take(MAX_UNREAD), &mut tokio::io::sink()).await
}

/// What a client took a port for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mistake {
    /// For one without TLS.
    WantsTls,
    /// For one with TLS.
    WantsPlaintext,
    /// For one that speaks HTTP/1.1.
    WantsHttp2,
    /// For one that speaks HTTP/2.
    WantsHttp1,
}

impl Mistake {
    const fn sentence(self) -> &'static str {
        match self {
            Self::WantsTls => "This port speaks TLS: connect with https, or with a gRPC client that uses TLS.",
            Self::WantsPlaintext => "This port speaks plaintext: connect without TLS.",
            Self::WantsHttp2 => "This port speaks gRPC, over HTTP/2 alone: use a gRPC client.",
            Self::WantsHttp1 => "This port speaks HTTP/1.1 alone: gRPC is on another port.",
        }
    }

    /// What an operator is told of it.
    pub(super) const fn seen(self) -> &'static str {
        match self {
            Self::WantsTls => "a client speaks plaintext to a port that speaks TLS",
            Self::WantsPlaintext => "a client speaks TLS to a port that speaks plaintext",
            Self::WantsHttp2 => "a client speaks HTTP/1 to the gRPC port, which speaks HTTP/2 alone",
            Self::WantsHttp1 => "a client speaks HTTP/2 to the side port, which speaks HTTP/1.1 alone",
        }
    }

    fn for_http1(self) -> Vec<u8> {
        let status = match self {
            Self::WantsHttp2 => "505 HTTP Version Not Supported",
            _ => "400 Bad Request",
        };
        let body = format!("{}\n", self.sentence());
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        )
        .into_bytes()
    }

    /// The settings that every HTTP/2 connection begins with, and a GOAWAY frame whose reason clients print.
    fn for_http2(self) -> Vec<u8> {
        let code: u8 = match self {
            Self::WantsHttp1 => 0xd, // HTTP_1_1_REQUIRED
            _ => 0xc,                // INADEQUATE_SECURITY
        };
        let reason = self.sentence().as_bytes();
        let length = u8::try_from(8 + reason.len()).unwrap_or(8);
        let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        let goaway = [0, 0, length, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, code];
        [&settings[..], &goaway, &reason[..usize::from(length) - 8]].concat()
    }
}

/// Which mistakes an operator has been told of: each once, as whoever makes one makes it again and again.
#[derive(Default)]
pub(super) struct Notices(AtomicU8);

impl Notices {
    /// Whether this is the first of its kind.
    pub(super) fn is_new(&self, mistake: Mistake) -> bool {
        let bit = 1 << mistake as u8;
        self.0.fetch_or(bit, Ordering::Relaxed) & bit == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_bytes_tell_what_is_spoken() {
        for (bytes, protocol) in [
            (PREFACE, Protocol::Http2),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04", Protocol::Http2),
            (b"PRI ", Protocol::Http2),
            (b"PROPFIND / HTTP/1.1\r\n", Protocol::Http1),
            (b"GET / HTTP/1.1\r\n\r\n", Protocol::Http1),
            (b"POST /ipse.v1.AuthService/Login HTTP/1.1\r\n", Protocol::Http1),
            (b"VERYLONGMETHODWITHOUTASPACE", Protocol::Http1),
            (b"\x16\x03\x01\x02\x00\x01", Protocol::Tls),
            (b"\x16\x03", Protocol::Tls),
            (b"\x15\x03\x01", Protocol::Other),
            (b"get / HTTP/1.1\r\n", Protocol::Other),
            (b" GET /", Protocol::Other),
            (b"\0\0\0\0", Protocol::Other),
            (b"SSH-2.0-x\r\n", Protocol::Other),
            (b"", Protocol::Other),
        ] {
            let mut stream = bytes;
            let opening = read(&mut stream).await.unwrap();
            assert_eq!(opening.protocol, protocol, "{bytes:?}");
            assert_eq!([&opening.bytes, stream].concat(), bytes, "nothing is lost");
        }
    }

    #[tokio::test]
    async fn a_slow_client_is_waited_for_until_its_protocol_is_clear() {
        let (mut client, mut server) = tokio::io::duplex(64);
        let opening = tokio::spawn(async move { read(&mut server).await.unwrap().protocol });
        for byte in b"PRO" {
            client.write_all(&[*byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        assert_eq!(opening.await.unwrap(), Protocol::Http1);
    }

    #[test]
    fn a_farewell_has_the_form_of_the_clients_protocol() {
        let all = [Mistake::WantsTls, Mistake::WantsPlaintext, Mistake::WantsHttp2, Mistake::WantsHttp1];
        for mistake in all {
            let text = String::from_utf8(mistake.for_http1()).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
            assert_eq!(body.trim_end(), mistake.sentence());
            let frames = mistake.for_http2();
            assert_eq!((frames[3], frames[12]), (4, 7), "SETTINGS and GOAWAY");
            assert_eq!(usize::from(frames[11]), frames.len() - 18, "the length of the second");
            assert!(frames.ends_with(mistake.sentence().as_bytes()));
        }
    }

    #[test]
    fn each_kind_is_told_once() {
        let notices = Notices::default();
        let all = [Mistake::WantsTls, Mistake::WantsPlaintext, Mistake::WantsHttp2, Mistake::WantsHttp1];
        assert!(all.into_iter().all(|mistake| notices.is_new(mistake)));
        assert!(!all.into_iter().any(|mistake| notices.is_new(mistake)));
    }
}

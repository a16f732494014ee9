//! What the fuzz targets ask of listeners and cannot ask from outside: how a listener reads who its client is. Only builds
//! for fuzzing have this, and whatever else is private is fuzzed through the entry that callers have.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, Request};

use super::net::TrustedProxies;
use super::net::client;
use super::net::proxy_protocol::{self, Source};

/// The address of the client that sent these headers over a connection from 127.0.0.1.
#[must_use]
pub fn client_address(headers: HeaderMap, proxies: &TrustedProxies) -> IpAddr {
    let mut request = Request::new(());
    *request.headers_mut() = headers;
    client::from_request(&request, proxies).ip_address
}

/// The client that the header of the PROXY protocol at the beginning of these bytes names, if it names one; nothing if it
/// is no such header. The bytes of the header are taken away.
pub async fn proxied_client(bytes: &mut &[u8]) -> Option<Option<SocketAddr>> {
    match proxy_protocol::read(bytes).await.ok()? {
        Source::Client(address) => Some(Some(address)),
        Source::Local | Source::Unknown => Some(None),
    }
}

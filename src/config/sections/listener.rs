//! Where the two listeners are: gRPC and the HTTP side port.

use std::net::SocketAddr;

use super::{limits, tls};
use crate::config::setting::Setting;
use crate::config::source::{InvalidSetting, Source};
use crate::presentation::net::settings::{Endpoint, ListenerSettings};

/// The settings of this section.
pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("grpc_listen", "Address and port that serve gRPC. Port 0 takes a free one.").or("127.0.0.1:50051"),
    Setting::new(
        "http_listen",
        "Address and port of the HTTP side port, without TLS: the key set and the OpenID discovery for gateways, /metrics, \
         /healthz, /readyz. Port 0 takes a free one; off: there is none.",
    )
    .or("127.0.0.1:8080"),
    Setting::new(
        "grpc_proxy_protocol",
        "Addresses and networks, with commas between, of load balancers that begin each connection to the gRPC port with \
         the PROXY protocol, version 2. Empty: none does, and nobody is believed to.",
    )
    .or(""),
    Setting::new("http_proxy_protocol", "The same for the HTTP side port.").or(""),
];

/// Reads the section, with the certificate and the limits.
pub(in crate::config) fn read(source: &Source) -> Result<ListenerSettings, InvalidSetting> {
    let endpoint = read_endpoint(source)?;
    tls::check_plaintext(source, &endpoint)?;
    let http_address = source.required("http_listen", address_or_off)?;
    let http_balancers = source.required("http_proxy_protocol", limits::networks)?;
    Ok(ListenerSettings { endpoint, http_address, http_balancers, limits: limits::read(source)? })
}

/// Reads where the server is alone, which is all that its clients on the same machine need.
pub fn read_endpoint(source: &Source) -> Result<Endpoint, InvalidSetting> {
    Ok(Endpoint {
        address: source.required("grpc_listen", address)?,
        tls: tls::read(source)?,
        balancers: source.required("grpc_proxy_protocol", limits::networks)?,
    })
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "must be an address and a port such as 127.0.0.1:50051")
}

fn address_or_off(text: &str) -> Result<Option<SocketAddr>, &'static str> {
    match text {
        "off" => Ok(None),
        text => text.parse().map(Some).map_err(|_| "must be an address and a port such as 127.0.0.1:8080, or off"),
    }
}

//! The listeners: gRPC and the HTTP side port.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::source::{InvalidSetting, Source};
use super::{pem, value};

/// The listeners and the limits of gRPC.
#[derive(Debug, Clone)]
pub struct ListenerSettings {
    /// Where it listens and with which certificate; plaintext was permitted if there is none.
    pub endpoint: Endpoint,
    /// Where the HTTP side port listens, if it is wanted.
    pub http_address: Option<SocketAddr>,
    /// Whether it describes its API.
    pub reflection: bool,
    /// Whose `x-forwarded-for` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The longest that a call may take.
    pub request_timeout: Duration,
    /// The most calls at once.
    pub max_in_flight: usize,
    /// The most client connections at once.
    pub max_connections: usize,
    /// How long calls under way may still take after a request to stop.
    pub shutdown_grace: Duration,
}

/// Where the server is and how to speak to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The address; port 0 takes a free one.
    pub address: SocketAddr,
    /// The certificate, unless it speaks plaintext.
    pub tls: Option<TlsFiles>,
}

/// PEM files of the server's certificate, all of which were readable and sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain, the server's own first.
    pub certificate: PathBuf,
    /// The private key of the first certificate.
    pub key: PathBuf,
    /// The authorities for client certificates; if there are any, every client must show one.
    pub client_ca: Option<PathBuf>,
}

impl ListenerSettings {
    pub(super) fn read(source: &Source) -> Result<Self, InvalidSetting> {
        let endpoint = Endpoint::read(source)?;
        check_plaintext(source, &endpoint)?;
        Ok(Self {
            endpoint,
            http_address: source.required("http_listen", address_or_off)?,
            reflection: source.required("reflection", value::boolean)?,
            trusted_proxies: source.required("trusted_proxies", value::networks)?,
            request_timeout: span(source, "request_timeout")?,
            max_in_flight: source.limited("max_in_flight", value::number)?,
            max_connections: source.limited("max_connections", value::number)?,
            shutdown_grace: span(source, "shutdown_grace")?,
        })
    }
}

impl Endpoint {
    /// Reads the endpoint alone, which is all that a health check needs.
    pub fn read(source: &Source) -> Result<Self, InvalidSetting> {
        Ok(Self { address: source.required("grpc_listen", address)?, tls: tls_files(source)? })
    }
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

fn span(source: &Source, key: &str) -> Result<Duration, InvalidSetting> {
    source.limited(key, value::seconds).map(|seconds| Duration::from_secs(u64::from(seconds)))
}

fn tls_files(source: &Source) -> Result<Option<TlsFiles>, InvalidSetting> {
    let certificate = source.optional("tls_cert_file", pem::certificate_file)?;
    let client_ca = source.optional("tls_client_ca_file", pem::authorities_file)?;
    let Some(certificate) = certificate else {
        for key in ["tls_key_file", "tls_client_ca_file"] {
            if source.has(key)? {
                return Err(source.refuse(key, "needs IPSE_TLS_CERT_FILE"));
            }
        }
        return Ok(None);
    };
    let key = source.required("tls_key_file", |text| pem::key_file(text, &certificate))?;
    Ok(Some(TlsFiles { certificate, key, client_ca }))
}

/// Without TLS everybody on the way reads passwords, so it takes an explicit word, or `--dev` on this machine alone.
fn check_plaintext(source: &Source, endpoint: &Endpoint) -> Result<(), InvalidSetting> {
    let permitted = source.required("plaintext", value::boolean)?;
    let implied = source.is_dev() && !source.has("plaintext")?;
    if endpoint.tls.is_some() {
        return if permitted { Err(source.refuse("plaintext", "contradicts IPSE_TLS_CERT_FILE")) } else { Ok(()) };
    }
    if !permitted && !implied {
        return Err(InvalidSetting::of(
            "tls_cert_file",
            "is required, unless IPSE_PLAINTEXT permits to do without TLS",
        ));
    }
    if source.is_dev() && !endpoint.address.ip().to_canonical().is_loopback() {
        return Err(
            source.refuse("grpc_listen", "must be a loopback address with --dev, unless there is a certificate")
        );
    }
    Ok(())
}

//! What an operator decides about the listeners.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::client::TrustedProxies;
use super::networks::Networks;
use super::tls::{KeyPairFiles, TlsFiles};

/// The listeners and the limits of gRPC.
#[derive(Debug, Clone)]
pub struct ListenerSettings {
    /// Where gRPC is served and with which certificate; plaintext was permitted if there is none.
    pub endpoint: Endpoint,
    /// Where the HTTP side port listens, if it is wanted.
    pub http_address: Option<SocketAddr>,
    /// The load balancers of the side port that speak the PROXY protocol.
    pub http_balancers: Networks,
    /// What the gRPC server allows.
    pub limits: Limits,
}

/// Where the server is and how to speak to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The address; port 0 takes a free one.
    pub address: SocketAddr,
    /// The certificate, unless it speaks plaintext.
    pub tls: Option<TlsFiles>,
    /// The load balancers that begin each connection with the PROXY protocol.
    pub balancers: Networks,
}

/// What a client of a server has, in PEM.
#[derive(Debug, Clone, Default)]
pub struct ClientFiles {
    /// The authorities that may vouch for the server, instead of those of the system.
    pub authorities: Option<PathBuf>,
    /// What it shows a server that asks for a certificate.
    pub key_pair: Option<KeyPairFiles>,
}

/// Who counts as a gateway.
#[derive(Debug, Clone)]
pub enum Gateways {
    /// Everybody who connects: all of them show a certificate.
    WithCertificate,
    /// Whoever connects from there.
    From(Networks),
}

impl Gateways {
    /// Whether a connection from this address is that of a gateway.
    pub(in crate::presentation) fn know(&self, address: IpAddr) -> bool {
        match self {
            Self::WithCertificate => true,
            Self::From(networks) => networks.contains(address),
        }
    }
}

/// What the gRPC server allows.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The longest a call may take.
    pub time_limit: Duration,
    /// The longest the message of a call may take to come.
    pub body_limit: Duration,
    /// How many RPCs may be in flight at a time.
    pub in_flight: usize,
    /// How many connections may be open at a time, three quarters of them of one network; further ones wait to be
    /// accepted.
    pub connections: usize,
    /// How long RPCs in flight may continue after the server was told to stop.
    pub grace: Duration,
    /// Who is believed to tell whom a call comes from.
    pub proxies: TrustedProxies,
    /// Who may ask as a gateway whose a token is.
    pub gateways: Gateways,
    /// Whether clients may ask for the contract.
    pub reflection: bool,
}

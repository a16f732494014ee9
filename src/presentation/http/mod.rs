//! The HTTP side port, for gateways, scrapers and orchestrators that do not speak gRPC. Read-only, without TLS, on a
//! listener of its own.
//!
//! - `/.well-known/jwks.json`: the public keys (RFC 7517).
//! - `/.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`: where the keys are and what tokens
//!   hold (OpenID Connect Discovery 1.0, RFC 8414). An issuer with a path has all three under its path, too.
//! - `/.well-known/webauthn`: where else passkeys of this domain may be used (WebAuthn Level 3, section 5.11).
//! - `/metrics`: OpenMetrics, as `composition/metrics.rs` lists them.
//! - `/healthz`: the process lives. `/readyz`: it can do its work, and is not about to stop.

mod answer;
mod discovery;
mod documents;
mod key_set;
mod metrics;
mod probes;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http::{Method, StatusCode};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::health::Health;
use super::net::door::{self, Door};
use super::net::networks::Networks;
use super::net::opening::Protocol;
use super::net::{TrustedProxies, http1};
use crate::application::keys::Keys;
use crate::telemetry::metrics::Metrics;
use answer::Answer;
use discovery::Document;
pub use discovery::KEY_SET;

/// Where browsers look for related origins: at the root of the domain, whatever the path of the issuer.
const PASSKEY_ORIGINS: &str = "/.well-known/webauthn";
/// How many connections may be open at a time; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 128;

/// What the side port tells of: the state of its handlers.
#[derive(Clone)]
pub struct SidePort {
    /// The signing keys.
    pub keys: Arc<Keys>,
    /// The issuer of tokens: a canonical https URL without a slash at its end.
    pub issuer: Arc<str>,
    /// Where passkeys may be used, on the web and elsewhere.
    pub passkey_origins: Arc<[String]>,
    /// Whether the service can do its work.
    pub health: Health,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The load balancers that begin each connection with the PROXY protocol.
    pub balancers: Networks,
}

impl SidePort {
    /// Serves until `stopped`.
    pub async fn serve(self, listener: TcpListener, stopped: CancellationToken) {
        let door = Door {
            protocol: Protocol::Http1,
            certificates: None,
            most: MAX_CONNECTIONS,
            proxies: TrustedProxies::default(),
            balancers: self.balancers.clone(),
            stopped: stopped.clone(),
        };
        let connections = door::accept(listener, door);
        http1::serve(connections, routes(self), stopped).await;
    }
}

/// All that is served. `get` answers HEAD, too; no handler reads the body of a request.
fn routes(side: SidePort) -> Router {
    let mut routes = Router::new()
        .without_v07_checks() // The path of an issuer may have segments such as `:a`. It has no braces: see `config`.
        .route("/healthz", get(probes::healthz))
        .route("/readyz", get(probes::readyz))
        .route("/metrics", get(metrics::metrics))
        .route(PASSKEY_ORIGINS, get(documents::passkey_origins));
    for (path, document) in discovery::paths(&side.issuer) {
        let handler = match document {
            Document::KeySet => get(documents::key_set),
            Document::Metadata => get(documents::metadata),
        };
        routes = routes.route(&path, handler);
    }
    routes.method_not_allowed_fallback(unserved).fallback(unserved).with_state(side)
}

/// The answer to all other requests. A method that is served nowhere is refused before the path is looked at.
async fn unserved(method: Method) -> Answer {
    match method {
        Method::GET | Method::HEAD => answer::text(StatusCode::NOT_FOUND, "not found\n"),
        _ => answer::method_not_allowed(),
    }
}

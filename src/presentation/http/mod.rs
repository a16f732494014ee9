//! The HTTP side port, for gateways, scrapers and orchestrators that do not speak gRPC. Read-only, without TLS, on a
//! listener of its own.
//!
//! - `/.well-known/jwks.json`: the public keys (RFC 7517).
//! - `/.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`: where the keys are and what tokens
//!   hold (OpenID Connect Discovery 1.0, RFC 8414). An issuer with a path has all three under its path, too.
//! - `/metrics`: OpenMetrics, as `composition/metrics.rs` lists them.
//! - `/healthz`: the process lives. `/readyz`: it can do its work, and is not about to stop.

mod answer;
mod connection;
mod discovery;
mod key_set;

use std::sync::Arc;

use http::{HeaderMap, Method, StatusCode};
use tokio::net::TcpListener;
use tokio_stream::StreamExt as _;
use tokio_util::sync::CancellationToken;

use super::grpc;
use super::grpc::services::health::Health;
use crate::application::keys::Keys;
use crate::telemetry::metrics::{self, Metrics};
use answer::Answer;
pub use discovery::KEY_SET;

/// How many connections may be open at a time; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 128;

/// What the side port tells of.
#[derive(Clone)]
pub struct SidePort {
    /// The signing keys.
    pub keys: Arc<Keys>,
    /// The issuer of tokens: a canonical https URL without a slash at its end.
    pub issuer: Arc<str>,
    /// Whether the service can do its work.
    pub health: Health,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

impl SidePort {
    /// Serves until `stopped`.
    pub async fn serve(self, listener: TcpListener, stopped: CancellationToken) {
        let side = Arc::new(self);
        let mut connections = grpc::connection::accept(listener, None, MAX_CONNECTIONS);
        while let Some(Some(accepted)) = stopped.run_until_cancelled(connections.next()).await {
            if let Ok(stream) = accepted {
                tokio::spawn(connection::serve(side.clone(), stream));
            }
        }
    }

    /// The answer to a request. That of HEAD is the same, and its body is left out on the way.
    async fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Answer {
        if method != Method::GET && method != Method::HEAD {
            return answer::method_not_allowed();
        }
        match path {
            "/healthz" => answer::text(StatusCode::OK, "ok\n"),
            "/readyz" if self.health.is_able() => answer::text(StatusCode::OK, "ready\n"),
            "/readyz" => answer::text(StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
            "/metrics" => self.measurements(),
            path => match discovery::find(&self.issuer, path) {
                Some(document) => self.document(document, headers).await,
                None => answer::text(StatusCode::NOT_FOUND, "not found\n"),
            },
        }
    }

    async fn document(&self, document: discovery::Document, headers: &HeaderMap) -> Answer {
        let keys = match self.keys.list_signing_keys().await {
            Ok(keys) => keys,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the key set cannot be read");
                return answer::text(StatusCode::SERVICE_UNAVAILABLE, "the key set cannot be read\n");
            }
        };
        match document {
            discovery::Document::KeySet => answer::document(key_set::CONTENT_TYPE, &key_set::of(&keys), headers),
            discovery::Document::Metadata => {
                answer::document("application/json", &discovery::metadata(&self.issuer, &keys), headers)
            }
        }
    }

    fn measurements(&self) -> Answer {
        match self.metrics.text() {
            Ok(text) => answer::fresh(metrics::CONTENT_TYPE, text),
            Err(error) => {
                tracing::error!(%error, "the metrics cannot be written");
                answer::text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written\n")
            }
        }
    }
}

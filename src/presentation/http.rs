//! The HTTP side port, for gateways and orchestrators that do not speak gRPC. Read-only, on a listener of its own.

use std::future::Future;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::grpc::health::Health;
use crate::application::keys::Keys;

/// How long verifiers may keep the key set: much less than the lead of a new key over its first signature.
const CACHE: &str = "public, max-age=300";

/// What the side port tells of.
#[derive(Clone)]
pub struct SidePort {
    /// The signing keys.
    pub keys: Arc<Keys>,
    /// Whether the service can do its work.
    pub health: Health,
}

impl SidePort {
    /// Serves until `stop` is done: `/.well-known/jwks.json` (RFC 7517), `/healthz` for liveness and `/readyz` for
    /// readiness. Other methods than GET and HEAD are refused.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let routes = Router::new()
            .route("/.well-known/jwks.json", get(key_set))
            .route("/healthz", get(async || "ok\n"))
            .route("/readyz", get(readiness))
            .with_state(self);
        axum::serve(listener, routes).with_graceful_shutdown(stop).await
    }
}

async fn key_set(State(side): State<SidePort>) -> Response {
    match side.keys.list_signing_keys().await {
        Ok(keys) => {
            let keys: Vec<Value> =
                keys.iter().filter_map(|(key, _)| serde_json::from_str(&key.public_jwk).ok()).collect();
            let head = [(header::CONTENT_TYPE, "application/jwk-set+json"), (header::CACHE_CONTROL, CACHE)];
            (head, Json(json!({ "keys": keys }))).into_response()
        }
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "the key set cannot be read");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

async fn readiness(State(side): State<SidePort>) -> (StatusCode, &'static str) {
    if side.health.is_able() { (StatusCode::OK, "ready\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready\n") }
}

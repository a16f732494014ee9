//! `ipse.v1.KeyService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::application::keys::{Keys, ListedKey};
use crate::domain::token::signing_key::SigningKeyState;
use crate::presentation::grpc::idempotency::{self, ResponseOf};
use crate::presentation::grpc::{call, encode, status};
use crate::proto;
use crate::proto::key_service_server::KeyService;
use crate::proto::{
    ListSigningKeysRequest, ListSigningKeysResponse, RevokeSigningKeyRequest, RevokeSigningKeyResponse,
    RotateSigningKeyRequest, RotateSigningKeyResponse,
};

/// Decodes requests of `KeyService` for their use cases.
pub(in crate::presentation::grpc) struct KeyRpc(pub(in crate::presentation::grpc) Arc<Keys>);

#[tonic::async_trait]
impl KeyService for KeyRpc {
    async fn list_signing_keys(
        &self,
        _request: Request<ListSigningKeysRequest>,
    ) -> Result<Response<ListSigningKeysResponse>, Status> {
        let keys = self.0.list_signing_keys().await.map_err(status::from_error)?;
        Ok(Response::new(ListSigningKeysResponse { keys: keys.iter().map(encode_key).collect() }))
    }

    async fn rotate_signing_key(
        &self,
        request: Request<RotateSigningKeyRequest>,
    ) -> Result<Response<RotateSigningKeyResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once =
            idempotency::request::<_, RotateSigningKeyResponse>("RotateSigningKey", &request.request_id, &request)?;
        idempotency::respond(self.0.rotate_signing_key(&call, &request.algorithm, &once).await)
    }

    async fn revoke_signing_key(
        &self,
        request: Request<RevokeSigningKeyRequest>,
    ) -> Result<Response<RevokeSigningKeyResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once =
            idempotency::request::<_, RevokeSigningKeyResponse>("RevokeSigningKey", &request.request_id, &request)?;
        idempotency::respond(self.0.revoke_signing_key(&call, &request.kid, &once).await)
    }
}

impl ResponseOf<ListedKey> for RotateSigningKeyResponse {
    fn from_value(key: &ListedKey) -> Self {
        Self { key: Some(encode_key(key)) }
    }
}

impl ResponseOf<()> for RevokeSigningKeyResponse {
    fn from_value((): &()) -> Self {
        Self {}
    }
}

fn encode_key((key, state): &ListedKey) -> proto::SigningKey {
    let state = match state {
        SigningKeyState::Published => proto::SigningKeyState::Published,
        SigningKeyState::Active => proto::SigningKeyState::Active,
        SigningKeyState::Retiring => proto::SigningKeyState::Retiring,
        SigningKeyState::Retired => proto::SigningKeyState::Retired,
    };
    proto::SigningKey {
        kid: key.kid.clone(),
        algorithm: key.algorithm.name().to_owned(),
        state: state.into(),
        create_time: Some(encode::time(key.create_time)),
        activate_time: Some(encode::time(key.activate_time)),
        retire_time: key.retire_time.map(encode::time),
        jwk: key.public_jwk.clone(),
    }
}

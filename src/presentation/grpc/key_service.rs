//! `ipse.v1.KeyService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{encode, status};
use crate::application::keys::Keys;
use crate::domain::signing_key::{SigningKey, SigningKeyState};
use crate::proto;
use crate::proto::key_service_server::KeyService;
use crate::proto::{ListSigningKeysRequest, ListSigningKeysResponse};

/// Decodes calls of `KeyService` for their use cases.
pub(super) struct KeyRpc(pub(super) Arc<Keys>);

#[tonic::async_trait]
impl KeyService for KeyRpc {
    async fn list_signing_keys(
        &self,
        _request: Request<ListSigningKeysRequest>,
    ) -> Result<Response<ListSigningKeysResponse>, Status> {
        let keys = self.0.list_signing_keys().await.map_err(status::of)?;
        let keys = keys.into_iter().map(|(key, state)| encode_key(key, state)).collect();
        Ok(Response::new(ListSigningKeysResponse { keys }))
    }
}

fn encode_key(key: SigningKey, state: SigningKeyState) -> proto::SigningKey {
    let state = match state {
        SigningKeyState::Published => proto::SigningKeyState::Published,
        SigningKeyState::Active => proto::SigningKeyState::Active,
        SigningKeyState::Retiring => proto::SigningKeyState::Retiring,
        SigningKeyState::Retired => proto::SigningKeyState::Retired,
    };
    proto::SigningKey {
        kid: key.kid,
        algorithm: key.algorithm.name().to_owned(),
        state: state.into(),
        create_time: Some(encode::time(key.create_time)),
        activate_time: Some(encode::time(key.activate_time)),
        retire_time: key.retire_time.map(encode::time),
        jwk: key.public_jwk,
    }
}

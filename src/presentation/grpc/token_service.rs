//! `ipse.v1.TokenService`.

use std::sync::Arc;

use futures_util::stream::BoxStream;
use tonic::{Request, Response, Status};

use super::{caller, encode, status};
use crate::application::service_accounts::{ExchangeApiKey, ServiceAccounts};
use crate::domain::secret::Secret;
use crate::proto::token_service_server::TokenService;
use crate::proto::*;

/// Decodes calls of `TokenService` for their use cases.
pub(super) struct TokenRpc {
    pub(super) service_accounts: Arc<ServiceAccounts>,
}

#[tonic::async_trait]
impl TokenService for TokenRpc {
    async fn introspect_token(
        &self,
        _request: Request<IntrospectTokenRequest>,
    ) -> Result<Response<IntrospectTokenResponse>, Status> {
        Err(status::method_unknown())
    }

    async fn revoke_token(
        &self,
        _request: Request<RevokeTokenRequest>,
    ) -> Result<Response<RevokeTokenResponse>, Status> {
        Err(status::method_unknown())
    }

    type WatchRevocationsStream = BoxStream<'static, Result<WatchRevocationsResponse, Status>>;

    async fn watch_revocations(
        &self,
        _request: Request<WatchRevocationsRequest>,
    ) -> Result<Response<Self::WatchRevocationsStream>, Status> {
        Err(status::method_unknown())
    }

    async fn exchange_api_key(
        &self,
        request: Request<ExchangeApiKeyRequest>,
    ) -> Result<Response<ExchangeApiKeyResponse>, Status> {
        let origin = caller::origin(&request)?;
        let ExchangeApiKeyRequest { api_key, audience, scopes } = request.into_inner();
        let command = ExchangeApiKey { api_key: Secret::new(api_key), audience, scopes };
        let token = self.service_accounts.exchange_api_key(&command, &origin).await.map_err(status::of)?;
        Ok(Response::new(ExchangeApiKeyResponse {
            access_token: token.access_token.expose().to_owned(),
            expire_time: Some(encode::time(token.expire_time)),
        }))
    }
}

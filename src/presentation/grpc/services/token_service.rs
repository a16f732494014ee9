//! `ipse.v1.TokenService`, except for `WatchRevocations`.

use std::sync::Arc;

use futures_util::stream;
use tonic::{Request, Response, Status};

use crate::application::service_accounts::{ExchangeApiKey, ExchangedToken, ServiceAccounts};
use crate::application::tokens::{ActiveToken, IntrospectToken, Tokens};
use crate::domain::access::permission::Pattern;
use crate::domain::access::subject::{Principal, Subject};
use crate::domain::secret::Secret;
use crate::presentation::grpc::idempotency::{self, ResponseOf, empty_responses};
use crate::presentation::grpc::{call, encode, status};
use crate::proto::token_service_server::TokenService;
use crate::proto::{
    ExchangeApiKeyRequest, ExchangeApiKeyResponse, IntrospectTokenRequest, IntrospectTokenResponse, RevokeTokenRequest,
    RevokeTokenResponse, SubjectKind, WatchRevocationsRequest, WatchRevocationsResponse,
};

/// Decodes requests of `TokenService` for their use cases.
pub(in crate::presentation::grpc) struct TokenRpc {
    pub(in crate::presentation::grpc) tokens: Arc<Tokens>,
    pub(in crate::presentation::grpc) service_accounts: Arc<ServiceAccounts>,
}

#[tonic::async_trait]
impl TokenService for TokenRpc {
    async fn introspect_token(
        &self,
        request: Request<IntrospectTokenRequest>,
    ) -> Result<Response<IntrospectTokenResponse>, Status> {
        let (call, IntrospectTokenRequest { token, audience }) = call::split(request)?;
        let command = IntrospectToken { token: Secret::new(token), audience };
        let found = self.tokens.introspect_token(&call, command).await.map_err(status::from_error)?;
        Ok(Response::new(found.as_ref().map(encode_active).unwrap_or_default()))
    }

    async fn revoke_token(
        &self,
        request: Request<RevokeTokenRequest>,
    ) -> Result<Response<RevokeTokenResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, RevokeTokenResponse>("RevokeToken", &request.request_id, &request)?;
        idempotency::respond(self.tokens.revoke_token(&call, &Secret::new(request.token), &once).await)
    }

    type WatchRevocationsStream = stream::Empty<Result<WatchRevocationsResponse, Status>>;

    /// Never called: `TokenRoutes` answers this path.
    async fn watch_revocations(
        &self,
        _: Request<WatchRevocationsRequest>,
    ) -> Result<Response<Self::WatchRevocationsStream>, Status> {
        Err(Status::unimplemented("WatchRevocations has a service of its own"))
    }

    async fn exchange_api_key(
        &self,
        request: Request<ExchangeApiKeyRequest>,
    ) -> Result<Response<ExchangeApiKeyResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, ExchangeApiKeyResponse>("ExchangeApiKey", &request.request_id, &request)?;
        let ExchangeApiKeyRequest { api_key, audience, scopes, .. } = request;
        let command = ExchangeApiKey { api_key: Secret::new(api_key), audience, scopes };
        idempotency::respond(self.service_accounts.exchange_api_key(&call, &command, &once).await)
    }
}

empty_responses! {
    RevokeTokenResponse
}

impl ResponseOf<ExchangedToken> for ExchangeApiKeyResponse {
    fn from_value(token: &ExchangedToken) -> Self {
        Self {
            access_token: token.access_token.expose().to_owned(),
            expire_time: Some(encode::time(token.expire_time)),
        }
    }
}

fn encode_active(active: &ActiveToken) -> IntrospectTokenResponse {
    let claims = &active.token.claims;
    let kind = match claims.principal.subject() {
        Subject::User(_) => SubjectKind::User,
        Subject::Service(_) => SubjectKind::Service,
    };
    let authentication = match &claims.principal {
        Principal::Person { authentication, .. } => Some(authentication),
        Principal::Service { .. } => None,
    };
    let scopes = active.token.scope().map(|scope| scope.patterns().map(Pattern::as_str).map(str::to_owned).collect());
    IntrospectTokenResponse {
        active: true,
        subject: claims.principal.subject().to_string(),
        kind: kind.into(),
        session_id: claims.principal.sid().hyphenated().to_string(),
        scopes: scopes.unwrap_or_default(),
        roles: active.held.as_ref().map(|held| held.role_names.clone()).unwrap_or_default(),
        acr: authentication.map(|authentication| authentication.level.as_str().to_owned()).unwrap_or_default(),
        amr: authentication.map(|authentication| authentication.methods.clone()).unwrap_or_default(),
        auth_time: authentication.map(|authentication| encode::time(authentication.time)),
        issue_time: Some(encode::time(claims.issue_time)),
        expire_time: Some(encode::time(claims.expire_time)),
    }
}

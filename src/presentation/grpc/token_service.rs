//! `ipse.v1.TokenService`.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use tonic::{Request, Response, Status};

use super::{caller, encode, status};
use crate::application::service_accounts::{ExchangeApiKey, ServiceAccounts};
use crate::application::tokens::{ActiveToken, IntrospectToken, RevocationNews, RevocationWatch, Tokens};
use crate::domain::access_change::AccessChange;
use crate::domain::permission::Pattern;
use crate::domain::secret::Secret;
use crate::domain::subject::{Principal, Subject};
use crate::proto::token_service_server::TokenService;
use crate::proto::watch_revocations_response::Revoked;
use crate::proto::{
    ExchangeApiKeyRequest, ExchangeApiKeyResponse, IntrospectTokenRequest, IntrospectTokenResponse, RevokeTokenRequest,
    RevokeTokenResponse, SubjectKind, WatchRevocationsRequest, WatchRevocationsResponse,
};

/// Decodes calls of `TokenService` for their use cases.
pub(super) struct TokenRpc {
    pub(super) tokens: Arc<Tokens>,
    pub(super) service_accounts: Arc<ServiceAccounts>,
}

#[tonic::async_trait]
impl TokenService for TokenRpc {
    async fn introspect_token(
        &self,
        request: Request<IntrospectTokenRequest>,
    ) -> Result<Response<IntrospectTokenResponse>, Status> {
        let IntrospectTokenRequest { token, audience } = request.into_inner();
        let command = IntrospectToken { token: Secret::new(token), audience };
        let found = self.tokens.introspect_token(command).await.map_err(status::of)?;
        Ok(Response::new(found.as_ref().map(encode_active).unwrap_or_default()))
    }

    async fn revoke_token(
        &self,
        request: Request<RevokeTokenRequest>,
    ) -> Result<Response<RevokeTokenResponse>, Status> {
        let origin = caller::origin(&request)?;
        let token = Secret::new(request.into_inner().token);
        self.tokens.revoke_token(&token, &origin).await.map_err(status::of)?;
        Ok(Response::new(RevokeTokenResponse {}))
    }

    type WatchRevocationsStream = Pin<Box<dyn Stream<Item = Result<WatchRevocationsResponse, Status>> + Send>>;

    async fn watch_revocations(
        &self,
        request: Request<WatchRevocationsRequest>,
    ) -> Result<Response<Self::WatchRevocationsStream>, Status> {
        let (caller, access) = (caller::of(&request)?, caller::access(&request)?);
        let resume_token = &request.get_ref().resume_token;
        let watch = self.tokens.watch_revocations(caller, access, resume_token).await.map_err(status::of)?;
        Ok(Response::new(stream_of(watch).boxed()))
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
        acr: authentication.map(|authentication| authentication.level.clone()).unwrap_or_default(),
        amr: authentication.map(|authentication| authentication.methods.clone()).unwrap_or_default(),
        auth_time: authentication.map(|authentication| encode::time(authentication.time)),
        issue_time: Some(encode::time(claims.issue_time)),
        expire_time: Some(encode::time(claims.expire_time)),
    }
}

/// What a watch yields. It is asked for more only when the transport has room for it.
fn stream_of(watch: RevocationWatch) -> impl Stream<Item = Result<WatchRevocationsResponse, Status>> + Send {
    let pages = stream::try_unfold(watch, |mut watch| async move {
        let news = watch.next().await.map_err(status::of)?;
        Ok::<_, Status>(Some((stream::iter(news.into_iter().map(Ok)), watch)))
    });
    pages.try_flatten().map_ok(encode_news)
}

fn encode_news(RevocationNews { resume_token, revocation }: RevocationNews) -> WatchRevocationsResponse {
    let Some(revocation) = revocation else {
        return WatchRevocationsResponse { resume_token, ..WatchRevocationsResponse::default() };
    };
    let (revoked, revoked_before) = match revocation.change {
        AccessChange::Session(sid) => (Some(Revoked::SessionId(sid.hyphenated().to_string())), None),
        AccessChange::Subject { id, revoked_before } => {
            (Some(Revoked::Subject(id.hyphenated().to_string())), Some(encode::time(revoked_before)))
        }
        AccessChange::Token(id) => (Some(Revoked::TokenId(id.to_string())), None),
        AccessChange::Key(kid) => (Some(Revoked::KeyId(kid)), None),
        // Never in the feed's log; as a sign of life it does no harm.
        AccessChange::KeySet | AccessChange::Rights => (None, None),
    };
    WatchRevocationsResponse {
        resume_token,
        revoked,
        revoked_before,
        forget_after: Some(encode::time(revocation.forget_after)),
    }
}

//! `ipse.v1.AccountService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{caller, encode, status};
use crate::application::accounts::{Accounts, ChangePassword};
use crate::application::page::PageRequest;
use crate::proto::account_service_server::AccountService;
use crate::proto::{
    ChangePasswordRequest, ChangePasswordResponse, GetMeRequest, GetMeResponse, ListMySessionsRequest,
    ListMySessionsResponse, RevokeMyOtherSessionsRequest, RevokeMyOtherSessionsResponse, RevokeMySessionRequest,
    RevokeMySessionResponse,
};

/// Decodes calls of `AccountService` for their use cases.
pub(super) struct AccountRpc(pub(super) Arc<Accounts>);

#[tonic::async_trait]
impl AccountService for AccountRpc {
    async fn get_me(&self, request: Request<GetMeRequest>) -> Result<Response<GetMeResponse>, Status> {
        let caller = caller::of(&request)?;
        let me = self.0.get_me(&caller).await.map_err(status::of)?;
        Ok(Response::new(GetMeResponse {
            user: Some(encode::user(&me.user)),
            roles: vec![],
            permissions: vec![],
            session: Some(encode::session(&me.session, caller.session_id)),
        }))
    }

    async fn change_password(
        &self,
        request: Request<ChangePasswordRequest>,
    ) -> Result<Response<ChangePasswordResponse>, Status> {
        let (caller, client) = (caller::of(&request)?, caller::client(&request)?);
        let ChangePasswordRequest { current_password, new_password } = request.into_inner();
        let command = ChangePassword { current_password, new_password };
        self.0.change_password(&caller, command, &client).await.map_err(status::of)?;
        Ok(Response::new(ChangePasswordResponse {}))
    }

    async fn list_my_sessions(
        &self,
        request: Request<ListMySessionsRequest>,
    ) -> Result<Response<ListMySessionsResponse>, Status> {
        let caller = caller::of(&request)?;
        let ListMySessionsRequest { page_size, page_token } = request.into_inner();
        let page = PageRequest { size: page_size, token: page_token };
        let found = self.0.list_my_sessions(&caller, &page).await.map_err(status::of)?;
        let sessions = found.sessions.iter().map(|session| encode::session(session, caller.session_id)).collect();
        Ok(Response::new(ListMySessionsResponse { sessions, next_page_token: found.next_page_token }))
    }

    async fn revoke_my_session(
        &self,
        request: Request<RevokeMySessionRequest>,
    ) -> Result<Response<RevokeMySessionResponse>, Status> {
        let caller = caller::of(&request)?;
        self.0.revoke_my_session(&caller, &request.get_ref().session_id).await.map_err(status::of)?;
        Ok(Response::new(RevokeMySessionResponse {}))
    }

    async fn revoke_my_other_sessions(
        &self,
        request: Request<RevokeMyOtherSessionsRequest>,
    ) -> Result<Response<RevokeMyOtherSessionsResponse>, Status> {
        let caller = caller::of(&request)?;
        let count = self.0.revoke_my_other_sessions(&caller).await.map_err(status::of)?;
        let revoked_count = i32::try_from(count).unwrap_or(i32::MAX);
        Ok(Response::new(RevokeMyOtherSessionsResponse { revoked_count }))
    }
}

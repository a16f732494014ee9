//! `ipse.v1.AccountService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::personal_data;
use crate::application::accounts::{Accounts, ChangePassword, UpdateMe};
use crate::application::page::PageRequest;
use crate::domain::account::user::User;
use crate::domain::secret::Secret;
use crate::presentation::grpc::idempotency::{self, ResponseOf, empty_responses};
use crate::presentation::grpc::mask::Fields;
use crate::presentation::grpc::streams::producer::{self, Responses};
use crate::presentation::grpc::{call, encode, status, user_fields};
use crate::proto::account_service_server::AccountService;
use crate::proto::{
    ChangeEmailRequest, ChangeEmailResponse, ChangePasswordRequest, ChangePasswordResponse, ConfirmEmailChangeRequest,
    ConfirmEmailChangeResponse, DeleteMeRequest, DeleteMeResponse, ExportMyDataRequest, ExportMyDataResponse,
    GetMeRequest, GetMeResponse, ListMySessionsRequest, ListMySessionsResponse, RevokeMyOtherSessionsRequest,
    RevokeMyOtherSessionsResponse, RevokeMySessionRequest, RevokeMySessionResponse, UpdateMeRequest, UpdateMeResponse,
};

/// Decodes requests of `AccountService` for their use cases.
pub(in crate::presentation::grpc) struct AccountRpc(pub(in crate::presentation::grpc) Arc<Accounts>);

#[tonic::async_trait]
impl AccountService for AccountRpc {
    async fn get_me(&self, request: Request<GetMeRequest>) -> Result<Response<GetMeResponse>, Status> {
        let call = call::of_person(&request)?;
        let me = self.0.get_me(&call).await.map_err(status::from_error)?;
        let current = call.person().map_err(status::from_error)?.session_id;
        Ok(Response::new(GetMeResponse {
            user: Some(encode::user(&me.user)),
            roles: me.roles.iter().map(|role| role.name.as_str().to_owned()).collect(),
            permissions: me.permissions.into_iter().collect(),
            session: Some(encode::session(&me.session, current, call.now)),
        }))
    }

    async fn change_password(
        &self,
        request: Request<ChangePasswordRequest>,
    ) -> Result<Response<ChangePasswordResponse>, Status> {
        let (call, request) = call::split_of_person(request)?;
        let once = idempotency::request::<_, ChangePasswordResponse>("ChangePassword", &request.request_id, &request)?;
        let command = ChangePassword {
            current_password: Secret::new(request.current_password),
            new_password: Secret::new(request.new_password),
        };
        idempotency::respond(self.0.change_password(&call, command, &once).await)
    }

    async fn update_me(&self, request: Request<UpdateMeRequest>) -> Result<Response<UpdateMeResponse>, Status> {
        let (call, request) = call::split_of_person(request)?;
        let once = idempotency::request::<_, UpdateMeResponse>("UpdateMe", &request.request_id, &request)?;
        let command = decode_update(request)?;
        idempotency::respond_at(user_fields::path, self.0.update_me(&call, command, &once).await)
    }

    async fn change_email(
        &self,
        request: Request<ChangeEmailRequest>,
    ) -> Result<Response<ChangeEmailResponse>, Status> {
        let (call, request) = call::split_of_person(request)?;
        let once = idempotency::request::<_, ChangeEmailResponse>("ChangeEmail", &request.request_id, &request)?;
        idempotency::respond(self.0.change_email(&call, &request.new_email, &once).await)
    }

    async fn confirm_email_change(
        &self,
        request: Request<ConfirmEmailChangeRequest>,
    ) -> Result<Response<ConfirmEmailChangeResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once =
            idempotency::request::<_, ConfirmEmailChangeResponse>("ConfirmEmailChange", &request.request_id, &request)?;
        let token = Secret::new(request.token);
        // The address is not in the request: it was mailed with the token.
        let path = |_: &str| "token".to_owned();
        idempotency::respond_at(path, self.0.confirm_email_change(&call, &token, &once).await)
    }

    async fn delete_me(&self, request: Request<DeleteMeRequest>) -> Result<Response<DeleteMeResponse>, Status> {
        let (call, request) = call::split_of_person(request)?;
        let once = idempotency::request::<_, DeleteMeResponse>("DeleteMe", &request.request_id, &request)?;
        idempotency::respond(self.0.delete_me(&call, &Secret::new(request.password), &once).await)
    }

    type ExportMyDataStream = Responses<ExportMyDataResponse>;

    async fn export_my_data(
        &self,
        request: Request<ExportMyDataRequest>,
    ) -> Result<Response<Self::ExportMyDataStream>, Status> {
        let call = call::of_person(&request)?;
        let current = call.person().map_err(status::from_error)?.session_id;
        let asked = (current, call.now);
        let export = self.0.export_my_data(call).await.map_err(status::from_error)?;
        Ok(Response::new(personal_data::stream_of(producer::place(&request)?, export, asked)))
    }

    async fn list_my_sessions(
        &self,
        request: Request<ListMySessionsRequest>,
    ) -> Result<Response<ListMySessionsResponse>, Status> {
        let call = call::of_person(&request)?;
        let ListMySessionsRequest { page_size, page_token } = request.into_inner();
        let page = PageRequest { size: page_size, token: page_token };
        let current = call.person().map_err(status::from_error)?.session_id;
        let found = self.0.list_my_sessions(&call, &page).await.map_err(status::from_error)?;
        let sessions = found.items.iter().map(|session| encode::session(session, current, call.now)).collect();
        Ok(Response::new(ListMySessionsResponse { sessions, next_page_token: found.next_page_token }))
    }

    async fn revoke_my_session(
        &self,
        request: Request<RevokeMySessionRequest>,
    ) -> Result<Response<RevokeMySessionResponse>, Status> {
        let (call, request) = call::split_of_person(request)?;
        let once =
            idempotency::request::<_, RevokeMySessionResponse>("RevokeMySession", &request.request_id, &request)?;
        idempotency::respond(self.0.revoke_my_session(&call, &request.session_id, &once).await)
    }

    async fn revoke_my_other_sessions(
        &self,
        request: Request<RevokeMyOtherSessionsRequest>,
    ) -> Result<Response<RevokeMyOtherSessionsResponse>, Status> {
        let (call, request) = call::split_of_person(request)?;
        let id = &request.request_id;
        let once = idempotency::request::<_, RevokeMyOtherSessionsResponse>("RevokeMyOtherSessions", id, &request)?;
        idempotency::respond(self.0.revoke_my_other_sessions(&call, &once).await)
    }
}

empty_responses! {
    ChangePasswordResponse
    ChangeEmailResponse
    ConfirmEmailChangeResponse
    DeleteMeResponse
    RevokeMySessionResponse
}

impl ResponseOf<User> for UpdateMeResponse {
    fn from_value(user: &User) -> Self {
        Self { user: Some(encode::user(user)) }
    }
}

impl ResponseOf<usize> for RevokeMyOtherSessionsResponse {
    fn from_value(count: &usize) -> Self {
        Self { revoked_count: i32::try_from(*count).unwrap_or(i32::MAX) }
    }
}

/// What a person may change of the own account.
const OWN_FIELDS: Fields = Fields {
    writable: &["display_name", "username", "locale", "attributes"],
    output_only: &["id", "create_time", "update_time", "last_login_time", "delete_time", "purge_time", "etag"],
    restricted: (
        &["email", "email_verified", "state", "state_reason", "mfa_enabled", "password_change_required"],
        "users.write",
    ),
    elsewhere: &[],
};

fn decode_update(request: UpdateMeRequest) -> Result<UpdateMe, Status> {
    let user = request.user.ok_or_else(|| status::violation("user", "is required"))?;
    let mask = OWN_FIELDS.read(request.update_mask, &user_fields::populated(&user, OWN_FIELDS.writable))?;
    let etag = user.etag.clone();
    Ok(UpdateMe { profile: user_fields::profile(user, &mask)?, etag })
}

//! `ipse.v1.UserService`.

use std::sync::Arc;

use tonic::{Request, Response, Status, Streaming};

use super::user_transfer;
use crate::application::factors::{Factors, ResetFactors};
use crate::application::page::PageRequest;
use crate::application::transfer::UserTransfer;
use crate::application::users::{CreateUser, ListUsers, Lookup, StateChange, UpdateUser, UserVersion, Users};
use crate::domain::Timestamp;
use crate::domain::account::user::User;
use crate::domain::secret::Secret;
use crate::presentation::grpc::idempotency::{self, ResponseOf};
use crate::presentation::grpc::mask::Fields;
use crate::presentation::grpc::streams::producer::Responses;
use crate::presentation::grpc::{call, encode, status, user_fields};
use crate::proto::lookup_user_request::Name;
use crate::proto::user_service_server::UserService;
use crate::proto::{
    ActivateUserRequest, ActivateUserResponse, BatchGetUsersRequest, BatchGetUsersResponse, CreateUserRequest,
    CreateUserResponse, DeleteUserRequest, DeleteUserResponse, ExportUsersRequest, ExportUsersResponse, GetUserRequest,
    GetUserResponse, ImportUsersRequest, ImportUsersResponse, ListUserFactorsRequest, ListUserFactorsResponse,
    ListUserSessionsRequest, ListUserSessionsResponse, ListUsersRequest, ListUsersResponse, LookupUserRequest,
    LookupUserResponse, PurgeUserRequest, PurgeUserResponse, RequirePasswordChangeRequest,
    RequirePasswordChangeResponse, ResetUserFactorsRequest, ResetUserFactorsResponse, RevokeUserSessionsRequest,
    RevokeUserSessionsResponse, SuspendUserRequest, SuspendUserResponse, UndeleteUserRequest, UndeleteUserResponse,
    UpdateUserRequest, UpdateUserResponse,
};

/// Decodes requests of `UserService` for their use cases.
pub(in crate::presentation::grpc) struct UserRpc {
    pub(in crate::presentation::grpc) users: Arc<Users>,
    pub(in crate::presentation::grpc) transfer: Arc<UserTransfer>,
    pub(in crate::presentation::grpc) factors: Arc<Factors>,
}

#[tonic::async_trait]
impl UserService for UserRpc {
    async fn create_user(&self, request: Request<CreateUserRequest>) -> Result<Response<CreateUserResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, CreateUserResponse>("CreateUser", &request.request_id, &request)?;
        let command = decode_create(request)?;
        idempotency::respond_at(user_fields::path, self.users.create_user(&call, command, &once).await)
    }

    async fn get_user(&self, request: Request<GetUserRequest>) -> Result<Response<GetUserResponse>, Status> {
        let user = self.users.get_user(&request.get_ref().id).await.map_err(status::from_error)?;
        Ok(Response::new(GetUserResponse { user: Some(encode::user(&user)) }))
    }

    async fn lookup_user(&self, request: Request<LookupUserRequest>) -> Result<Response<LookupUserResponse>, Status> {
        let name = request.into_inner().name.map(|name| match name {
            Name::Email(text) => Lookup::Email(text),
            Name::Username(text) => Lookup::Username(text),
        });
        let user = self.users.lookup_user(name).await.map_err(status::from_error)?;
        Ok(Response::new(LookupUserResponse { user: Some(encode::user(&user)) }))
    }

    async fn batch_get_users(
        &self,
        request: Request<BatchGetUsersRequest>,
    ) -> Result<Response<BatchGetUsersResponse>, Status> {
        let found = self.users.batch_get_users(&request.get_ref().ids).await.map_err(status::from_error)?;
        Ok(Response::new(BatchGetUsersResponse {
            users: found.users.iter().map(encode::user).collect(),
            missing_ids: found.missing.iter().map(ToString::to_string).collect(),
        }))
    }

    async fn list_users(&self, request: Request<ListUsersRequest>) -> Result<Response<ListUsersResponse>, Status> {
        let ListUsersRequest { page_size, page_token, filter, order_by, show_deleted } = request.into_inner();
        let page = PageRequest { size: page_size, token: page_token };
        let found = self
            .users
            .list_users(&ListUsers { page, filter, order_by, show_deleted })
            .await
            .map_err(status::from_error)?;
        let users = found.items.iter().map(encode::user).collect();
        Ok(Response::new(ListUsersResponse { users, next_page_token: found.next_page_token }))
    }

    async fn update_user(&self, request: Request<UpdateUserRequest>) -> Result<Response<UpdateUserResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, UpdateUserResponse>("UpdateUser", &request.request_id, &request)?;
        let command = decode_update(request)?;
        idempotency::respond_at(user_fields::path, self.users.update_user(&call, command, &once).await)
    }

    async fn suspend_user(
        &self,
        request: Request<SuspendUserRequest>,
    ) -> Result<Response<SuspendUserResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, SuspendUserResponse>("SuspendUser", &request.request_id, &request)?;
        let command = StateChange { id: request.id, reason: request.reason };
        idempotency::respond(self.users.suspend_user(&call, command, &once).await)
    }

    async fn activate_user(
        &self,
        request: Request<ActivateUserRequest>,
    ) -> Result<Response<ActivateUserResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, ActivateUserResponse>("ActivateUser", &request.request_id, &request)?;
        let command = StateChange { id: request.id, reason: request.reason };
        idempotency::respond(self.users.activate_user(&call, command, &once).await)
    }

    async fn delete_user(&self, request: Request<DeleteUserRequest>) -> Result<Response<DeleteUserResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, DeleteUserResponse>("DeleteUser", &request.request_id, &request)?;
        let command = UserVersion { id: request.id, etag: request.etag };
        idempotency::respond(self.users.delete_user(&call, command, &once).await)
    }

    async fn undelete_user(
        &self,
        request: Request<UndeleteUserRequest>,
    ) -> Result<Response<UndeleteUserResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, UndeleteUserResponse>("UndeleteUser", &request.request_id, &request)?;
        let command = UserVersion { id: request.id, etag: request.etag };
        idempotency::respond(self.users.undelete_user(&call, command, &once).await)
    }

    async fn purge_user(&self, request: Request<PurgeUserRequest>) -> Result<Response<PurgeUserResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, PurgeUserResponse>("PurgeUser", &request.request_id, &request)?;
        idempotency::respond(self.users.purge_user(&call, &request.id, &once).await)
    }

    async fn require_password_change(
        &self,
        request: Request<RequirePasswordChangeRequest>,
    ) -> Result<Response<RequirePasswordChangeResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, RequirePasswordChangeResponse>(
            "RequirePasswordChange",
            &request.request_id,
            &request,
        )?;
        idempotency::respond(self.users.require_password_change(&call, &request.id, &once).await)
    }

    async fn list_user_sessions(
        &self,
        request: Request<ListUserSessionsRequest>,
    ) -> Result<Response<ListUserSessionsResponse>, Status> {
        let (call, request) = call::split(request)?;
        let page = PageRequest { size: request.page_size, token: request.page_token };
        let current = call.caller().map_err(status::from_error)?.session_id();
        let found = self.users.list_user_sessions(&call, &request.id, &page).await.map_err(status::from_error)?;
        let sessions = found.items.iter().map(|session| encode::session(session, current, call.now)).collect();
        Ok(Response::new(ListUserSessionsResponse { sessions, next_page_token: found.next_page_token }))
    }

    async fn revoke_user_sessions(
        &self,
        request: Request<RevokeUserSessionsRequest>,
    ) -> Result<Response<RevokeUserSessionsResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once =
            idempotency::request::<_, RevokeUserSessionsResponse>("RevokeUserSessions", &request.request_id, &request)?;
        idempotency::respond(self.users.revoke_user_sessions(&call, &request.id, &once).await)
    }

    async fn list_user_factors(
        &self,
        request: Request<ListUserFactorsRequest>,
    ) -> Result<Response<ListUserFactorsResponse>, Status> {
        let (call, request) = call::split(request)?;
        let found = self.factors.list_user_factors(&call, &request.id).await.map_err(status::from_error)?;
        Ok(Response::new(ListUserFactorsResponse { factors: encode::factors(&found) }))
    }

    async fn reset_user_factors(
        &self,
        request: Request<ResetUserFactorsRequest>,
    ) -> Result<Response<ResetUserFactorsResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once =
            idempotency::request::<_, ResetUserFactorsResponse>("ResetUserFactors", &request.request_id, &request)?;
        let ResetUserFactorsRequest { id, reason, .. } = request;
        idempotency::respond(self.factors.reset_user_factors(&call, ResetFactors { id, reason }, &once).await)
    }

    type ImportUsersStream = Responses<ImportUsersResponse>;

    async fn import_users(
        &self,
        request: Request<Streaming<ImportUsersRequest>>,
    ) -> Result<Response<Self::ImportUsersStream>, Status> {
        user_transfer::import(self.transfer.clone(), request)
    }

    type ExportUsersStream = Responses<ExportUsersResponse>;

    async fn export_users(
        &self,
        request: Request<ExportUsersRequest>,
    ) -> Result<Response<Self::ExportUsersStream>, Status> {
        user_transfer::export(self.transfer.clone(), request).await
    }
}

/// What an operator may change of an account.
const FIELDS: Fields = Fields {
    writable: &["display_name", "username", "locale", "attributes", "email", "email_verified"],
    output_only: &[
        "id",
        "mfa_enabled",
        "create_time",
        "update_time",
        "last_login_time",
        "delete_time",
        "purge_time",
        "etag",
    ],
    restricted: (&[], ""),
    elsewhere: &[
        ("state", "SuspendUser, ActivateUser, DeleteUser and UndeleteUser"),
        ("state_reason", "SuspendUser and ActivateUser"),
        ("password_change_required", "RequirePasswordChange and a reset"),
    ],
};

fn decode_create(request: CreateUserRequest) -> Result<CreateUser, Status> {
    let CreateUserRequest { user, password, request_id: _ } = request;
    let user = user.unwrap_or_default();
    Ok(CreateUser {
        email: user.email,
        email_verified: user.email_verified,
        username: user.username,
        display_name: user.display_name,
        locale: user.locale,
        attributes: user_fields::attributes(user.attributes)?,
        password: Secret::new(password),
    })
}

fn decode_update(request: UpdateUserRequest) -> Result<UpdateUser, Status> {
    let user = request.user.unwrap_or_default();
    let mask = FIELDS.read(request.update_mask, &user_fields::populated(&user, FIELDS.writable))?;
    Ok(UpdateUser {
        id: user.id.clone(),
        email: mask.pick("email", user.email.clone()),
        email_verified: mask.pick("email_verified", user.email_verified),
        etag: user.etag.clone(),
        profile: user_fields::profile(user, &mask)?,
    })
}

/// Responses that hold the account alone.
macro_rules! hold_the_user {
    ($($response:ident)*) => {
        $(impl ResponseOf<User> for $response {
            fn from_value(user: &User) -> Self {
                Self { user: Some(encode::user(user)) }
            }
        })*
    };
}

hold_the_user! {
    CreateUserResponse UpdateUserResponse SuspendUserResponse ActivateUserResponse DeleteUserResponse
    UndeleteUserResponse RequirePasswordChangeResponse
}

impl ResponseOf<()> for PurgeUserResponse {
    fn from_value((): &()) -> Self {
        Self {}
    }
}

impl ResponseOf<usize> for RevokeUserSessionsResponse {
    fn from_value(count: &usize) -> Self {
        Self { revoked_count: i32::try_from(*count).unwrap_or(i32::MAX) }
    }
}

impl ResponseOf<Option<Timestamp>> for ResetUserFactorsResponse {
    fn from_value(time: &Option<Timestamp>) -> Self {
        Self { reset_time: time.map(encode::time) }
    }
}

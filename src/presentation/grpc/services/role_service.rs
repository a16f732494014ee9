//! `ipse.v1.RoleService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::application::error::{Error, Violation};
use crate::application::page::PageRequest;
use crate::application::roles::{
    CheckPermission, CheckedSubject, CreateRole, DeleteRole, GrantRole, KnownPermission, ListGrants, NamedSubject,
    Roles, UpdateRole,
};
use crate::domain::access::role::Role;
use crate::domain::secret::Secret;
use crate::presentation::grpc::idempotency::{self, ResponseOf};
use crate::presentation::grpc::mask::Fields;
use crate::presentation::grpc::{call, encode, status};
use crate::proto;
use crate::proto::role_service_server::RoleService;
use crate::proto::{
    CheckPermissionRequest, CheckPermissionResponse, CreateRoleRequest, CreateRoleResponse, DeleteRoleRequest,
    DeleteRoleResponse, GetRoleRequest, GetRoleResponse, GrantRoleRequest, GrantRoleResponse, ListGrantsRequest,
    ListGrantsResponse, ListPermissionsRequest, ListPermissionsResponse, ListRolesRequest, ListRolesResponse,
    PermissionCheck, RevokeRoleRequest, RevokeRoleResponse, UpdateRoleRequest, UpdateRoleResponse,
    check_permission_request, grant_role_request, list_grants_request, revoke_role_request,
};

/// Decodes requests of `RoleService` for their use cases.
pub(in crate::presentation::grpc) struct RoleRpc(pub(in crate::presentation::grpc) Arc<Roles>);

#[tonic::async_trait]
impl RoleService for RoleRpc {
    async fn create_role(&self, request: Request<CreateRoleRequest>) -> Result<Response<CreateRoleResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, CreateRoleResponse>("CreateRole", &request.request_id, &request)?;
        let role = request.role.ok_or_else(|| missing("role"))?;
        let proto::Role { name, description, permissions, mfa_required, .. } = role;
        let command = CreateRole { name, description, permissions, mfa_required };
        idempotency::respond_at(path, self.0.create_role(&call, command, &once).await)
    }

    async fn get_role(&self, request: Request<GetRoleRequest>) -> Result<Response<GetRoleResponse>, Status> {
        let role = self.0.get_role(&request.get_ref().id).await.map_err(status::from_error)?;
        Ok(Response::new(GetRoleResponse { role: Some(encode::role(&role)) }))
    }

    async fn list_roles(&self, request: Request<ListRolesRequest>) -> Result<Response<ListRolesResponse>, Status> {
        let ListRolesRequest { page_size, page_token } = request.into_inner();
        let page = PageRequest { size: page_size, token: page_token };
        let found = self.0.list_roles(&page).await.map_err(status::from_error)?;
        let roles = found.items.iter().map(encode::role).collect();
        Ok(Response::new(ListRolesResponse { roles, next_page_token: found.next_page_token }))
    }

    async fn update_role(&self, request: Request<UpdateRoleRequest>) -> Result<Response<UpdateRoleResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, UpdateRoleResponse>("UpdateRole", &request.request_id, &request)?;
        let command = decode_update(request)?;
        idempotency::respond_at(path, self.0.update_role(&call, command, &once).await)
    }

    async fn delete_role(&self, request: Request<DeleteRoleRequest>) -> Result<Response<DeleteRoleResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, DeleteRoleResponse>("DeleteRole", &request.request_id, &request)?;
        let command = DeleteRole { id: request.id, etag: request.etag, force: request.force };
        idempotency::respond(self.0.delete_role(&call, command, &once).await)
    }

    async fn grant_role(&self, request: Request<GrantRoleRequest>) -> Result<Response<GrantRoleResponse>, Status> {
        use grant_role_request::Subject as Sent;
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, GrantRoleResponse>("GrantRole", &request.request_id, &request)?;
        let subject = match request.subject {
            None => NamedSubject::Missing,
            Some(Sent::UserId(id)) => NamedSubject::User(id),
            Some(Sent::ServiceAccountId(id)) => NamedSubject::ServiceAccount(id),
        };
        let command = GrantRole { role_id: request.role_id, subject };
        idempotency::respond(self.0.grant_role(&call, command, &once).await)
    }

    async fn revoke_role(&self, request: Request<RevokeRoleRequest>) -> Result<Response<RevokeRoleResponse>, Status> {
        use revoke_role_request::Subject as Sent;
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, RevokeRoleResponse>("RevokeRole", &request.request_id, &request)?;
        let subject = match request.subject {
            None => NamedSubject::Missing,
            Some(Sent::UserId(id)) => NamedSubject::User(id),
            Some(Sent::ServiceAccountId(id)) => NamedSubject::ServiceAccount(id),
        };
        let command = GrantRole { role_id: request.role_id, subject };
        idempotency::respond(self.0.revoke_role(&call, command, &once).await)
    }

    async fn list_grants(&self, request: Request<ListGrantsRequest>) -> Result<Response<ListGrantsResponse>, Status> {
        use list_grants_request::Whose as Sent;
        let ListGrantsRequest { whose, page_size, page_token } = request.into_inner();
        let whose = match whose {
            None => ListGrants::Missing,
            Some(Sent::RoleId(id)) => ListGrants::Role(id),
            Some(Sent::UserId(id)) => ListGrants::Subject(NamedSubject::User(id)),
            Some(Sent::ServiceAccountId(id)) => ListGrants::Subject(NamedSubject::ServiceAccount(id)),
        };
        let page = PageRequest { size: page_size, token: page_token };
        let found = self.0.list_grants(whose, &page).await.map_err(status::from_error)?;
        let grants = found.items.iter().map(encode::role_grant).collect();
        Ok(Response::new(ListGrantsResponse { grants, next_page_token: found.next_page_token }))
    }

    async fn list_permissions(
        &self,
        request: Request<ListPermissionsRequest>,
    ) -> Result<Response<ListPermissionsResponse>, Status> {
        let ListPermissionsRequest { page_size, page_token } = request.into_inner();
        let page = PageRequest { size: page_size, token: page_token };
        let found = self.0.list_permissions(&page).await.map_err(status::from_error)?;
        let encode = |KnownPermission { name, rpcs }| proto::Permission { name, built_in: !rpcs.is_empty(), rpcs };
        let permissions = found.items.into_iter().map(encode).collect();
        Ok(Response::new(ListPermissionsResponse { permissions, next_page_token: found.next_page_token }))
    }

    async fn check_permission(
        &self,
        request: Request<CheckPermissionRequest>,
    ) -> Result<Response<CheckPermissionResponse>, Status> {
        use check_permission_request::Subject as Sent;
        let call = call::from_request(&request)?;
        let CheckPermissionRequest { subject, permissions } = request.into_inner();
        let subject = match subject {
            None => CheckedSubject::Caller,
            Some(Sent::UserId(id)) => CheckedSubject::Subject(NamedSubject::User(id)),
            Some(Sent::ServiceAccountId(id)) => CheckedSubject::Subject(NamedSubject::ServiceAccount(id)),
            Some(Sent::AccessToken(token)) => CheckedSubject::Bearer(Secret::new(token)),
        };
        let command = CheckPermission { subject, permissions };
        let checks = self.0.check_permission(&call, command).await.map_err(status::from_error)?;
        let encode =
            |(permission, allowed): (_, _)| PermissionCheck { permission: ToString::to_string(&permission), allowed };
        Ok(Response::new(CheckPermissionResponse { checks: checks.into_iter().map(encode).collect() }))
    }
}

/// What an operator may change of a role.
const ROLE_FIELDS: Fields = Fields {
    writable: &["name", "description", "permissions", "mfa_required"],
    output_only: &["id", "built_in", "etag", "create_time", "update_time"],
    restricted: (&[], ""),
    elsewhere: &[],
};

fn decode_update(request: UpdateRoleRequest) -> Result<UpdateRole, Status> {
    let role = request.role.ok_or_else(|| missing("role"))?;
    let populated: Vec<&'static str> = [
        ("name", !role.name.is_empty()),
        ("description", !role.description.is_empty()),
        ("permissions", !role.permissions.is_empty()),
        ("mfa_required", role.mfa_required),
    ]
    .into_iter()
    .filter_map(|(field, is_populated)| is_populated.then_some(field))
    .collect();
    let mask = ROLE_FIELDS.read(request.update_mask, &populated)?;
    Ok(UpdateRole {
        id: role.id,
        name: mask.pick("name", role.name),
        description: mask.pick("description", role.description),
        permissions: mask.pick("permissions", role.permissions),
        mfa_required: mask.pick("mfa_required", role.mfa_required),
        etag: role.etag,
    })
}

/// Where requests have a field of a role.
fn path(field: &str) -> String {
    if field == "request_id" { field.to_owned() } else { format!("role.{field}") }
}

fn missing(field: &'static str) -> Status {
    status::from_error(Error::Invalid(vec![Violation::form(field, "is required")]))
}

impl ResponseOf<Role> for CreateRoleResponse {
    fn from_value(role: &Role) -> Self {
        Self { role: Some(encode::role(role)) }
    }
}

impl ResponseOf<Role> for UpdateRoleResponse {
    fn from_value(role: &Role) -> Self {
        Self { role: Some(encode::role(role)) }
    }
}

impl ResponseOf<()> for DeleteRoleResponse {
    fn from_value((): &()) -> Self {
        Self {}
    }
}

impl ResponseOf<()> for GrantRoleResponse {
    fn from_value((): &()) -> Self {
        Self {}
    }
}

impl ResponseOf<()> for RevokeRoleResponse {
    fn from_value((): &()) -> Self {
        Self {}
    }
}

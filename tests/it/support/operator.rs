//! People who handle roles.

use ipse::proto::role_service_client::RoleServiceClient;
use ipse::proto::*;
use prost_types::FieldMask;
use tonic::Status;
use tonic::transport::Channel;

use super::person::Device;
use super::world::World;

/// What an operator does with roles.
pub(crate) struct Operator<'w>(pub(crate) Device<'w>);

impl<'w> Operator<'w> {
    /// An administrator.
    pub(crate) async fn root(world: &'w World) -> Self {
        Self(world.administrator().await)
    }

    /// The operator's own id.
    pub(crate) async fn id(&self) -> String {
        self.0.me().await.unwrap().user.unwrap().id
    }

    pub(crate) fn client(&self) -> RoleServiceClient<Channel> {
        RoleServiceClient::new(self.0.channel())
    }

    pub(crate) async fn create(&self, name: &str, permissions: &[&str]) -> Result<Role, Status> {
        self.create_as("", role(name, permissions)).await
    }

    pub(crate) async fn create_as(&self, request_id: &str, role: Role) -> Result<Role, Status> {
        let request = CreateRoleRequest { role: Some(role), request_id: request_id.to_owned() };
        Ok(self.client().create_role(self.0.request(request)).await?.into_inner().role.unwrap())
    }

    pub(crate) async fn get(&self, id: &str) -> Result<Role, Status> {
        let request = GetRoleRequest { id: id.to_owned() };
        Ok(self.client().get_role(self.0.request(request)).await?.into_inner().role.unwrap())
    }

    pub(crate) async fn update(&self, role: Role, paths: &[&str]) -> Result<Role, Status> {
        let paths = paths.iter().map(|&path| path.to_owned()).collect();
        let request =
            UpdateRoleRequest { role: Some(role), update_mask: Some(FieldMask { paths }), request_id: String::new() };
        Ok(self.client().update_role(self.0.request(request)).await?.into_inner().role.unwrap())
    }

    pub(crate) async fn delete(&self, id: &str, etag: &str) -> Result<(), Status> {
        self.delete_as(DeleteRoleRequest { id: id.to_owned(), etag: etag.to_owned(), ..Default::default() }).await
    }

    pub(crate) async fn delete_as(&self, request: DeleteRoleRequest) -> Result<(), Status> {
        self.client().delete_role(self.0.request(request)).await.map(|_| ())
    }

    pub(crate) async fn grant(&self, role_id: &str, user_id: &str) -> Result<(), Status> {
        self.grant_as("", role_id, user_id).await
    }

    pub(crate) async fn grant_as(&self, request_id: &str, role_id: &str, user_id: &str) -> Result<(), Status> {
        let request = GrantRoleRequest {
            role_id: role_id.to_owned(),
            subject: Some(grant_role_request::Subject::UserId(user_id.to_owned())),
            request_id: request_id.to_owned(),
        };
        self.client().grant_role(self.0.request(request)).await.map(|_| ())
    }

    pub(crate) async fn grant_to_service(&self, role_id: &str, account_id: &str) -> Result<(), Status> {
        let request = GrantRoleRequest {
            role_id: role_id.to_owned(),
            subject: Some(grant_role_request::Subject::ServiceAccountId(account_id.to_owned())),
            request_id: String::new(),
        };
        self.client().grant_role(self.0.request(request)).await.map(|_| ())
    }

    pub(crate) async fn revoke_from_service(&self, role_id: &str, account_id: &str) -> Result<(), Status> {
        let request = RevokeRoleRequest {
            role_id: role_id.to_owned(),
            subject: Some(revoke_role_request::Subject::ServiceAccountId(account_id.to_owned())),
            request_id: String::new(),
        };
        self.client().revoke_role(self.0.request(request)).await.map(|_| ())
    }

    pub(crate) async fn revoke(&self, role_id: &str, user_id: &str) -> Result<(), Status> {
        let request = RevokeRoleRequest {
            role_id: role_id.to_owned(),
            subject: Some(revoke_role_request::Subject::UserId(user_id.to_owned())),
            request_id: String::new(),
        };
        self.client().revoke_role(self.0.request(request)).await.map(|_| ())
    }

    pub(crate) async fn roles(&self, page_size: i32, page_token: &str) -> Result<(Vec<String>, String), Status> {
        let request = ListRolesRequest { page_size, page_token: page_token.to_owned() };
        let page = self.client().list_roles(self.0.request(request)).await?.into_inner();
        Ok((page.roles.into_iter().map(|role| role.name).collect(), page.next_page_token))
    }

    pub(crate) async fn check(&self, subject: Option<check_permission_request::Subject>, texts: &[&str]) -> Vec<bool> {
        let permissions = texts.iter().map(|&text| text.to_owned()).collect();
        let request = self.0.request(CheckPermissionRequest { subject, permissions });
        let checks = self.client().check_permission(request).await.unwrap().into_inner().checks;
        assert!(checks.iter().map(|check| check.permission.as_str()).eq(texts.iter().copied()));
        checks.into_iter().map(|check| check.allowed).collect()
    }
}

/// A role as a request says it.
pub(crate) fn role(name: &str, permissions: &[&str]) -> Role {
    let permissions = permissions.iter().map(|&text| text.to_owned()).collect();
    Role { name: name.to_owned(), permissions, ..Role::default() }
}

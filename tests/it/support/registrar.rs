//! People who handle the accounts of others, through the generated client of `UserService`.

use ipse::proto::lookup_user_request::Name;
use ipse::proto::user_service_client::UserServiceClient;
use ipse::proto::*;
use prost_types::FieldMask;
use tonic::Status;
use tonic::transport::Channel;

use super::person::{Device, Person};

/// What somebody does with the accounts of others.
#[derive(Clone, Debug)]
pub(crate) struct Registrar<'w>(pub(crate) Device<'w>);

impl Registrar<'_> {
    /// Makes an account; without a password, by invitation.
    pub(crate) async fn create(&self, user: User, password: &str) -> Result<User, Status> {
        let request = CreateUserRequest { user: Some(user), password: password.to_owned(), request_id: String::new() };
        self.create_as(request).await
    }

    pub(crate) async fn create_as(&self, request: CreateUserRequest) -> Result<User, Status> {
        Ok(user(self.client().create_user(self.0.request(request)).await?.into_inner().user))
    }

    pub(crate) async fn get(&self, id: &str) -> Result<User, Status> {
        let request = GetUserRequest { id: id.to_owned() };
        Ok(user(self.client().get_user(self.0.request(request)).await?.into_inner().user))
    }

    /// The account of somebody with an address of the usual form.
    pub(crate) async fn look_up(&self, person: &Person<'_>) -> User {
        self.look_up_by(Some(Name::Email(person.email.clone()))).await.unwrap()
    }

    pub(crate) async fn look_up_by(&self, name: Option<Name>) -> Result<User, Status> {
        let request = LookupUserRequest { name };
        Ok(user(self.client().lookup_user(self.0.request(request)).await?.into_inner().user))
    }

    pub(crate) async fn batch_get(&self, ids: &[&str]) -> Result<BatchGetUsersResponse, Status> {
        let request = BatchGetUsersRequest { ids: ids.iter().map(|&id| id.to_owned()).collect() };
        Ok(self.client().batch_get_users(self.0.request(request)).await?.into_inner())
    }

    pub(crate) async fn list(&self, request: ListUsersRequest) -> Result<ListUsersResponse, Status> {
        Ok(self.client().list_users(self.0.request(request)).await?.into_inner())
    }

    pub(crate) async fn update(&self, new: User, paths: &[&str]) -> Result<User, Status> {
        let update_mask = Some(FieldMask { paths: paths.iter().map(|&path| path.to_owned()).collect() });
        let request = UpdateUserRequest { user: Some(new), update_mask, request_id: String::new() };
        Ok(user(self.client().update_user(self.0.request(request)).await?.into_inner().user))
    }

    pub(crate) async fn suspend(&self, id: &str, reason: &str) -> Result<User, Status> {
        let request = SuspendUserRequest { id: id.to_owned(), reason: reason.to_owned(), request_id: String::new() };
        self.suspend_as(request).await
    }

    pub(crate) async fn suspend_as(&self, request: SuspendUserRequest) -> Result<User, Status> {
        Ok(user(self.client().suspend_user(self.0.request(request)).await?.into_inner().user))
    }

    pub(crate) async fn activate(&self, id: &str, reason: &str) -> Result<User, Status> {
        let request = ActivateUserRequest { id: id.to_owned(), reason: reason.to_owned(), request_id: String::new() };
        Ok(user(self.client().activate_user(self.0.request(request)).await?.into_inner().user))
    }

    pub(crate) async fn delete(&self, id: &str) -> Result<User, Status> {
        self.delete_as_read(id, "").await
    }

    pub(crate) async fn delete_as_read(&self, id: &str, etag: &str) -> Result<User, Status> {
        let request = DeleteUserRequest { id: id.to_owned(), etag: etag.to_owned(), request_id: String::new() };
        Ok(user(self.client().delete_user(self.0.request(request)).await?.into_inner().user))
    }

    pub(crate) async fn undelete(&self, id: &str) -> Result<User, Status> {
        self.undelete_as_read(id, "").await
    }

    pub(crate) async fn undelete_as_read(&self, id: &str, etag: &str) -> Result<User, Status> {
        let request = UndeleteUserRequest { id: id.to_owned(), etag: etag.to_owned(), request_id: String::new() };
        Ok(user(self.client().undelete_user(self.0.request(request)).await?.into_inner().user))
    }

    pub(crate) async fn purge(&self, id: &str) -> Result<(), Status> {
        let request = PurgeUserRequest { id: id.to_owned(), request_id: String::new() };
        self.client().purge_user(self.0.request(request)).await.map(|_| ())
    }

    pub(crate) async fn require_password_change(&self, id: &str) -> Result<User, Status> {
        let request = RequirePasswordChangeRequest { id: id.to_owned(), request_id: String::new() };
        Ok(user(self.client().require_password_change(self.0.request(request)).await?.into_inner().user))
    }

    pub(crate) async fn sessions_of(
        &self,
        id: &str,
        (page_size, page_token): (i32, &str),
    ) -> Result<ListUserSessionsResponse, Status> {
        let request = ListUserSessionsRequest { id: id.to_owned(), page_size, page_token: page_token.to_owned() };
        Ok(self.client().list_user_sessions(self.0.request(request)).await?.into_inner())
    }

    pub(crate) async fn factors_of(&self, id: &str) -> Result<Vec<Factor>, Status> {
        let request = ListUserFactorsRequest { id: id.to_owned() };
        Ok(self.client().list_user_factors(self.0.request(request)).await?.into_inner().factors)
    }

    /// When the factors will be gone; nothing if they are.
    pub(crate) async fn reset_factors(&self, id: &str, reason: &str) -> Result<Option<prost_types::Timestamp>, Status> {
        let (id, reason) = (id.to_owned(), reason.to_owned());
        let request = self.0.request(ResetUserFactorsRequest { id, reason, request_id: String::new() });
        Ok(self.client().reset_user_factors(request).await?.into_inner().reset_time)
    }

    /// How many sessions it ended.
    pub(crate) async fn revoke_sessions_of(&self, id: &str) -> Result<i32, Status> {
        let request = RevokeUserSessionsRequest { id: id.to_owned(), request_id: String::new() };
        Ok(self.client().revoke_user_sessions(self.0.request(request)).await?.into_inner().revoked_count)
    }

    pub(crate) fn client(&self) -> UserServiceClient<Channel> {
        UserServiceClient::new(self.0.channel())
    }
}

/// A new account for an address of the usual form.
pub(crate) fn newcomer(person: &Person<'_>) -> User {
    User { email: person.email.clone(), ..User::default() }
}

/// The only field of most responses.
fn user(user: Option<User>) -> User {
    user.expect("a user")
}

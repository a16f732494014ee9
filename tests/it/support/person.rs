//! People who use the service through its generated clients.

use ipse::domain::account::email::EmailAddress;
use ipse::domain::mail::{Mail, MailContent};
use ipse::proto::account_service_client::AccountServiceClient;
use ipse::proto::auth_service_client::AuthServiceClient;
use ipse::proto::login_response::Result as LoginResult;
use ipse::proto::token_service_client::TokenServiceClient;
use ipse::proto::*;
use prost_types::FieldMask;
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::world::World;

/// Somebody with a name, from which everything else about them follows.
#[derive(Clone)]
pub(crate) struct Person<'w> {
    pub(crate) world: &'w World,
    pub(crate) email: String,
    pub(crate) username: String,
    pub(crate) display_name: String,
    pub(crate) password: String,
    address: String,
    channel: Channel,
}

/// A device that somebody is signed in on.
#[derive(Clone)]
pub(crate) struct Device<'w> {
    pub(crate) tokens: Tokens,
    owner: Person<'w>,
}

impl<'w> Person<'w> {
    pub(crate) fn new(world: &'w World, name: &str) -> Self {
        Self {
            world,
            email: format!("{name}@example.com"),
            username: String::new(),
            display_name: String::new(),
            password: format!("the long way home of {name}"),
            address: "203.0.113.1".to_owned(),
            channel: world.replica().channel.clone(),
        }
    }

    /// The same person with a username.
    pub(crate) fn known_as(self, username: &str) -> Self {
        Self { username: username.to_owned(), ..self }
    }

    /// The same person with a name to show.
    pub(crate) fn shown_as(self, display_name: &str) -> Self {
        Self { display_name: display_name.to_owned(), ..self }
    }

    /// The same person with another password in mind.
    pub(crate) fn with_password(&self, password: &str) -> Self {
        Self { password: password.to_owned(), ..self.clone() }
    }

    /// The same person behind another network address.
    pub(crate) fn at(&self, address: &str) -> Self {
        Self { address: address.to_owned(), ..self.clone() }
    }

    /// The same person talking to another process of the service.
    pub(crate) fn through(&self, channel: &Channel) -> Self {
        Self { channel: channel.clone(), ..self.clone() }
    }

    pub(crate) async fn register(&self) -> Result<(), Status> {
        let request = RegisterRequest {
            email: self.email.clone(),
            password: self.password.clone(),
            username: self.username.clone(),
            display_name: self.display_name.clone(),
            ..RegisterRequest::default()
        };
        self.auth().register(self.request(request)).await.map(|_| ())
    }

    pub(crate) async fn verify(&self, token: &str) -> Result<(), Status> {
        let request = VerifyEmailRequest { token: token.to_owned(), request_id: String::new() };
        self.auth().verify_email(self.request(request)).await.map(|_| ())
    }

    pub(crate) async fn resend_verification(&self) -> Result<(), Status> {
        let request = ResendVerificationRequest { email: self.email.clone(), request_id: String::new() };
        self.auth().resend_verification(self.request(request)).await.map(|_| ())
    }

    pub(crate) async fn request_reset(&self) -> Result<(), Status> {
        let request = RequestPasswordResetRequest { email: self.email.clone(), request_id: String::new() };
        self.auth().request_password_reset(self.request(request)).await.map(|_| ())
    }

    pub(crate) async fn reset(&self, token: &str, new_password: &str) -> Result<(), Status> {
        let request = ResetPasswordRequest {
            token: token.to_owned(),
            new_password: new_password.to_owned(),
            request_id: String::new(),
        };
        self.auth().reset_password(self.request(request)).await.map(|_| ())
    }

    /// Signs in with the address.
    pub(crate) async fn log_in(&self) -> Result<Device<'w>, Status> {
        let identifier = self.email.clone();
        self.log_in_with(LoginRequest { identifier, ..LoginRequest::default() }).await
    }

    /// Signs in with a wrong password.
    pub(crate) async fn guess(&self) -> Result<Device<'w>, Status> {
        self.with_password("not the password at all").log_in().await
    }

    /// Signs in with whatever the request says; the password is this person's unless the request has one.
    pub(crate) async fn log_in_with(&self, mut request: LoginRequest) -> Result<Device<'w>, Status> {
        if request.password.is_empty() {
            request.password.clone_from(&self.password);
        }
        let response = self.auth().login(self.request(request)).await?.into_inner();
        match response.result {
            Some(LoginResult::Tokens(tokens)) => Ok(self.with_tokens(tokens)),
            other => panic!("no tokens but {other:?}"),
        }
    }

    pub(crate) async fn refresh(&self, refresh_token: &str) -> Result<Device<'w>, Status> {
        self.refresh_for("", refresh_token).await
    }

    /// Refreshes for an access token that is for this service.
    pub(crate) async fn refresh_for(&self, audience: &str, refresh_token: &str) -> Result<Device<'w>, Status> {
        let request = RefreshRequest {
            refresh_token: refresh_token.to_owned(),
            audience: audience.to_owned(),
            request_id: String::new(),
        };
        let response = self.auth().refresh(self.request(request)).await?;
        Ok(self.with_tokens(response.into_inner().tokens.expect("tokens")))
    }

    pub(crate) async fn log_out(&self, refresh_token: &str) -> Result<(), Status> {
        let request = LogoutRequest { refresh_token: refresh_token.to_owned(), request_id: String::new() };
        self.auth().logout(self.request(request)).await.map(|_| ())
    }

    pub(crate) async fn revoke_token(&self, token: &str) -> Result<(), Status> {
        let request = RevokeTokenRequest { token: token.to_owned(), request_id: String::new() };
        TokenServiceClient::new(self.channel.clone()).revoke_token(self.request(request)).await.map(|_| ())
    }

    pub(crate) async fn confirm_email_change(&self, token: &str) -> Result<(), Status> {
        let request = ConfirmEmailChangeRequest { token: token.to_owned(), request_id: String::new() };
        AccountServiceClient::new(self.channel.clone()).confirm_email_change(self.request(request)).await.map(|_| ())
    }

    /// The mails that came for this person since the last look.
    pub(crate) async fn mails(&self) -> Vec<Mail> {
        self.world.deliver_mail().await;
        let own = EmailAddress::parse(&self.email).unwrap();
        self.world.letterbox.take(|mail| mail.recipient == own)
    }

    /// The kinds of the mails that came for this person since the last look, by name: those of one moment come in any
    /// order.
    pub(crate) async fn mail_kinds(&self) -> Vec<&'static str> {
        let mut kinds: Vec<_> = self.mails().await.iter().map(|mail| mail.content.kind()).collect();
        kinds.sort_unstable();
        kinds
    }

    /// The token in the one mail that came with one.
    pub(crate) async fn mailed_token(&self) -> String {
        let mails = self.mails().await;
        let tokens: Vec<String> = mails.iter().filter_map(any_token_in).collect();
        let [token] = &tokens[..] else { panic!("not one token: {mails:?}") };
        token.clone()
    }

    /// The kinds of the mails that came, in the order of the alphabet as they came at the same time, and the one token.
    pub(crate) async fn mailed_kinds_and_token(&self) -> (Vec<&'static str>, String) {
        let mails = self.mails().await;
        let mut kinds: Vec<_> = mails.iter().map(|mail| mail.content.kind()).collect();
        kinds.sort_unstable();
        (kinds, mails.iter().find_map(any_token_in).unwrap_or_default())
    }

    /// A device of this person with these tokens.
    pub(crate) fn with_tokens(&self, tokens: Tokens) -> Device<'w> {
        Device { tokens, owner: self.clone() }
    }

    pub(crate) fn auth(&self) -> AuthServiceClient<Channel> {
        AuthServiceClient::new(self.channel.clone())
    }

    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("x-forwarded-for", self.address.parse().unwrap());
        request
    }
}

impl<'w> Device<'w> {
    /// The same device talking to another process of the service.
    pub(crate) fn through(&self, channel: &Channel) -> Device<'w> {
        Device { tokens: self.tokens.clone(), owner: self.owner.through(channel) }
    }
    /// The device with the tokens of its next refresh.
    pub(crate) async fn refresh(&self) -> Result<Self, Status> {
        self.owner.refresh(&self.tokens.refresh_token).await
    }

    /// Signs out with the access token.
    pub(crate) async fn log_out(&self) -> Result<(), Status> {
        self.log_out_of("").await
    }

    /// Signs out with the access token and a refresh token.
    pub(crate) async fn log_out_of(&self, refresh_token: &str) -> Result<(), Status> {
        let request = LogoutRequest { refresh_token: refresh_token.to_owned(), request_id: String::new() };
        self.owner.auth().logout(self.request(request)).await.map(|_| ())
    }

    pub(crate) async fn me(&self) -> Result<GetMeResponse, Status> {
        Ok(self.account().get_me(self.request(GetMeRequest {})).await?.into_inner())
    }

    pub(crate) async fn change_password(&self, current: &str, new: &str) -> Result<(), Status> {
        let request = ChangePasswordRequest {
            current_password: current.to_owned(),
            new_password: new.to_owned(),
            request_id: String::new(),
        };
        self.account().change_password(self.request(request)).await.map(|_| ())
    }

    pub(crate) async fn update(&self, user: User, paths: &[&str]) -> Result<User, Status> {
        let update_mask = FieldMask { paths: paths.iter().map(|&path| path.to_owned()).collect() };
        let request = UpdateMeRequest { user: Some(user), update_mask: Some(update_mask), request_id: String::new() };
        Ok(self.account().update_me(self.request(request)).await?.into_inner().user.expect("a user"))
    }

    pub(crate) async fn change_email(&self, new_email: &str) -> Result<(), Status> {
        let request = ChangeEmailRequest { new_email: new_email.to_owned(), request_id: String::new() };
        self.account().change_email(self.request(request)).await.map(|_| ())
    }

    pub(crate) async fn delete(&self, password: &str) -> Result<(), Status> {
        let request = DeleteMeRequest { password: password.to_owned(), request_id: String::new() };
        self.account().delete_me(self.request(request)).await.map(|_| ())
    }

    /// The first page of the sessions, newest first.
    pub(crate) async fn sessions(&self) -> Result<Vec<Session>, Status> {
        Ok(self.page(0, "").await?.sessions)
    }

    pub(crate) async fn page(&self, page_size: i32, page_token: &str) -> Result<ListMySessionsResponse, Status> {
        let request = ListMySessionsRequest { page_size, page_token: page_token.to_owned() };
        Ok(self.account().list_my_sessions(self.request(request)).await?.into_inner())
    }

    pub(crate) async fn revoke(&self, session_id: &str) -> Result<(), Status> {
        let request = RevokeMySessionRequest { session_id: session_id.to_owned(), request_id: String::new() };
        self.account().revoke_my_session(self.request(request)).await.map(|_| ())
    }

    /// How many other sessions it ended.
    pub(crate) async fn revoke_others(&self) -> Result<i32, Status> {
        let request = self.request(RevokeMyOtherSessionsRequest { request_id: String::new() });
        Ok(self.account().revoke_my_other_sessions(request).await?.into_inner().revoked_count)
    }

    /// The same device with another access token.
    pub(crate) fn bearing(&self, access_token: &str) -> Self {
        let mut device = self.clone();
        device.tokens.access_token = access_token.to_owned();
        device
    }

    /// Whose device it is.
    pub(crate) fn owner(&self) -> &Person<'w> {
        &self.owner
    }

    /// The connection to the service.
    pub(crate) fn channel(&self) -> Channel {
        self.owner.channel.clone()
    }

    fn account(&self) -> AccountServiceClient<Channel> {
        AccountServiceClient::new(self.channel())
    }

    /// A call with the access token.
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = self.owner.request(message);
        let bearer = format!("Bearer {}", self.tokens.access_token);
        request.metadata_mut().insert("authorization", bearer.parse().unwrap());
        request
    }
}

/// The token that a mail carries.
pub(crate) fn token_in(mail: &Mail) -> String {
    any_token_in(mail).unwrap_or_else(|| panic!("a mail without a token: {mail:?}"))
}

fn any_token_in(mail: &Mail) -> Option<String> {
    match &mail.content {
        MailContent::VerifyEmail { token }
        | MailContent::ResetPassword { token }
        | MailContent::Invitation { token }
        | MailContent::ConfirmNewEmail { token }
        | MailContent::FactorResetPending { token, .. } => Some(token.expose().to_owned()),
        _ => None,
    }
}

impl std::fmt::Debug for Device<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a device of {} in session {}", self.owner.email, self.tokens.session_id)
    }
}

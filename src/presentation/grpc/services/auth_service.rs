//! `ipse.v1.AuthService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::application::recovery::{Recovery, ResetPassword};
use crate::application::registration::{Register, Registration};
use crate::application::sessions::{IssuedTokens, LogOut, Refresh, Sessions};
use crate::application::sign_in::{LogIn, SignIn};
use crate::domain::secret::Secret;
use crate::presentation::grpc::idempotency::{self, ResponseOf, empty_responses};
use crate::presentation::grpc::{call, encode, status};
use crate::proto::auth_service_server::AuthService;
use crate::proto::login_response::Result as LoginResult;
use crate::proto::{
    LoginRequest, LoginResponse, LogoutRequest, LogoutResponse, RefreshRequest, RefreshResponse, RegisterRequest,
    RegisterResponse, RequestPasswordResetRequest, RequestPasswordResetResponse, ResendVerificationRequest,
    ResendVerificationResponse, ResetPasswordRequest, ResetPasswordResponse, VerifyEmailRequest, VerifyEmailResponse,
};

/// Decodes requests of `AuthService` for their use cases.
pub(in crate::presentation::grpc) struct AuthRpc {
    pub(in crate::presentation::grpc) registration: Arc<Registration>,
    pub(in crate::presentation::grpc) sign_in: Arc<SignIn>,
    pub(in crate::presentation::grpc) recovery: Arc<Recovery>,
    pub(in crate::presentation::grpc) sessions: Arc<Sessions>,
}

#[tonic::async_trait]
impl AuthService for AuthRpc {
    async fn register(&self, request: Request<RegisterRequest>) -> Result<Response<RegisterResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, RegisterResponse>("Register", &request.request_id, &request)?;
        let RegisterRequest { email, password, username, display_name, locale, .. } = request;
        let command = Register { email, password: Secret::new(password), username, display_name, locale };
        idempotency::respond(self.registration.register(&call, command, &once).await)
    }

    async fn verify_email(
        &self,
        request: Request<VerifyEmailRequest>,
    ) -> Result<Response<VerifyEmailResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, VerifyEmailResponse>("VerifyEmail", &request.request_id, &request)?;
        idempotency::respond(self.registration.verify_email(&call, &Secret::new(request.token), &once).await)
    }

    async fn resend_verification(
        &self,
        request: Request<ResendVerificationRequest>,
    ) -> Result<Response<ResendVerificationResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once =
            idempotency::request::<_, ResendVerificationResponse>("ResendVerification", &request.request_id, &request)?;
        idempotency::respond(self.registration.resend_verification(&call, &request.email, &once).await)
    }

    async fn login(&self, request: Request<LoginRequest>) -> Result<Response<LoginResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, LoginResponse>("Login", &request.request_id, &request)?;
        let LoginRequest { identifier, password, audience, client_label, .. } = request;
        let command = LogIn { identifier, password: Secret::new(password), audience, client_label };
        idempotency::respond(self.sign_in.log_in(&call, command, &once).await)
    }

    async fn refresh(&self, request: Request<RefreshRequest>) -> Result<Response<RefreshResponse>, Status> {
        let (call, request) = call::split(request)?;
        let RefreshRequest { refresh_token, audience, request_id } = request;
        idempotency::check_form(&request_id)?;
        let command = Refresh { refresh_token: Secret::new(refresh_token), audience };
        let tokens = self.sessions.refresh(&call, command).await.map_err(status::from_error)?;
        Ok(Response::new(RefreshResponse { tokens: Some(encode::tokens(&tokens)) }))
    }

    async fn logout(&self, request: Request<LogoutRequest>) -> Result<Response<LogoutResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, LogoutResponse>("Logout", &request.request_id, &request)?;
        let command = LogOut { refresh_token: Secret::new(request.refresh_token) };
        idempotency::respond(self.sessions.log_out(&call, command, &once).await)
    }

    async fn request_password_reset(
        &self,
        request: Request<RequestPasswordResetRequest>,
    ) -> Result<Response<RequestPasswordResetResponse>, Status> {
        let (call, request) = call::split(request)?;
        let id = &request.request_id;
        let once = idempotency::request::<_, RequestPasswordResetResponse>("RequestPasswordReset", id, &request)?;
        idempotency::respond(self.recovery.request_password_reset(&call, &request.email, &once).await)
    }

    async fn reset_password(
        &self,
        request: Request<ResetPasswordRequest>,
    ) -> Result<Response<ResetPasswordResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, ResetPasswordResponse>("ResetPassword", &request.request_id, &request)?;
        let ResetPasswordRequest { token, new_password, .. } = request;
        let command = ResetPassword { token: Secret::new(token), new_password: Secret::new(new_password) };
        idempotency::respond(self.recovery.reset_password(&call, command, &once).await)
    }
}

empty_responses! {
    RegisterResponse
    VerifyEmailResponse
    ResendVerificationResponse
    LogoutResponse
    RequestPasswordResetResponse
    ResetPasswordResponse
}

impl ResponseOf<IssuedTokens> for LoginResponse {
    fn from_value(tokens: &IssuedTokens) -> Self {
        Self { result: Some(LoginResult::Tokens(encode::tokens(tokens))) }
    }
}

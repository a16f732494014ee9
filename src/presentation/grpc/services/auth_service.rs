//! `ipse.v1.AuthService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::application::recovery::{Recovery, ResetPassword};
use crate::application::registration::{Register, Registration};
use crate::application::sessions::{LogOut, Refresh, Sessions};
use crate::application::sign_in::{LogIn, SignIn};
use crate::domain::secret::Secret;
use crate::presentation::grpc::{call, encode, status};
use crate::proto::auth_service_server::AuthService;
use crate::proto::login_response::Result as LoginResult;
use crate::proto::{
    LoginRequest, LoginResponse, LogoutRequest, LogoutResponse, RefreshRequest, RefreshResponse, RegisterRequest,
    RegisterResponse, RequestPasswordResetRequest, RequestPasswordResetResponse, ResendVerificationRequest,
    ResendVerificationResponse, ResetPasswordRequest, ResetPasswordResponse, VerifyEmailRequest, VerifyEmailResponse,
};

/// Decodes calls of `AuthService` for their use cases.
pub(in crate::presentation::grpc) struct AuthRpc {
    pub(in crate::presentation::grpc) registration: Arc<Registration>,
    pub(in crate::presentation::grpc) sign_in: Arc<SignIn>,
    pub(in crate::presentation::grpc) recovery: Arc<Recovery>,
    pub(in crate::presentation::grpc) sessions: Arc<Sessions>,
}

#[tonic::async_trait]
impl AuthService for AuthRpc {
    async fn register(&self, request: Request<RegisterRequest>) -> Result<Response<RegisterResponse>, Status> {
        let call = call::from_request(&request)?;
        let RegisterRequest { email, password, username, display_name, locale } = request.into_inner();
        let command = Register { email, password: Secret::new(password), username, display_name, locale };
        self.registration.register(&call, command).await.map_err(status::from_error)?;
        Ok(Response::new(RegisterResponse {}))
    }

    async fn verify_email(
        &self,
        request: Request<VerifyEmailRequest>,
    ) -> Result<Response<VerifyEmailResponse>, Status> {
        let call = call::from_request(&request)?;
        self.registration
            .verify_email(&call, &Secret::new(request.into_inner().token))
            .await
            .map_err(status::from_error)?;
        Ok(Response::new(VerifyEmailResponse {}))
    }

    async fn resend_verification(
        &self,
        request: Request<ResendVerificationRequest>,
    ) -> Result<Response<ResendVerificationResponse>, Status> {
        let call = call::from_request(&request)?;
        self.registration.resend_verification(&call, &request.get_ref().email).await.map_err(status::from_error)?;
        Ok(Response::new(ResendVerificationResponse {}))
    }

    async fn login(&self, request: Request<LoginRequest>) -> Result<Response<LoginResponse>, Status> {
        let call = call::from_request(&request)?;
        let LoginRequest { identifier, password, audience, client_label } = request.into_inner();
        let command = LogIn { identifier, password: Secret::new(password), audience, client_label };
        let tokens = self.sign_in.log_in(&call, command).await.map_err(status::from_error)?;
        Ok(Response::new(LoginResponse { result: Some(LoginResult::Tokens(encode::tokens(&tokens))) }))
    }

    async fn refresh(&self, request: Request<RefreshRequest>) -> Result<Response<RefreshResponse>, Status> {
        let call = call::from_request(&request)?;
        let RefreshRequest { refresh_token, audience } = request.into_inner();
        let tokens = self
            .sessions
            .refresh(&call, Refresh { refresh_token: Secret::new(refresh_token), audience })
            .await
            .map_err(status::from_error)?;
        Ok(Response::new(RefreshResponse { tokens: Some(encode::tokens(&tokens)) }))
    }

    async fn logout(&self, request: Request<LogoutRequest>) -> Result<Response<LogoutResponse>, Status> {
        let call = call::from_request(&request)?;
        let command = LogOut { refresh_token: Secret::new(request.into_inner().refresh_token) };
        self.sessions.log_out(&call, command).await.map_err(status::from_error)?;
        Ok(Response::new(LogoutResponse {}))
    }

    async fn request_password_reset(
        &self,
        request: Request<RequestPasswordResetRequest>,
    ) -> Result<Response<RequestPasswordResetResponse>, Status> {
        let call = call::from_request(&request)?;
        self.recovery.request_password_reset(&call, &request.get_ref().email).await.map_err(status::from_error)?;
        Ok(Response::new(RequestPasswordResetResponse {}))
    }

    async fn reset_password(
        &self,
        request: Request<ResetPasswordRequest>,
    ) -> Result<Response<ResetPasswordResponse>, Status> {
        let call = call::from_request(&request)?;
        let ResetPasswordRequest { token, new_password } = request.into_inner();
        let command = ResetPassword { token: Secret::new(token), new_password: Secret::new(new_password) };
        self.recovery.reset_password(&call, command).await.map_err(status::from_error)?;
        Ok(Response::new(ResetPasswordResponse {}))
    }
}

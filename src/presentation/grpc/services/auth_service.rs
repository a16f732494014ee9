//! `ipse.v1.AuthService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::application::auth::{Auth, LogIn, LogOut, Register, ResetPassword};
use crate::presentation::grpc::{caller, encode, status};
use crate::proto::auth_service_server::AuthService;
use crate::proto::login_response::Result as LoginResult;
use crate::proto::{
    LoginRequest, LoginResponse, LogoutRequest, LogoutResponse, RefreshRequest, RefreshResponse, RegisterRequest,
    RegisterResponse, RequestPasswordResetRequest, RequestPasswordResetResponse, ResendVerificationRequest,
    ResendVerificationResponse, ResetPasswordRequest, ResetPasswordResponse, VerifyEmailRequest, VerifyEmailResponse,
};

/// Decodes calls of `AuthService` for their use cases.
pub(in crate::presentation::grpc) struct AuthRpc(pub(in crate::presentation::grpc) Arc<Auth>);

#[tonic::async_trait]
impl AuthService for AuthRpc {
    async fn register(&self, request: Request<RegisterRequest>) -> Result<Response<RegisterResponse>, Status> {
        let origin = caller::origin(&request)?;
        let RegisterRequest { email, password, username, display_name, locale } = request.into_inner();
        let command = Register { email, password, username, display_name, locale };
        self.0.register(command, &origin).await.map_err(status::from_error)?;
        Ok(Response::new(RegisterResponse {}))
    }

    async fn verify_email(
        &self,
        request: Request<VerifyEmailRequest>,
    ) -> Result<Response<VerifyEmailResponse>, Status> {
        let origin = caller::origin(&request)?;
        self.0.verify_email(&request.get_ref().token, &origin).await.map_err(status::from_error)?;
        Ok(Response::new(VerifyEmailResponse {}))
    }

    async fn resend_verification(
        &self,
        request: Request<ResendVerificationRequest>,
    ) -> Result<Response<ResendVerificationResponse>, Status> {
        let origin = caller::origin(&request)?;
        self.0.resend_verification(&request.get_ref().email, &origin).await.map_err(status::from_error)?;
        Ok(Response::new(ResendVerificationResponse {}))
    }

    async fn login(&self, request: Request<LoginRequest>) -> Result<Response<LoginResponse>, Status> {
        let origin = caller::origin(&request)?;
        let LoginRequest { identifier, password, audience, client_label } = request.into_inner();
        let command = LogIn { identifier, password, audience, client_label };
        let tokens = self.0.log_in(command, &origin).await.map_err(status::from_error)?;
        Ok(Response::new(LoginResponse { result: Some(LoginResult::Tokens(encode::tokens(&tokens))) }))
    }

    async fn refresh(&self, request: Request<RefreshRequest>) -> Result<Response<RefreshResponse>, Status> {
        let origin = caller::origin(&request)?;
        let tokens = self.0.refresh(&request.get_ref().refresh_token, &origin).await.map_err(status::from_error)?;
        Ok(Response::new(RefreshResponse { tokens: Some(encode::tokens(&tokens)) }))
    }

    async fn logout(&self, request: Request<LogoutRequest>) -> Result<Response<LogoutResponse>, Status> {
        let (bearer, origin) = (caller::bearer(&request)?, caller::origin(&request)?);
        let command = LogOut { refresh_token: request.into_inner().refresh_token, bearer };
        self.0.log_out(command, &origin).await.map_err(status::from_error)?;
        Ok(Response::new(LogoutResponse {}))
    }

    async fn request_password_reset(
        &self,
        request: Request<RequestPasswordResetRequest>,
    ) -> Result<Response<RequestPasswordResetResponse>, Status> {
        let origin = caller::origin(&request)?;
        self.0.request_password_reset(&request.get_ref().email, &origin).await.map_err(status::from_error)?;
        Ok(Response::new(RequestPasswordResetResponse {}))
    }

    async fn reset_password(
        &self,
        request: Request<ResetPasswordRequest>,
    ) -> Result<Response<ResetPasswordResponse>, Status> {
        let origin = caller::origin(&request)?;
        let ResetPasswordRequest { token, new_password } = request.into_inner();
        self.0.reset_password(ResetPassword { token, new_password }, &origin).await.map_err(status::from_error)?;
        Ok(Response::new(ResetPasswordResponse {}))
    }
}

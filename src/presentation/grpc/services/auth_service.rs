//! `ipse.v1.AuthService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::application::factors::Factors;
use crate::application::recovery::{Recovery, ResetPassword};
use crate::application::registration::{Register, Registration};
use crate::application::sessions::{IssuedTokens, LogOut, Refresh, Sessions};
use crate::application::sign_in::{CompleteMfa, CompletePasskeyLogin, CompleteStepUp, LogIn, LoggedIn, SignIn};
use crate::domain::secret::Secret;
use crate::presentation::grpc::idempotency::{self, ResponseOf, empty_responses};
use crate::presentation::grpc::{call, decode, encode, status};
use crate::proto::auth_service_server::AuthService;
use crate::proto::login_response::Result as LoginResult;
use crate::proto::{
    BeginMfaPasskeyRequest, BeginMfaPasskeyResponse, BeginPasskeyLoginRequest, BeginPasskeyLoginResponse,
    BeginStepUpRequest, BeginStepUpResponse, CompleteMfaRequest, CompleteMfaResponse, CompletePasskeyLoginRequest,
    CompletePasskeyLoginResponse, CompleteStepUpRequest, CompleteStepUpResponse, LoginRequest, LoginResponse,
    LogoutRequest, LogoutResponse, RefreshRequest, RefreshResponse, RegisterRequest, RegisterResponse,
    RequestPasswordResetRequest, RequestPasswordResetResponse, ResendVerificationRequest, ResendVerificationResponse,
    ResetPasswordRequest, ResetPasswordResponse, StopFactorResetRequest, StopFactorResetResponse, VerifyEmailRequest,
    VerifyEmailResponse,
};

/// Decodes requests of `AuthService` for their use cases.
pub(in crate::presentation::grpc) struct AuthRpc {
    pub(in crate::presentation::grpc) registration: Arc<Registration>,
    pub(in crate::presentation::grpc) sign_in: Arc<SignIn>,
    pub(in crate::presentation::grpc) recovery: Arc<Recovery>,
    pub(in crate::presentation::grpc) sessions: Arc<Sessions>,
    pub(in crate::presentation::grpc) factors: Arc<Factors>,
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

    async fn complete_mfa(
        &self,
        request: Request<CompleteMfaRequest>,
    ) -> Result<Response<CompleteMfaResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, CompleteMfaResponse>("CompleteMfa", &request.request_id, &request)?;
        let CompleteMfaRequest { challenge_token, proof, .. } = request;
        let command =
            CompleteMfa { challenge_token: Secret::new(challenge_token), proof: proof.map(decode::mfa_proof) };
        idempotency::respond(self.sign_in.complete_mfa(&call, command, &once).await)
    }

    async fn begin_mfa_passkey(
        &self,
        request: Request<BeginMfaPasskeyRequest>,
    ) -> Result<Response<BeginMfaPasskeyResponse>, Status> {
        let (call, request) = call::split(request)?;
        let token = Secret::new(request.challenge_token);
        let request_options_json = self.sign_in.begin_mfa_passkey(&call, &token).await.map_err(status::from_error)?;
        Ok(Response::new(BeginMfaPasskeyResponse { request_options_json }))
    }

    async fn begin_passkey_login(
        &self,
        request: Request<BeginPasskeyLoginRequest>,
    ) -> Result<Response<BeginPasskeyLoginResponse>, Status> {
        let (call, BeginPasskeyLoginRequest {}) = call::split(request)?;
        let asked = self.sign_in.begin_passkey_login(&call).await.map_err(status::from_error)?;
        Ok(Response::new(BeginPasskeyLoginResponse {
            challenge_token: asked.token.expose().to_owned(),
            request_options_json: asked.request_options.unwrap_or_default(),
            expire_time: Some(encode::time(asked.expire_time)),
        }))
    }

    async fn complete_passkey_login(
        &self,
        request: Request<CompletePasskeyLoginRequest>,
    ) -> Result<Response<CompletePasskeyLoginResponse>, Status> {
        let (call, request) = call::split(request)?;
        let id = &request.request_id;
        let once = idempotency::request::<_, CompletePasskeyLoginResponse>("CompletePasskeyLogin", id, &request)?;
        let CompletePasskeyLoginRequest { challenge_token, credential_json, audience, client_label, .. } = request;
        let (challenge_token, credential_json) = (Secret::new(challenge_token), Secret::new(credential_json));
        let command = CompletePasskeyLogin { challenge_token, credential_json, audience, client_label };
        idempotency::respond(self.sign_in.complete_passkey_login(&call, command, &once).await)
    }

    async fn begin_step_up(
        &self,
        request: Request<BeginStepUpRequest>,
    ) -> Result<Response<BeginStepUpResponse>, Status> {
        let (call, request) = call::split_of_person(request)?;
        let asked = self.sign_in.begin_step_up(&call, &request.acr).await.map_err(status::from_error)?;
        Ok(Response::new(BeginStepUpResponse {
            challenge_token: asked.token.expose().to_owned(),
            factors: encode::offered_factors(&asked.factors),
            expire_time: Some(encode::time(asked.expire_time)),
            request_options_json: asked.request_options.unwrap_or_default(),
        }))
    }

    async fn complete_step_up(
        &self,
        request: Request<CompleteStepUpRequest>,
    ) -> Result<Response<CompleteStepUpResponse>, Status> {
        let (call, request) = call::split_of_person(request)?;
        let once = idempotency::request::<_, CompleteStepUpResponse>("CompleteStepUp", &request.request_id, &request)?;
        let CompleteStepUpRequest { challenge_token, proof, .. } = request;
        let proof = proof.map(decode::step_up_proof);
        let command = CompleteStepUp { challenge_token: Secret::new(challenge_token), proof };
        idempotency::respond(self.sign_in.complete_step_up(&call, command, &once).await)
    }

    async fn stop_factor_reset(
        &self,
        request: Request<StopFactorResetRequest>,
    ) -> Result<Response<StopFactorResetResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once =
            idempotency::request::<_, StopFactorResetResponse>("StopFactorReset", &request.request_id, &request)?;
        idempotency::respond(self.factors.stop_factor_reset(&call, &Secret::new(request.token), &once).await)
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
    StopFactorResetResponse
}

impl ResponseOf<LoggedIn> for LoginResponse {
    fn from_value(outcome: &LoggedIn) -> Self {
        Self {
            result: Some(match outcome {
                LoggedIn::Tokens(tokens) => LoginResult::Tokens(encode::tokens(tokens)),
                LoggedIn::Challenge(challenge) => LoginResult::MfaChallenge(encode::mfa_challenge(challenge)),
            }),
        }
    }
}

/// Responses that hold the tokens of a session alone.
macro_rules! hold_the_tokens {
    ($($response:ident)*) => {
        $(impl ResponseOf<IssuedTokens> for $response {
            fn from_value(tokens: &IssuedTokens) -> Self {
                Self { tokens: Some(encode::tokens(tokens)) }
            }
        })*
    };
}

hold_the_tokens! { CompleteMfaResponse CompletePasskeyLoginResponse CompleteStepUpResponse }

//! Second factors as people have them: an authenticator app, recovery codes on paper, a security key.

use aws_lc_rs::hmac;
use ipse::domain::Timestamp;
use ipse::proto::complete_mfa_request::Proof;
use ipse::proto::complete_step_up_request::Proof as StepUpProof;
use ipse::proto::factor_service_client::FactorServiceClient;
use ipse::proto::login_response::Result as LoginResult;
use ipse::proto::*;
use tonic::Status;
use tonic::transport::Channel;

use super::person::{Device, Person};

/// An authenticator app that holds one secret. It computes codes apart from the service's own code (RFC 6238).
#[derive(Debug, Clone)]
pub(crate) struct AuthenticatorApp(Vec<u8>);

impl AuthenticatorApp {
    /// Takes a secret in as somebody types it.
    pub(crate) fn new(base32: &str) -> Self {
        let (mut bits, mut count, mut secret) = (0_u32, 0, Vec::new());
        for character in base32.bytes() {
            let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|&b| b == character).expect("base32");
            bits = bits << 5 | u32::try_from(value).unwrap();
            count += 5;
            if count >= 8 {
                count -= 8;
                secret.push((bits >> count).to_be_bytes()[3]);
                bits &= (1 << count) - 1;
            }
        }
        Self(secret)
    }

    /// The code that it shows at a time.
    pub(crate) fn code(&self, now: Timestamp) -> String {
        self.code_of_step(now.unix_timestamp() / 30)
    }

    fn code_of_step(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag[19] & 15);
        let number = u32::from_be_bytes(tag[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }
}

/// Somebody's second factor and what came with it.
#[derive(Debug, Clone)]
pub(crate) struct Enrolled {
    pub(crate) app: AuthenticatorApp,
    pub(crate) factor: Factor,
    pub(crate) recovery_codes: Vec<String>,
}

impl<'w> Person<'w> {
    /// Signs in with the password, and is asked for a second factor.
    pub(crate) async fn challenge(&self) -> MfaChallenge {
        self.try_challenge().await.expect("a challenge")
    }

    pub(crate) async fn try_challenge(&self) -> Result<MfaChallenge, Status> {
        let identifier = self.email.clone();
        let request = LoginRequest { identifier, password: self.password.clone(), ..LoginRequest::default() };
        match self.auth().login(self.request(request)).await?.into_inner().result {
            Some(LoginResult::MfaChallenge(challenge)) => Ok(challenge),
            other => panic!("no challenge but {other:?}"),
        }
    }

    /// Answers a challenge.
    pub(crate) async fn answer(&self, challenge: &MfaChallenge, proof: Proof) -> Result<Device<'w>, Status> {
        let challenge_token = challenge.challenge_token.clone();
        let request = CompleteMfaRequest { challenge_token, proof: Some(proof), request_id: String::new() };
        let response = self.auth().complete_mfa(self.request(request)).await?.into_inner();
        Ok(self.with_tokens(response.tokens.expect("tokens")))
    }

    /// Signs in with the password and the app, once its code is a new one.
    pub(crate) async fn log_in_with_app(&self, app: &AuthenticatorApp) -> Result<Device<'w>, Status> {
        self.world.wait(time::Duration::seconds(30));
        let challenge = self.try_challenge().await?;
        self.answer(&challenge, Proof::TotpCode(app.code(self.world.now()))).await
    }
}

impl Device<'_> {
    pub(crate) fn factor_service(&self) -> FactorServiceClient<Channel> {
        FactorServiceClient::new(self.channel())
    }

    pub(crate) async fn begin_totp(&self) -> Result<BeginTotpResponse, Status> {
        let request =
            self.request(BeginTotpRequest { display_name: "phone".to_owned(), ..BeginTotpRequest::default() });
        Ok(self.factor_service().begin_totp(request).await?.into_inner())
    }

    pub(crate) async fn confirm_totp(&self, factor_id: &str, code: &str) -> Result<ConfirmTotpResponse, Status> {
        let (factor_id, code) = (factor_id.to_owned(), code.to_owned());
        let request = self.request(ConfirmTotpRequest { factor_id, code, request_id: String::new() });
        Ok(self.factor_service().confirm_totp(request).await?.into_inner())
    }

    /// Enrols an authenticator app.
    pub(crate) async fn enrol_app(&self) -> Result<Enrolled, Status> {
        let begun = self.begin_totp().await?;
        let app = AuthenticatorApp::new(&begun.secret);
        let code = app.code(self.owner().world.now());
        let ConfirmTotpResponse { factor, recovery_codes } = self.confirm_totp(&begun.factor_id, &code).await?;
        Ok(Enrolled { app, factor: factor.expect("a factor"), recovery_codes })
    }

    pub(crate) async fn factors(&self) -> Result<Vec<Factor>, Status> {
        let request = self.request(ListMyFactorsRequest {});
        Ok(self.factor_service().list_my_factors(request).await?.into_inner().factors)
    }

    pub(crate) async fn delete_factor(&self, id: &str) -> Result<(), Status> {
        let request = self.request(DeleteMyFactorRequest { id: id.to_owned(), request_id: String::new() });
        self.factor_service().delete_my_factor(request).await.map(|_| ())
    }

    pub(crate) async fn new_recovery_codes(&self) -> Result<Vec<String>, Status> {
        let request = self.request(RegenerateRecoveryCodesRequest::default());
        Ok(self.factor_service().regenerate_recovery_codes(request).await?.into_inner().codes)
    }

    pub(crate) async fn begin_step_up(&self, acr: &str) -> Result<BeginStepUpResponse, Status> {
        let request = self.request(BeginStepUpRequest { acr: acr.to_owned() });
        Ok(self.owner().auth().begin_step_up(request).await?.into_inner())
    }

    pub(crate) async fn complete_step_up(&self, token: &str, proof: StepUpProof) -> Result<Self, Status> {
        let challenge_token = token.to_owned();
        let request = CompleteStepUpRequest { challenge_token, proof: Some(proof), request_id: String::new() };
        let response = self.owner().auth().complete_step_up(self.request(request)).await?.into_inner();
        Ok(self.owner().with_tokens(response.tokens.expect("tokens")))
    }

    /// Proves again who it is with the app, once its code is a new one.
    pub(crate) async fn step_up_with_app(&self, app: &AuthenticatorApp) -> Result<Self, Status> {
        self.owner().world.wait(time::Duration::seconds(30));
        let begun = self.begin_step_up("urn:ipse:aal:2").await?;
        let code = app.code(self.owner().world.now());
        self.complete_step_up(&begun.challenge_token, StepUpProof::TotpCode(code)).await
    }

    /// Proves again who it is with the password.
    pub(crate) async fn step_up_with_password(&self) -> Result<Self, Status> {
        let begun = self.begin_step_up("urn:ipse:aal:1").await?;
        let password = StepUpProof::Password(self.owner().password.clone());
        self.complete_step_up(&begun.challenge_token, password).await
    }

    /// What the access token says of the sign-in: level and methods.
    pub(crate) fn level(&self) -> (String, Vec<String>) {
        let (_, claims) = super::token::read(&self.tokens.access_token);
        let methods = claims["amr"].as_array().unwrap().iter().map(|method| method.as_str().unwrap().to_owned());
        (claims["acr"].as_str().unwrap().to_owned(), methods.collect())
    }
}

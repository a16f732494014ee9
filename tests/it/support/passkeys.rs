//! People with passkeys.

use ipse::proto::*;
use tonic::Status;

use super::authenticator::Authenticator;
use super::person::{Device, Person};

impl<'w> Person<'w> {
    pub(crate) async fn begin_passkey_login(&self) -> Result<BeginPasskeyLoginResponse, Status> {
        let request = self.request(BeginPasskeyLoginRequest {});
        Ok(self.auth().begin_passkey_login(request).await?.into_inner())
    }

    pub(crate) async fn complete_passkey_login(
        &self,
        challenge_token: &str,
        credential_json: &str,
        audience: &str,
    ) -> Result<Device<'w>, Status> {
        let request = CompletePasskeyLoginRequest {
            challenge_token: challenge_token.to_owned(),
            credential_json: credential_json.to_owned(),
            audience: audience.to_owned(),
            ..CompletePasskeyLoginRequest::default()
        };
        let response = self.auth().complete_passkey_login(self.request(request)).await?.into_inner();
        Ok(self.with_tokens(response.tokens.expect("tokens")))
    }

    /// Signs in with a passkey alone, at this origin.
    pub(crate) async fn log_in_with_passkey(
        &self,
        authenticator: &mut Authenticator,
        origin: &str,
    ) -> Result<Device<'w>, Status> {
        let begun = self.begin_passkey_login().await?;
        let credential = authenticator.get(&begun.request_options_json, origin);
        self.complete_passkey_login(&begun.challenge_token, &credential, "").await
    }

    /// What an authenticator is asked after the password.
    pub(crate) async fn begin_mfa_passkey(&self, challenge: &MfaChallenge) -> Result<String, Status> {
        let request = BeginMfaPasskeyRequest { challenge_token: challenge.challenge_token.clone() };
        Ok(self.auth().begin_mfa_passkey(self.request(request)).await?.into_inner().request_options_json)
    }
}

impl Device<'_> {
    pub(crate) async fn begin_passkey(&self) -> Result<BeginPasskeyResponse, Status> {
        let request = self.request(BeginPasskeyRequest::default());
        Ok(self.factor_service().begin_passkey(request).await?.into_inner())
    }

    pub(crate) async fn finish_passkey(
        &self,
        factor_id: &str,
        credential_json: &str,
    ) -> Result<FinishPasskeyResponse, Status> {
        let (factor_id, credential_json) = (factor_id.to_owned(), credential_json.to_owned());
        let request = self.request(FinishPasskeyRequest { factor_id, credential_json, request_id: String::new() });
        Ok(self.factor_service().finish_passkey(request).await?.into_inner())
    }

    /// Has an authenticator make a passkey at this origin, and registers it.
    pub(crate) async fn register_passkey(
        &self,
        authenticator: &mut Authenticator,
        origin: &str,
    ) -> Result<FinishPasskeyResponse, Status> {
        let begun = self.begin_passkey().await?;
        let credential = authenticator.create(&begun.creation_options_json, origin);
        self.finish_passkey(&begun.factor_id, &credential).await
    }
}

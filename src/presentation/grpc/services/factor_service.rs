//! `ipse.v1.FactorService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::application::factors::{
    ConfirmTotp, EnrolledFactor, Factors, FinishPasskey, PasskeyAsked, TotpStarted, UpdateFactor,
};
use crate::domain::credential::factor::Factor;
use crate::domain::secret::Secret;
use crate::presentation::grpc::idempotency::{self, ResponseOf, empty_responses};
use crate::presentation::grpc::mask::Fields;
use crate::presentation::grpc::{call, encode, status};
use crate::proto::factor_service_server::FactorService;
use crate::proto::{
    BeginPasskeyRequest, BeginPasskeyResponse, BeginTotpRequest, BeginTotpResponse, ConfirmTotpRequest,
    ConfirmTotpResponse, DeleteMyFactorRequest, DeleteMyFactorResponse, FinishPasskeyRequest, FinishPasskeyResponse,
    ListMyFactorsRequest, ListMyFactorsResponse, RegenerateRecoveryCodesRequest, RegenerateRecoveryCodesResponse,
    UpdateMyFactorRequest, UpdateMyFactorResponse,
};

/// Decodes requests of `FactorService` for their use cases.
pub(in crate::presentation::grpc) struct FactorRpc(pub(in crate::presentation::grpc) Arc<Factors>);

#[tonic::async_trait]
impl FactorService for FactorRpc {
    async fn list_my_factors(
        &self,
        request: Request<ListMyFactorsRequest>,
    ) -> Result<Response<ListMyFactorsResponse>, Status> {
        let call = call::of_person(&request)?;
        let found = self.0.list_my_factors(&call).await.map_err(status::from_error)?;
        Ok(Response::new(ListMyFactorsResponse { factors: encode::factors(&found) }))
    }

    async fn begin_totp(&self, request: Request<BeginTotpRequest>) -> Result<Response<BeginTotpResponse>, Status> {
        let (call, request) = call::split_of_person(request)?;
        let once = idempotency::request::<_, BeginTotpResponse>("BeginTotp", &request.request_id, &request)?;
        idempotency::respond(self.0.begin_totp(&call, &request.display_name, &once).await)
    }

    async fn confirm_totp(
        &self,
        request: Request<ConfirmTotpRequest>,
    ) -> Result<Response<ConfirmTotpResponse>, Status> {
        let (call, request) = call::split_of_person(request)?;
        let once = idempotency::request::<_, ConfirmTotpResponse>("ConfirmTotp", &request.request_id, &request)?;
        let command = ConfirmTotp { factor_id: request.factor_id, code: Secret::new(request.code) };
        idempotency::respond(self.0.confirm_totp(&call, command, &once).await)
    }

    async fn begin_passkey(
        &self,
        request: Request<BeginPasskeyRequest>,
    ) -> Result<Response<BeginPasskeyResponse>, Status> {
        let (call, request) = call::split_of_person(request)?;
        let once = idempotency::request::<_, BeginPasskeyResponse>("BeginPasskey", &request.request_id, &request)?;
        idempotency::respond(self.0.begin_passkey(&call, &request.display_name, &once).await)
    }

    async fn finish_passkey(
        &self,
        request: Request<FinishPasskeyRequest>,
    ) -> Result<Response<FinishPasskeyResponse>, Status> {
        let (call, request) = call::split_of_person(request)?;
        let once = idempotency::request::<_, FinishPasskeyResponse>("FinishPasskey", &request.request_id, &request)?;
        let FinishPasskeyRequest { factor_id, credential_json, .. } = request;
        let command = FinishPasskey { factor_id, credential_json: Secret::new(credential_json) };
        idempotency::respond(self.0.finish_passkey(&call, command, &once).await)
    }

    async fn update_my_factor(
        &self,
        request: Request<UpdateMyFactorRequest>,
    ) -> Result<Response<UpdateMyFactorResponse>, Status> {
        let (call, request) = call::split_of_person(request)?;
        let once = idempotency::request::<_, UpdateMyFactorResponse>("UpdateMyFactor", &request.request_id, &request)?;
        let command = decode_update(request)?;
        idempotency::respond_at(path, self.0.update_my_factor(&call, command, &once).await)
    }

    async fn delete_my_factor(
        &self,
        request: Request<DeleteMyFactorRequest>,
    ) -> Result<Response<DeleteMyFactorResponse>, Status> {
        let (call, request) = call::split_of_person(request)?;
        let once = idempotency::request::<_, DeleteMyFactorResponse>("DeleteMyFactor", &request.request_id, &request)?;
        idempotency::respond(self.0.delete_my_factor(&call, &request.id, &once).await)
    }

    async fn regenerate_recovery_codes(
        &self,
        request: Request<RegenerateRecoveryCodesRequest>,
    ) -> Result<Response<RegenerateRecoveryCodesResponse>, Status> {
        let (call, request) = call::split_of_person(request)?;
        let id = &request.request_id;
        let once = idempotency::request::<_, RegenerateRecoveryCodesResponse>("RegenerateRecoveryCodes", id, &request)?;
        idempotency::respond(self.0.regenerate_recovery_codes(&call, &once).await)
    }
}

/// What a person may change of a factor.
const FIELDS: Fields = Fields {
    writable: &["display_name"],
    output_only: &["id", "kind", "state", "create_time", "last_used_time", "etag", "passkey", "recovery_codes"],
    restricted: (&[], ""),
    elsewhere: &[],
};

fn decode_update(request: UpdateMyFactorRequest) -> Result<UpdateFactor, Status> {
    let factor = request.factor.unwrap_or_default();
    let populated: &[&'static str] = if factor.display_name.is_empty() { &[] } else { &["display_name"] };
    let mask = FIELDS.read(request.update_mask, populated)?;
    Ok(UpdateFactor { display_name: mask.pick("display_name", factor.display_name), id: factor.id, etag: factor.etag })
}

/// Where an update has its fields.
fn path(field: &str) -> String {
    if field == "request_id" { field.to_owned() } else { format!("factor.{field}") }
}

empty_responses! { DeleteMyFactorResponse }

impl ResponseOf<TotpStarted> for BeginTotpResponse {
    fn from_value(started: &TotpStarted) -> Self {
        Self {
            factor_id: started.id.to_string(),
            secret: started.enrolment.secret_base32.expose().to_owned(),
            otpauth_uri: started.enrolment.otpauth_uri.expose().to_owned(),
            qr_svg: started.enrolment.qr_svg.expose().to_owned(),
            expire_time: Some(encode::time(started.expire_time)),
        }
    }
}

impl ResponseOf<PasskeyAsked> for BeginPasskeyResponse {
    fn from_value(asked: &PasskeyAsked) -> Self {
        Self {
            factor_id: asked.id.to_string(),
            creation_options_json: asked.creation_options.clone(),
            expire_time: Some(encode::time(asked.expire_time)),
        }
    }
}

impl ResponseOf<EnrolledFactor> for ConfirmTotpResponse {
    fn from_value(enrolled: &EnrolledFactor) -> Self {
        let (factor, recovery_codes) = encode::enrolled_factor(enrolled);
        Self { factor, recovery_codes }
    }
}

impl ResponseOf<EnrolledFactor> for FinishPasskeyResponse {
    fn from_value(enrolled: &EnrolledFactor) -> Self {
        let (factor, recovery_codes) = encode::enrolled_factor(enrolled);
        Self { factor, recovery_codes }
    }
}

impl ResponseOf<Factor> for UpdateMyFactorResponse {
    fn from_value(factor: &Factor) -> Self {
        Self { factor: Some(encode::factor(factor)) }
    }
}

impl ResponseOf<Vec<Secret>> for RegenerateRecoveryCodesResponse {
    fn from_value(codes: &Vec<Secret>) -> Self {
        Self { codes: encode::recovery_codes(codes) }
    }
}

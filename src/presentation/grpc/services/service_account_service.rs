//! `ipse.v1.ServiceAccountService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::application::error::Error;
use crate::application::page::PageRequest;
use crate::application::service_accounts::{
    CreateApiKey, CreateServiceAccount, DeleteServiceAccount, ListApiKeys, NewApiKey, ServiceAccounts,
    UpdateServiceAccount,
};
use crate::domain::account::service_account::ServiceAccount;
use crate::domain::credential::api_key::ApiKey;
use crate::presentation::grpc::idempotency::{self, ResponseOf};
use crate::presentation::grpc::mask::Fields;
use crate::presentation::grpc::{call, decode, encode, status};
use crate::proto::service_account_service_server::ServiceAccountService;
use crate::proto::{
    CreateApiKeyRequest, CreateApiKeyResponse, CreateServiceAccountRequest, CreateServiceAccountResponse,
    DeleteServiceAccountRequest, DeleteServiceAccountResponse, DisableServiceAccountRequest,
    DisableServiceAccountResponse, EnableServiceAccountRequest, EnableServiceAccountResponse, GetServiceAccountRequest,
    GetServiceAccountResponse, ListApiKeysRequest, ListApiKeysResponse, ListServiceAccountsRequest,
    ListServiceAccountsResponse, RevokeApiKeyRequest, RevokeApiKeyResponse, UpdateServiceAccountRequest,
    UpdateServiceAccountResponse,
};

/// Decodes requests of `ServiceAccountService` for their use cases.
pub(in crate::presentation::grpc) struct ServiceAccountRpc(pub(in crate::presentation::grpc) Arc<ServiceAccounts>);

#[tonic::async_trait]
impl ServiceAccountService for ServiceAccountRpc {
    async fn create_service_account(
        &self,
        request: Request<CreateServiceAccountRequest>,
    ) -> Result<Response<CreateServiceAccountResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, CreateServiceAccountResponse>(
            "CreateServiceAccount",
            &request.request_id,
            &request,
        )?;
        let account = request.service_account.ok_or_else(|| status::violation("service_account", "is required"))?;
        let command = CreateServiceAccount { name: account.name, description: account.description };
        idempotency::respond_at(account_path, self.0.create_service_account(&call, command, &once).await)
    }

    async fn get_service_account(
        &self,
        request: Request<GetServiceAccountRequest>,
    ) -> Result<Response<GetServiceAccountResponse>, Status> {
        let account = self.0.get_service_account(&request.get_ref().id).await.map_err(status::from_error)?;
        Ok(Response::new(GetServiceAccountResponse { service_account: Some(encode::service_account(&account)) }))
    }

    async fn list_service_accounts(
        &self,
        request: Request<ListServiceAccountsRequest>,
    ) -> Result<Response<ListServiceAccountsResponse>, Status> {
        let ListServiceAccountsRequest { page_size, page_token } = request.into_inner();
        let page = PageRequest { size: page_size, token: page_token };
        let found = self.0.list_service_accounts(&page).await.map_err(status::from_error)?;
        let service_accounts = found.items.iter().map(encode::service_account).collect();
        Ok(Response::new(ListServiceAccountsResponse { service_accounts, next_page_token: found.next_page_token }))
    }

    async fn update_service_account(
        &self,
        request: Request<UpdateServiceAccountRequest>,
    ) -> Result<Response<UpdateServiceAccountResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, UpdateServiceAccountResponse>(
            "UpdateServiceAccount",
            &request.request_id,
            &request,
        )?;
        let command = decode_update(request)?;
        idempotency::respond_at(account_path, self.0.update_service_account(&call, command, &once).await)
    }

    async fn disable_service_account(
        &self,
        request: Request<DisableServiceAccountRequest>,
    ) -> Result<Response<DisableServiceAccountResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, DisableServiceAccountResponse>(
            "DisableServiceAccount",
            &request.request_id,
            &request,
        )?;
        idempotency::respond(self.0.disable_service_account(&call, &request.id, &once).await)
    }

    async fn enable_service_account(
        &self,
        request: Request<EnableServiceAccountRequest>,
    ) -> Result<Response<EnableServiceAccountResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, EnableServiceAccountResponse>(
            "EnableServiceAccount",
            &request.request_id,
            &request,
        )?;
        idempotency::respond(self.0.enable_service_account(&call, &request.id, &once).await)
    }

    async fn delete_service_account(
        &self,
        request: Request<DeleteServiceAccountRequest>,
    ) -> Result<Response<DeleteServiceAccountResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, DeleteServiceAccountResponse>(
            "DeleteServiceAccount",
            &request.request_id,
            &request,
        )?;
        let command = DeleteServiceAccount { id: request.id, etag: request.etag };
        idempotency::respond(self.0.delete_service_account(&call, command, &once).await)
    }

    async fn create_api_key(
        &self,
        request: Request<CreateApiKeyRequest>,
    ) -> Result<Response<CreateApiKeyResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, CreateApiKeyResponse>("CreateApiKey", &request.request_id, &request)?;
        let key = request.api_key.ok_or_else(|| status::violation("api_key", "is required"))?;
        let expire_time = decode::time("api_key.expire_time", key.expire_time);
        let command = CreateApiKey {
            service_account_id: key.service_account_id,
            display_name: key.display_name,
            scopes: key.scopes,
            expire_time: expire_time.map_err(|violation| status::from_error(Error::Invalid(vec![violation])))?,
        };
        idempotency::respond_at(key_path, self.0.create_api_key(&call, command, &once).await)
    }

    async fn list_api_keys(
        &self,
        request: Request<ListApiKeysRequest>,
    ) -> Result<Response<ListApiKeysResponse>, Status> {
        let ListApiKeysRequest { service_account_id, page_size, page_token } = request.into_inner();
        let command = ListApiKeys { service_account_id, page: PageRequest { size: page_size, token: page_token } };
        let found = self.0.list_api_keys(&command).await.map_err(status::from_error)?;
        let api_keys = found.items.iter().map(encode::api_key).collect();
        Ok(Response::new(ListApiKeysResponse { api_keys, next_page_token: found.next_page_token }))
    }

    async fn revoke_api_key(
        &self,
        request: Request<RevokeApiKeyRequest>,
    ) -> Result<Response<RevokeApiKeyResponse>, Status> {
        let (call, request) = call::split(request)?;
        let once = idempotency::request::<_, RevokeApiKeyResponse>("RevokeApiKey", &request.request_id, &request)?;
        idempotency::respond(self.0.revoke_api_key(&call, &request.id, &once).await)
    }
}

/// What an operator may change of a service account.
const FIELDS: Fields = Fields {
    writable: &["name", "description"],
    output_only: &["id", "create_time", "update_time", "etag"],
    restricted: (&[], ""),
    elsewhere: &[("disabled", "DisableServiceAccount and EnableServiceAccount")],
};

/// Where requests have a field of a service account.
fn account_path(field: &str) -> String {
    if field == "request_id" { field.to_owned() } else { format!("service_account.{field}") }
}

/// Where requests have a field of an API key.
fn key_path(field: &str) -> String {
    if field == "request_id" { field.to_owned() } else { format!("api_key.{field}") }
}

fn decode_update(request: UpdateServiceAccountRequest) -> Result<UpdateServiceAccount, Status> {
    let account = request.service_account.ok_or_else(|| status::violation("service_account", "is required"))?;
    let populated = [("name", !account.name.is_empty()), ("description", !account.description.is_empty())];
    let populated = populated.into_iter().filter_map(|(field, is_populated)| is_populated.then_some(field));
    let mask = FIELDS.read(request.update_mask, &populated.collect::<Vec<_>>())?;
    Ok(UpdateServiceAccount {
        id: account.id,
        name: mask.pick("name", account.name),
        description: mask.pick("description", account.description),
        etag: account.etag,
    })
}

/// Responses whose only field is the account.
macro_rules! tell_the_account {
    ($($response:ident)*) => {
        $(impl ResponseOf<ServiceAccount> for $response {
            fn from_value(account: &ServiceAccount) -> Self {
                Self { service_account: Some(encode::service_account(account)) }
            }
        })*
    };
}
tell_the_account! {
    CreateServiceAccountResponse
    UpdateServiceAccountResponse
    DisableServiceAccountResponse
    EnableServiceAccountResponse
}

impl ResponseOf<()> for DeleteServiceAccountResponse {
    fn from_value((): &()) -> Self {
        Self {}
    }
}

impl ResponseOf<NewApiKey> for CreateApiKeyResponse {
    fn from_value(made: &NewApiKey) -> Self {
        Self { api_key: Some(encode::api_key(&made.key)), secret: made.secret.expose().expose().to_owned() }
    }
}

impl ResponseOf<ApiKey> for RevokeApiKeyResponse {
    fn from_value(key: &ApiKey) -> Self {
        Self { api_key: Some(encode::api_key(key)) }
    }
}

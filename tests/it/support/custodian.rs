//! People who handle service accounts and their keys, and the programs that use the keys.

use ipse::proto::service_account_service_client::ServiceAccountServiceClient;
use ipse::proto::token_service_client::TokenServiceClient;
use ipse::proto::*;
use prost_types::FieldMask;
use tonic::Status;
use tonic::transport::Channel;

use super::operator::Operator;
use super::person::Device;
use super::world::World;

/// What somebody does with service accounts.
#[derive(Clone)]
pub(crate) struct Custodian<'w>(pub(crate) Device<'w>);

/// A program with an API key.
pub(crate) struct Program<'w> {
    world: &'w World,
    pub(crate) account: ServiceAccount,
    pub(crate) key: ApiKey,
    pub(crate) secret: String,
}

impl<'w> Custodian<'w> {
    /// An administrator.
    pub(crate) async fn root(world: &'w World) -> Self {
        Self(world.administrator().await)
    }

    /// The same person, handling roles.
    pub(crate) fn operator(&self) -> Operator<'w> {
        Operator(self.0.clone())
    }

    pub(crate) async fn create(&self, name: &str) -> Result<ServiceAccount, Status> {
        let account = ServiceAccount { name: name.to_owned(), ..ServiceAccount::default() };
        self.create_as("", account).await
    }

    pub(crate) async fn create_as(&self, request_id: &str, account: ServiceAccount) -> Result<ServiceAccount, Status> {
        let request = CreateServiceAccountRequest { service_account: Some(account), request_id: request_id.to_owned() };
        Ok(account_in(
            self.client().create_service_account(self.0.request(request)).await?.into_inner().service_account,
        ))
    }

    pub(crate) async fn get(&self, id: &str) -> Result<ServiceAccount, Status> {
        let request = GetServiceAccountRequest { id: id.to_owned() };
        Ok(account_in(self.client().get_service_account(self.0.request(request)).await?.into_inner().service_account))
    }

    pub(crate) async fn list(&self, page_size: i32, page_token: &str) -> Result<(Vec<String>, String), Status> {
        let request = ListServiceAccountsRequest { page_size, page_token: page_token.to_owned() };
        let page = self.client().list_service_accounts(self.0.request(request)).await?.into_inner();
        Ok((page.service_accounts.into_iter().map(|account| account.name).collect(), page.next_page_token))
    }

    pub(crate) async fn update(&self, account: ServiceAccount, paths: &[&str]) -> Result<ServiceAccount, Status> {
        let update_mask = Some(FieldMask { paths: paths.iter().map(|&path| path.to_owned()).collect() });
        let request =
            UpdateServiceAccountRequest { service_account: Some(account), update_mask, request_id: String::new() };
        Ok(account_in(
            self.client().update_service_account(self.0.request(request)).await?.into_inner().service_account,
        ))
    }

    pub(crate) async fn disable(&self, id: &str) -> Result<ServiceAccount, Status> {
        let request = DisableServiceAccountRequest { id: id.to_owned(), request_id: String::new() };
        Ok(account_in(
            self.client().disable_service_account(self.0.request(request)).await?.into_inner().service_account,
        ))
    }

    pub(crate) async fn enable(&self, id: &str) -> Result<ServiceAccount, Status> {
        let request = EnableServiceAccountRequest { id: id.to_owned(), request_id: String::new() };
        Ok(account_in(
            self.client().enable_service_account(self.0.request(request)).await?.into_inner().service_account,
        ))
    }

    pub(crate) async fn delete(&self, id: &str, etag: &str) -> Result<(), Status> {
        let request =
            DeleteServiceAccountRequest { id: id.to_owned(), etag: etag.to_owned(), request_id: String::new() };
        self.client().delete_service_account(self.0.request(request)).await.map(|_| ())
    }

    /// A new key for an account, with its secret.
    pub(crate) async fn create_key(&self, account_id: &str, scopes: &[&str]) -> Result<(ApiKey, String), Status> {
        self.create_key_as("", new_key(account_id, scopes)).await
    }

    pub(crate) async fn create_key_as(&self, request_id: &str, key: ApiKey) -> Result<(ApiKey, String), Status> {
        let request = CreateApiKeyRequest { api_key: Some(key), request_id: request_id.to_owned() };
        let response = self.client().create_api_key(self.0.request(request)).await?.into_inner();
        Ok((response.api_key.expect("a key"), response.secret))
    }

    pub(crate) async fn keys(&self, id: &str, page_size: i32, page_token: &str) -> Result<ListApiKeysResponse, Status> {
        let page_token = page_token.to_owned();
        let request = ListApiKeysRequest { service_account_id: id.to_owned(), page_size, page_token };
        Ok(self.client().list_api_keys(self.0.request(request)).await?.into_inner())
    }

    pub(crate) async fn revoke_key(&self, id: &str) -> Result<ApiKey, Status> {
        let request = RevokeApiKeyRequest { id: id.to_owned(), request_id: String::new() };
        Ok(self.client().revoke_api_key(self.0.request(request)).await?.into_inner().api_key.expect("a key"))
    }

    pub(crate) fn client(&self) -> ServiceAccountServiceClient<Channel> {
        ServiceAccountServiceClient::new(self.0.channel())
    }

    /// A program whose account has this role and whose key is limited to these scopes.
    pub(crate) async fn program(&self, world: &'w World, role: &str, scopes: &[&str]) -> Program<'w> {
        let account = self.create(&format!("{role}-program")).await.unwrap();
        self.give_role(&account.id, role).await.unwrap();
        let (key, secret) = self.create_key(&account.id, scopes).await.unwrap();
        Program { world, account, key, secret }
    }

    /// Gives an account a role, by the name of the role.
    pub(crate) async fn give_role(&self, account_id: &str, role: &str) -> Result<(), Status> {
        let request = self.0.request(ListRolesRequest { page_size: 1000, page_token: String::new() });
        let roles = self.operator().client().list_roles(request).await?.into_inner().roles;
        let role = roles.into_iter().find(|known| known.name == role).expect("the role exists");
        self.operator().grant_to_service(&role.id, account_id).await
    }
}

impl<'w> Program<'w> {
    /// Exchanges the key.
    pub(crate) async fn exchange(&self) -> Result<ExchangeApiKeyResponse, Status> {
        exchange(self.world, ExchangeApiKeyRequest { api_key: self.secret.clone(), ..Default::default() }).await
    }

    /// Exchanges the key for a token that is limited to these scopes.
    pub(crate) async fn exchange_for(&self, scopes: &[&str]) -> Result<ExchangeApiKeyResponse, Status> {
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        exchange(self.world, ExchangeApiKeyRequest { api_key: self.secret.clone(), scopes, ..Default::default() }).await
    }

    /// The program with a token of now, as a caller.
    pub(crate) async fn caller(&self) -> Device<'w> {
        self.calling_with(&self.exchange().await.unwrap().access_token)
    }

    /// The program with this token, as a caller.
    pub(crate) fn calling_with(&self, access_token: &str) -> Device<'w> {
        let tokens = Tokens { access_token: access_token.to_owned(), ..Tokens::default() };
        self.world.stranger("program").with_tokens(tokens)
    }
}

/// What `ExchangeApiKey` answers to this request.
pub(crate) async fn exchange(world: &World, request: ExchangeApiKeyRequest) -> Result<ExchangeApiKeyResponse, Status> {
    Ok(TokenServiceClient::new(world.replica().channel.clone()).exchange_api_key(request).await?.into_inner())
}

/// A key as a request says it.
pub(crate) fn new_key(account_id: &str, scopes: &[&str]) -> ApiKey {
    let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
    ApiKey { service_account_id: account_id.to_owned(), scopes, ..ApiKey::default() }
}

/// The only field of most responses.
fn account_in(account: Option<ServiceAccount>) -> ServiceAccount {
    account.expect("a service account")
}

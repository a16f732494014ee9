//! An installation with people in it, and what those who call it hold.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use ipse::proto::auth_service_client::AuthServiceClient;
use ipse::proto::login_response::Result as LoginResult;
use ipse::proto::service_account_service_client::ServiceAccountServiceClient;
use ipse::proto::token_service_client::TokenServiceClient;
use ipse::proto::user_service_client::UserServiceClient;
use ipse::proto::{
    ApiKey, CreateApiKeyRequest, CreateServiceAccountRequest, ExchangeApiKeyRequest, ImportUsersRequest,
    ListUsersRequest, LoginRequest, ResetPasswordRequest, ServiceAccount, Tokens, UserRecord,
};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::people::{self, PASSWORD, Passkey};
use crate::server::{self, Server};
use crate::{Failure, progress};

/// People who are signed in and refresh, and people who are and do not.
const REFRESHING: usize = 192;
const SIGNED_IN: usize = 64;
const ADMINISTRATOR: &str = "root@example.com";

/// Everything that cases call with.
pub(crate) struct World {
    pub(crate) people: usize,
    /// Ids of some of them.
    pub(crate) ids: Vec<String>,
    /// Of sessions that nobody refreshes.
    pub(crate) signed_in: Vec<Tokens>,
    /// Refresh tokens that were not used yet.
    pub(crate) refresh_tokens: Pool<String>,
    pub(crate) passkeys: Vec<Passkey>,
    pub(crate) administrator: MetadataValue<Ascii>,
    pub(crate) api_key: String,
    numbers: AtomicUsize,
}

impl World {
    /// Brings people into an empty installation.
    pub(crate) async fn fill(
        server: &Server,
        people: usize,
        run: (&Path, &Path, &[(&'static str, String)]),
    ) -> Result<Self, Failure> {
        let channel = server.channels[0].clone();
        let administrator = bearer(&first_administrator(&channel, run).await?)?;
        progress::say(&format!("importing {people} people"));
        let passkeys = (0..people::WITH_PASSKEYS).map(|_| Passkey::new()).collect::<Result<Vec<_>, _>>()?;
        import(&channel, &administrator, people::rows(people, &passkeys)?).await?;
        let ids = some_ids(&channel, &administrator).await?;
        let api_key = new_api_key(&channel, &administrator).await?;
        progress::say("signing some of them in");
        let numbers = 0..REFRESHING + SIGNED_IN;
        let sessions = numbers.map(|number| sign_in(channel.clone(), people::email('p', number)));
        let mut sessions: Vec<Tokens> = stream::iter(sessions).buffered(32).try_collect().await?;
        let signed_in = sessions.split_off(REFRESHING);
        let refresh_tokens = Pool::default();
        for tokens in sessions {
            refresh_tokens.put(tokens.refresh_token);
        }
        let numbers = AtomicUsize::new(REFRESHING + SIGNED_IN);
        Ok(Self { people, ids, signed_in, refresh_tokens, passkeys, administrator, api_key, numbers })
    }

    /// A number that was not drawn before.
    pub(crate) fn next(&self) -> usize {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// A request of the administrator.
    pub(crate) fn administered<T>(&self, message: T) -> Request<T> {
        with_bearer(message, self.administrator.clone())
    }

    pub(crate) async fn exchange(&self, channel: Channel) -> Result<String, Status> {
        let request = ExchangeApiKeyRequest { api_key: self.api_key.clone(), ..ExchangeApiKeyRequest::default() };
        Ok(TokenServiceClient::new(channel).exchange_api_key(request).await?.into_inner().access_token)
    }
}

/// Things of which each is held by one call at a time.
pub(crate) struct Pool<T>(Mutex<VecDeque<T>>);

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Pool<T> {
    /// The one that was put back first.
    pub(crate) fn take(&self) -> Option<T> {
        self.0.lock().ok()?.pop_front()
    }

    pub(crate) fn put(&self, thing: T) {
        if let Ok(mut things) = self.0.lock() {
            things.push_back(thing);
        }
    }

    pub(crate) fn clear(&self) {
        if let Ok(mut things) = self.0.lock() {
            things.clear();
        }
    }
}

pub(crate) fn bearer(token: &str) -> Result<MetadataValue<Ascii>, Failure> {
    Ok(format!("Bearer {token}").parse()?)
}

pub(crate) fn with_bearer<T>(message: T, bearer: MetadataValue<Ascii>) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", bearer);
    request
}

/// A request of a client that has an address of its own, as the trusted proxy tells: nobody shares its limits.
pub(crate) fn from_afar<T>(message: T, number: usize) -> Request<T> {
    let mut request = Request::new(message);
    let address = format!("10.{}.{}.{}", number >> 16 & 255, number >> 8 & 255, number & 255);
    if let Ok(address) = address.parse() {
        request.metadata_mut().insert("x-forwarded-for", address);
    }
    request
}

async fn first_administrator(
    channel: &Channel,
    (binary, folder, settings): (&Path, &Path, &[(&'static str, String)]),
) -> Result<String, Failure> {
    let mut command = server::command(binary, folder, settings);
    let output = command.args(["admin", "create", "--dev", "--email", ADMINISTRATOR]).output()?;
    let told = String::from_utf8_lossy(&output.stdout);
    let token = told.lines().map(str::trim).find(|line| line.len() == 43 && !line.contains(' '));
    let token = token.ok_or_else(|| format!("no administrator: {told}{}", String::from_utf8_lossy(&output.stderr)))?;
    let request = ResetPasswordRequest {
        token: token.to_owned(),
        new_password: PASSWORD.to_owned(),
        ..ResetPasswordRequest::default()
    };
    AuthServiceClient::new(channel.clone()).reset_password(request).await?;
    Ok(sign_in(channel.clone(), ADMINISTRATOR.to_owned()).await?.access_token)
}

async fn sign_in(channel: Channel, identifier: String) -> Result<Tokens, Failure> {
    let request = LoginRequest { identifier, password: PASSWORD.to_owned(), ..LoginRequest::default() };
    match AuthServiceClient::new(channel).login(request).await?.into_inner().result {
        Some(LoginResult::Tokens(tokens)) => Ok(tokens),
        _ => Err("a sign-in with a password alone gave no tokens".into()),
    }
}

async fn import(channel: &Channel, bearer: &MetadataValue<Ascii>, rows: Vec<UserRecord>) -> Result<(), Failure> {
    let batches: Vec<_> = rows
        .chunks(100)
        .map(|rows| ImportUsersRequest { rows: rows.to_vec(), ..ImportUsersRequest::default() })
        .collect();
    let request = with_bearer(tokio_stream::iter(batches), bearer.clone());
    let mut answers = UserServiceClient::new(channel.clone()).import_users(request).await?.into_inner();
    while let Some(answer) = answers.message().await? {
        if let Some(refusal) = answer.refusals.first() {
            return Err(format!("the server refused to import somebody: {refusal:?}").into());
        }
    }
    Ok(())
}

async fn some_ids(channel: &Channel, bearer: &MetadataValue<Ascii>) -> Result<Vec<String>, Failure> {
    let (mut ids, mut page_token) = (Vec::new(), String::new());
    while ids.len() < 1000 {
        let request = ListUsersRequest { page_size: 100, page_token, ..ListUsersRequest::default() };
        let page = UserServiceClient::new(channel.clone()).list_users(with_bearer(request, bearer.clone())).await?;
        let page = page.into_inner();
        ids.extend(page.users.into_iter().map(|user| user.id));
        page_token = page.next_page_token;
    }
    Ok(ids)
}

async fn new_api_key(channel: &Channel, bearer: &MetadataValue<Ascii>) -> Result<String, Failure> {
    let mut accounts = ServiceAccountServiceClient::new(channel.clone());
    let service_account = Some(ServiceAccount { name: "orders".to_owned(), ..ServiceAccount::default() });
    let request = CreateServiceAccountRequest { service_account, ..CreateServiceAccountRequest::default() };
    let made = accounts.create_service_account(with_bearer(request, bearer.clone())).await?.into_inner();
    let service_account_id = made.service_account.ok_or("no service account")?.id;
    let request = CreateApiKeyRequest {
        api_key: Some(ApiKey { service_account_id, ..ApiKey::default() }),
        ..CreateApiKeyRequest::default()
    };
    Ok(accounts.create_api_key(with_bearer(request, bearer.clone())).await?.into_inner().secret)
}

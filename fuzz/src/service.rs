//! The whole service as production wires it, on a SQLite database of its own, with an administrator who is signed in.

use std::ffi::OsString;
use std::net::SocketAddr;

use bytes::{Buf as _, BufMut as _};
use ipse::application::administrators::Appointment;
use ipse::composition::{self, App, Overrides};
use ipse::config::{LoadOptions, Settings};
use ipse::domain::account::email::EmailAddress;
use ipse::proto::auth_service_client::AuthServiceClient;
use ipse::proto::login_response::Result as LoginResult;
use ipse::proto::{LoginRequest, ResetPasswordRequest, Tokens};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

/// Who may do everything.
pub const EMAIL: &str = "root@example.com";
/// How they prove it.
pub const PASSWORD: &str = "the long way home of root";

/// A service that runs on this thread while it is called.
pub struct Service {
    pub runtime: Runtime,
    pub channel: Channel,
    pub address: SocketAddr,
    pub tokens: Tokens,
    pub folder: TempDir,
}

impl Service {
    /// Starts one, which takes about a second.
    pub fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(&folder);
        let (channel, address, tokens) = runtime.block_on(async {
            composition::migrate(&settings.database, None).await.unwrap();
            let email = EmailAddress::parse(EMAIL).unwrap();
            let appointment = composition::appoint_administrator(&settings, email).await.unwrap();
            let Appointment::Invited { invitation, .. } = appointment else { panic!("the database is new") };
            let app = App::build(&settings, Overrides::default()).await.unwrap();
            app.begin().await.unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(app.serve(listener, std::future::pending()));
            let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
            let tokens = sign_in(AuthServiceClient::new(channel.clone()), invitation.expose()).await;
            (channel, address, tokens)
        });
        Self { runtime, channel, address, tokens, folder }
    }

    /// The answers to a message that may be none: the first, as others may never come.
    pub async fn call(&self, path: &str, request: Request<Vec<u8>>) -> Result<Option<Vec<u8>>, Status> {
        let mut client = tonic::client::Grpc::new(self.channel.clone());
        client.ready().await.unwrap();
        let path = path.parse().unwrap();
        client.server_streaming(request, path, Raw).await?.into_inner().message().await
    }
}

async fn sign_in(mut auth: AuthServiceClient<Channel>, invitation: &str) -> Tokens {
    let (token, new_password) = (invitation.to_owned(), PASSWORD.to_owned());
    auth.reset_password(ResetPasswordRequest { token, new_password, ..Default::default() }).await.unwrap();
    let (identifier, password) = (EMAIL.to_owned(), PASSWORD.to_owned());
    let login = auth.login(LoginRequest { identifier, password, ..Default::default() }).await.unwrap();
    let Some(LoginResult::Tokens(tokens)) = login.into_inner().result else { panic!("there is no second factor") };
    tokens
}

fn settings(folder: &TempDir) -> Settings {
    let database = format!("sqlite:{}", folder.path().join("ipse.db").display());
    let given = [
        ("DATABASE_URL", database.as_str()),
        ("MASTER_KEY", "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY="),
        ("ISSUER", "https://id.example"),
        ("AUDIENCES", "orders"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
        ("GATEWAYS", "127.0.0.0/8"),
        ("MFA", "optional"),
        ("PLAINTEXT", "true"),
        ("HASHING_THREADS", "1"),
        ("SMTP_URL", "smtps://mail.example"),
        ("MAIL_FROM", "ipse@id.example"),
    ];
    let environment = given.map(|(name, value)| (OsString::from(format!("IPSE_{name}")), OsString::from(value)));
    Settings::load(LoadOptions { environment: environment.into(), ..LoadOptions::default() }).unwrap()
}

/// Messages as bytes.
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining()).into()))
    }
}

//! A relay between a store and PostgreSQL that hears the statements with their values, so that the server can be asked
//! how it works on the very same ones.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex};

use bytes::{Buf, BytesMut};
use ipse::domain::secret::Secret;
use ipse::infrastructure::store::{DatabaseSettings, DatabaseUrl};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::io::{self, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio_postgres::config::Host;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Config};

use super::database::Database;

/// A relay to the server of one database. It listens in plain text and speaks so.
pub(crate) struct Wiretap {
    /// The database, as reached through the relay.
    pub(crate) settings: DatabaseSettings,
    heard: Arc<Mutex<Vec<Statement>>>,
}

/// A statement with its values, in the binary form of the protocol.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    /// How many times it was used since it was prepared.
    pub(crate) uses: u32,
    types: Vec<Type>,
    values: Vec<Value>,
}

#[derive(Debug, Clone)]
struct Value(Option<Vec<u8>>);

impl Wiretap {
    /// A relay to the server of this database.
    pub(crate) async fn on(database: &Database) -> Self {
        let DatabaseUrl::Postgres(url) = &database.settings.url else { panic!("only PostgreSQL is tapped") };
        let config: Config = url.expose().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let user = encoded(config.get_user().unwrap_or_default());
        let password = encoded(&String::from_utf8_lossy(config.get_password().unwrap_or_default()));
        let address = listener.local_addr().unwrap();
        let name = config.get_dbname().unwrap_or_default();
        let url = Secret::new(format!("postgres://{user}:{password}@{address}/{name}?sslmode=disable"));
        let heard = Arc::default();
        tokio::spawn(relay(listener, config, Arc::clone(&heard)));
        Self { settings: DatabaseSettings { url: DatabaseUrl::Postgres(url), ..database.settings.clone() }, heard }
    }

    /// What was heard since the last time.
    pub(crate) fn take(&self) -> Vec<Statement> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }
}

impl Statement {
    /// How the server works on it, as told by EXPLAIN while it does.
    pub(crate) async fn plan(&self, client: &Client) -> serde_json::Value {
        let explain = format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {}", self.sql);
        let explain = client.prepare_typed(&explain, &self.types).await.unwrap();
        let values: Vec<&(dyn ToSql + Sync)> = self.values.iter().map(|value| value as _).collect();
        let Plan(text) = client.query_one(&explain, &values).await.unwrap().get(0);
        serde_json::from_str(&text).unwrap()
    }
}

trait Stream: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Stream for T {}

async fn relay(listener: TcpListener, server: Config, heard: Arc<Mutex<Vec<Statement>>>) {
    while let Ok((client, _)) = listener.accept().await {
        client.set_nodelay(true).unwrap();
        let (mut from_server, to_server) = io::split(connect(&server).await);
        let (from_client, mut to_client) = client.into_split();
        tokio::spawn(async move { io::copy(&mut from_server, &mut to_client).await });
        tokio::spawn(listen(from_client, to_server, Arc::clone(&heard)));
    }
}

async fn connect(server: &Config) -> Box<dyn Stream + Unpin> {
    let port = server.get_ports().first().copied().unwrap_or(5432);
    match &server.get_hosts()[0] {
        Host::Tcp(host) => {
            let stream = TcpStream::connect((host.as_str(), port)).await.unwrap();
            stream.set_nodelay(true).unwrap();
            Box::new(stream)
        }
        Host::Unix(folder) => Box::new(UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).await.unwrap()),
    }
}

/// Passes messages on: the first has a length only, the others a letter and a length.
async fn listen(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    heard: Arc<Mutex<Vec<Statement>>>,
) -> io::Result<()> {
    let mut prepared = HashMap::new();
    to.write_all(&message(&mut from, 0).await?).await?;
    loop {
        let message = message(&mut from, 1).await?;
        let body = BytesMut::from(&message[5..]);
        match message[0] {
            b'P' => {
                let (name, statement) = parse(body);
                prepared.insert(name, statement);
            }
            b'B' => heard.lock().unwrap().push(bind(body, &mut prepared)),
            b'Q' => heard.lock().unwrap().push(simple(body)),
            _ => {}
        }
        to.write_all(&message).await?;
    }
}

/// The next message, whose length stands after so many letters and counts itself.
async fn message(from: &mut (impl AsyncRead + Unpin), letters: usize) -> io::Result<BytesMut> {
    let mut message = BytesMut::zeroed(letters + 4);
    from.read_exact(&mut message).await?;
    let length = (&message[letters..]).get_u32() as usize;
    message.resize(letters + length, 0);
    from.read_exact(&mut message[letters + 4..]).await?;
    Ok(message)
}

/// The name and the statement of a Parse message.
fn parse(mut body: BytesMut) -> (String, Statement) {
    let (name, sql) = (text(&mut body), text(&mut body));
    let types = (0..body.get_u16()).map(|_| Type::from_oid(body.get_u32()).unwrap_or(Type::UNKNOWN)).collect();
    (name, Statement { sql, uses: 0, types, values: Vec::new() })
}

/// The prepared statement with the values of a Bind message.
fn bind(mut body: BytesMut, prepared: &mut HashMap<String, Statement>) -> Statement {
    let (_portal, name) = (text(&mut body), text(&mut body));
    let formats: Vec<u16> = (0..body.get_u16()).map(|_| body.get_u16()).collect();
    assert!(formats.iter().all(|format| *format == 1), "the values are binary");
    let count = body.get_u16();
    let value = |_| {
        let length = body.get_i32();
        Value(usize::try_from(length).ok().map(|length| body.split_to(length).to_vec()))
    };
    let values = (0..count).map(value).collect();
    let statement = prepared.get_mut(&name).expect("a statement is prepared before it is used");
    statement.uses += 1;
    Statement { values, ..statement.clone() }
}

/// The statements of a Query message, which have no values.
fn simple(mut body: BytesMut) -> Statement {
    Statement { sql: text(&mut body), uses: 1, types: Vec::new(), values: Vec::new() }
}

fn text(body: &mut BytesMut) -> String {
    let end = body.iter().position(|byte| *byte == 0).expect("texts end with a zero");
    let text = String::from_utf8(body.split_to(end).to_vec()).unwrap();
    body.advance(1);
    text
}

impl ToSql for Value {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match &self.0 {
            Some(bytes) => {
                out.extend_from_slice(bytes);
                Ok(IsNull::No)
            }
            None => Ok(IsNull::Yes),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A value of type `json`.
struct Plan(String);

impl<'a> FromSql<'a> for Plan {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(String::from_utf8(raw.to_vec())?))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::JSON
    }
}

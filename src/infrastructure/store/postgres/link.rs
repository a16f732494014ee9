//! An open connection to a PostgreSQL server or a pooler, before it is anybody's.

use std::path::Path;

use futures_util::stream::{BoxStream, StreamExt, poll_fn};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::{MakeTlsConnect, TlsStream};
use tokio_postgres::{AsyncMessage, Client, Config, SimpleQueryMessage};

use super::advice::refused;
use super::wire::{LastError, Negotiator};
use crate::application::ports::StoreResult;
use crate::infrastructure::store::error::unavailable;

/// What the server says unasked. Whoever has it moves the bytes of the connection by reading it.
pub(super) type Messages = BoxStream<'static, Result<AsyncMessage, tokio_postgres::Error>>;

/// A connection, what moves its bytes, and the last error on it.
pub(super) struct Link {
    pub(super) client: Client,
    pub(super) messages: Messages,
    pub(super) last_error: LastError,
}

impl Link {
    /// Opens a connection, by the agreement of the negotiator.
    pub(super) async fn open(config: &Config, negotiator: &Negotiator) -> StoreResult<Self> {
        let last_error = LastError::default();
        let negotiator = Negotiator { last_error: last_error.clone(), ..negotiator.clone() };
        let (client, messages) = if let [Host::Unix(folder)] = config.get_hosts() {
            open_locally(config, folder, negotiator).await?
        } else {
            let (client, connection) = config.connect(negotiator).await.map_err(refused)?;
            (client, messages(connection))
        };
        Ok(Self { client, messages, last_error })
    }

    /// Asks something while the connection is nobody else's.
    pub(super) async fn ask(&mut self, question: &str) -> StoreResult<Vec<SimpleQueryMessage>> {
        let Self { client, messages, .. } = self;
        let asking = client.simple_query(question);
        let ending = async {
            loop {
                match messages.next().await {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return refused(error),
                    None => return unavailable("the server closed the connection"),
                }
            }
        };
        tokio::select! {
            biased;
            answer = asking => answer.map_err(refused),
            error = ending => Err(error),
        }
    }
}

/// The library gives sockets of this machine no TLS, and does not hand them over either.
async fn open_locally(config: &Config, folder: &Path, mut negotiator: Negotiator) -> StoreResult<(Client, Messages)> {
    negotiator.mode = SslMode::Disable;
    let port = config.get_ports().first().unwrap_or(&5432);
    let socket = UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).await.map_err(unavailable)?;
    let tls = MakeTlsConnect::<UnixStream>::make_tls_connect(&mut negotiator, "").map_err(unavailable)?;
    let (client, connection) = config.connect_raw(socket, tls).await.map_err(refused)?;
    Ok((client, messages(connection)))
}

fn messages<S, T>(mut connection: tokio_postgres::Connection<S, T>) -> Messages
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: TlsStream + Unpin + Send + 'static,
{
    poll_fn(move |cx| connection.poll_message(cx)).boxed()
}

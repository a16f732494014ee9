//! A relay in front of PostgreSQL, to break what is between it and the service.

use std::sync::Arc;

use ipse::domain::secret::Secret;
use ipse::infrastructure::store::{DatabaseSettings, DatabaseUrl};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use url::Url;

/// What the relay does with what it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Passes it on.
    Open,
    /// Takes it and says nothing, like a wire that is cut: nobody is told.
    Silent,
    /// Passes a COMMIT on, and closes the connection when its answer comes.
    LoseAnswer,
    /// Closes the connection in place of passing a COMMIT on.
    LoseCommit,
}

/// A relay on a port of its own.
pub(crate) struct Relay {
    mode: Arc<watch::Sender<Mode>>,
}

impl Relay {
    /// A relay in front of the server of these settings, which are changed to go through it.
    pub(crate) async fn before(settings: &mut DatabaseSettings) -> Self {
        let DatabaseUrl::Postgres(url) = &settings.url else { panic!("only PostgreSQL is at the end of a wire") };
        let mut url = Url::parse(url.expose()).unwrap();
        let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mode = Arc::new(watch::Sender::new(Mode::Open));
        tokio::spawn(accept(listener, server, mode.clone()));
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(port)).unwrap();
        settings.url = DatabaseUrl::Postgres(Secret::new(url.as_str()));
        Self { mode }
    }

    /// Passes everything on again. What was swallowed stays lost.
    pub(crate) fn open(&self) {
        self.mode.send_replace(Mode::Open);
    }

    pub(crate) fn fall_silent(&self) {
        self.mode.send_replace(Mode::Silent);
    }

    /// The next COMMIT is done, and whoever sent it never learns of it.
    pub(crate) fn lose_the_next_answer(&self) {
        self.mode.send_replace(Mode::LoseAnswer);
    }

    /// The next COMMIT never arrives.
    pub(crate) fn lose_the_next_commit(&self) {
        self.mode.send_replace(Mode::LoseCommit);
    }
}

async fn accept(listener: TcpListener, server: String, mode: Arc<watch::Sender<Mode>>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let (server, mode) = (server.clone(), mode.clone());
        tokio::spawn(async move {
            let Ok(server) = TcpStream::connect(server).await else { return };
            let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
            // Whichever way ends first ends both.
            tokio::select! {
                () = requests(from_client, to_server, &mode) => {}
                () = answers(from_server, to_client, &mode) => {}
            }
        });
    }
}

async fn requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mode: &watch::Sender<Mode>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let content = &buffer[..length];
        let is_commit = content.windows(7).any(|window| window == b"COMMIT\0");
        let now = *mode.borrow();
        match now {
            Mode::Silent => continue,
            Mode::LoseCommit if is_commit => {
                mode.send_replace(Mode::Open);
                return;
            }
            _ => {}
        }
        if to.write_all(content).await.is_err() {
            return;
        }
        if now == Mode::LoseAnswer && is_commit {
            // The other way reads the answer and ends the connection with it.
            std::future::pending::<()>().await;
        }
    }
}

async fn answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mode: &watch::Sender<Mode>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let content = &buffer[..length];
        let now = *mode.borrow();
        let is_answer_to_commit = content.windows(7).any(|window| window == b"COMMIT\0");
        match now {
            Mode::Silent => continue,
            Mode::LoseAnswer if is_answer_to_commit => {
                mode.send_replace(Mode::Open);
                return;
            }
            _ => {}
        }
        if to.write_all(content).await.is_err() {
            return;
        }
    }
}

//! A PostgreSQL server that says anything: whoever asks it gets an answer or an error, soon.
#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use ipse::domain::secret::Secret;
use ipse::infrastructure::store::{DatabaseSettings, DatabaseUrl, connect};
use ipse_fuzz::Input;
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_current_thread().enable_all().build().unwrap());
/// How long a question may take on a busy machine: its own limits are shorter.
const SOON: Duration = Duration::from_secs(10);
/// How long the server waits to be told something.
const PAUSE: Duration = Duration::from_millis(20);

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input(bytes);
    let mut parts = Vec::new();
    while !input.0.is_empty() && parts.len() < 32 {
        parts.push(input.part().to_vec());
    }
    RUNTIME.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("postgres://ipse:secret@{}/ipse?sslmode=disable", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = timeout(SOON, speak(stream, &parts)).await;
            }
        });
        let mut settings = DatabaseSettings::new(DatabaseUrl::Postgres(Secret::new(url)));
        (settings.acquire_timeout, settings.statement_timeout) =
            (Duration::from_millis(500), Duration::from_millis(500));
        let begin = Instant::now();
        if let Ok(store) = connect(&settings, Arc::new(())).await
            && let Ok(mut unit) = store.write().await
        {
            let _ = unit.signing_keys().list_signing_keys().await;
            let _ = unit.commit().await;
        }
        assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
        server.abort();
    });
});

/// Says one part after each thing that it is told, and then nothing more.
async fn speak(mut stream: TcpStream, parts: &[Vec<u8>]) -> std::io::Result<()> {
    for part in parts {
        if let Ok(Ok(0) | Err(_)) = timeout(PAUSE, stream.read(&mut [0; 4096])).await {
            return Ok(());
        }
        stream.write_all(part).await?;
    }
    stream.shutdown().await
}

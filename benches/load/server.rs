//! The release binary as a process.

use std::env;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::{Instant, sleep};
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::Failure;

/// The longest that a server may take to serve.
const MAX_START: Duration = Duration::from_secs(30);
/// Connections of the client, between which calls take turns.
const CONNECTIONS: usize = 8;
/// What the kernel counts the time of processes in, whatever the machine.
const TICK: Duration = Duration::from_millis(10);

/// The binary under load: `IPSE_BIN`, or what cargo has built for this, as `cargo build --release` would.
pub(crate) fn binary() -> Result<PathBuf, Failure> {
    let path = env::var_os("IPSE_BIN").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_ipse")), PathBuf::from);
    path.canonicalize().map_err(|error| format!("no binary at {} (IPSE_BIN): {error}", path.display()).into())
}

/// `ipse serve` with all that it keeps in one folder, until this value goes away.
pub(crate) struct Server {
    process: Child,
    pub(crate) channels: Vec<Channel>,
}

impl Server {
    /// Starts it and waits until it serves.
    pub(crate) async fn start(
        binary: &Path,
        folder: &Path,
        settings: &[(&'static str, String)],
    ) -> Result<Self, Failure> {
        let address = format!("127.0.0.1:{}", free_port()?);
        let log_file = folder.join("log");
        let log = File::options().create(true).append(true).open(&log_file)?;
        let process = command(binary, folder, settings)
            .args(["serve", "--dev"])
            .envs([("IPSE_GRPC_LISTEN", &*address), ("IPSE_HTTP_LISTEN", "off"), ("IPSE_LOG_FORMAT", "json")])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut server = Self { process, channels: Vec::new() };
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?.tcp_nodelay(true);
        let begun = Instant::now();
        while !serves(&endpoint).await {
            if let Some(status) = server.process.try_wait()? {
                return Err(format!("the server ended with {status}:\n{}", fs::read_to_string(&log_file)?).into());
            }
            if begun.elapsed() > MAX_START {
                return Err(format!("the server does not serve:\n{}", fs::read_to_string(&log_file)?).into());
            }
            sleep(Duration::from_millis(5)).await;
        }
        server.channels = try_join_all((0..CONNECTIONS).map(|_| endpoint.connect())).await?;
        Ok(server)
    }

    /// The processor time that the process has taken so far.
    pub(crate) fn cpu(&self) -> Result<Duration, Failure> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        // The name of the program, in parentheses, may have spaces in it.
        let (_, fields) = stat.rsplit_once(") ").ok_or("/proc has another form")?;
        let ticks =
            |at| fields.split(' ').nth(at).ok_or("/proc has another form")?.parse::<u32>().map_err(Failure::from);
        Ok(TICK * (ticks(11)? + ticks(12)?))
    }

    /// The greatest resident memory so far, in KiB.
    pub(crate) fn peak_memory(&self) -> Result<u64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("/proc has another form")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ended by itself, or ends now.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A command of the binary, with these settings and nothing of the environment that could be one.
pub(crate) fn command(binary: &Path, folder: &Path, settings: &[(&'static str, String)]) -> Command {
    let kept = ["PATH", "HOME", "LANG"].map(|name| (name, env::var_os(name).unwrap_or_default()));
    let mut command = Command::new(binary);
    command.current_dir(folder).env_clear().envs(kept).envs(settings.iter().cloned());
    command
}

async fn serves(endpoint: &Endpoint) -> bool {
    let Ok(channel) = endpoint.connect().await else { return false };
    HealthClient::new(channel).check(HealthCheckRequest::default()).await.is_ok()
}

fn free_port() -> Result<u16, Failure> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

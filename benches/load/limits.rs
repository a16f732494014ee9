//! What calls could cost at best: each limit is measured beside the case that it limits, in the same run.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use diesel::{Connection as _, RunQueryDsl as _, SqliteConnection, sql_query};
use futures_util::FutureExt as _;
use tempfile::TempDir;
use tokio::time::Instant;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::Failure;
use crate::drive::{self, Call};
use crate::people;
use crate::postgres;
use crate::server::Server;
use crate::store::Store;

/// Calls of a case that takes no hash and no commit, and of the no-op, that are in flight at once.
pub(crate) const IN_FLIGHT: usize = 128;
/// As many as the server has connections to PostgreSQL.
const PGBENCH_CLIENTS: &str = "16";

/// What a case is measured against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Limit {
    /// A call of the same server that does nothing: the health check.
    NoOp,
    /// Hashes of the same cost on all cores, without a server.
    Argon2,
    /// Bare durable transactions of one row: with SQLite one after the other, with PostgreSQL by pgbench.
    Commit,
    /// What the case asks of PostgreSQL, by pgbench. It takes one of the scripts for each transaction.
    Pgbench(&'static str, Vec<String>),
}

impl Limit {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::NoOp => "no-op",
            Self::Argon2 => "argon2",
            Self::Commit => "commit",
            Self::Pgbench(what, _) => what,
        }
    }

    /// Whether the server itself does the work.
    pub(crate) const fn is_of_server(&self) -> bool {
        matches!(self, Self::NoOp)
    }

    /// A turn of it: how many a second.
    pub(crate) async fn turn(&self, server: &Server, store: &Store, time: Duration) -> Result<f64, Failure> {
        match self {
            Self::NoOp => Ok(drive::closed(&no_op(), &server.channels, IN_FLIGHT, time).await?.rate()),
            Self::Argon2 => blocking(move || hashes(time)).await,
            Self::Commit => match store {
                Store::Sqlite { file } => {
                    let file = file.with_file_name("limit.db");
                    blocking(move || sqlite_commits(&file, time)).await
                }
                Store::Postgres(postgres) => {
                    postgres
                        .client
                        .batch_execute("CREATE TABLE IF NOT EXISTS pgbench_row (value bytea NOT NULL)")
                        .await?;
                    let insert = "INSERT INTO pgbench_row VALUES (decode(repeat('ab', 200), 'hex'));\n";
                    pgbench(&store.url(false), vec![insert.to_owned()], time).await
                }
            },
            Self::Pgbench(_, scripts) => pgbench(&store.url(false), scripts.clone(), time).await,
        }
    }
}

/// The call that does nothing.
pub(crate) fn no_op() -> Call {
    Arc::new(|channel| {
        let check = async move { HealthClient::new(channel).check(HealthCheckRequest::default()).await };
        check.map(|answer| answer.map(|_| true)).boxed()
    })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await?
}

/// Hashes on as many threads as the server has for it.
fn hashes(time: Duration) -> Result<f64, Failure> {
    let threads = thread::available_parallelism()?.get();
    let begun = Instant::now();
    let count = thread::scope(|scope| {
        let hash = || -> Result<u32, Failure> {
            let (mut blocks, mut count) = (people::blocks(), 0);
            while begun.elapsed() < time {
                people::hash(&mut blocks)?;
                count += 1;
            }
            Ok(count)
        };
        let hashing: Vec<_> = (0..threads).map(|_| scope.spawn(hash)).collect();
        hashing
            .into_iter()
            .map(|one| -> Result<u32, Failure> { one.join().map_err(|_| "a thread that hashes broke down")? })
            .sum::<Result<u32, _>>()
    })?;
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}

fn sqlite_commits(file: &Path, time: Duration) -> Result<f64, Failure> {
    let mut database = SqliteConnection::establish(&file.to_string_lossy())?;
    sql_query("PRAGMA journal_mode = WAL").execute(&mut database)?;
    sql_query("PRAGMA synchronous = FULL").execute(&mut database)?;
    sql_query("CREATE TABLE IF NOT EXISTS row (value BLOB NOT NULL)").execute(&mut database)?;
    let (begun, mut count) = (Instant::now(), 0_u32);
    while begun.elapsed() < time {
        sql_query("INSERT INTO row VALUES (zeroblob(200))").execute(&mut database)?;
        count += 1;
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}

async fn pgbench(url: &str, scripts: Vec<String>, time: Duration) -> Result<f64, Failure> {
    let program = postgres::programs().map(|folder| folder.join("pgbench")).filter(|file| file.is_file());
    let program = program.ok_or("there is no pgbench beside PostgreSQL's other programs")?;
    let (url, seconds) = (url.to_owned(), time.as_secs().max(1).to_string());
    blocking(move || {
        let folder = TempDir::new()?;
        let names = (0..scripts.len()).map(|number| folder.path().join(format!("{number}.sql"))).collect::<Vec<_>>();
        names.iter().zip(scripts).try_for_each(|(name, script)| fs::write(name, script))?;
        let mut command = Command::new(program);
        command.args([
            "--no-vacuum",
            "--protocol=prepared",
            "--jobs=2",
            "--client",
            PGBENCH_CLIENTS,
            "--time",
            &seconds,
        ]);
        for name in &names {
            command.arg("--file").arg(name);
        }
        tps(&command.arg(url).env("LC_ALL", "C").output()?)
    })
    .await
}

fn tps(output: &std::process::Output) -> Result<f64, Failure> {
    let told = String::from_utf8_lossy(&output.stdout);
    let rate = told.lines().find_map(|line| line.strip_prefix("tps = "));
    let rate = rate.and_then(|rate| rate.split(' ').next()?.parse().ok()).filter(|_| output.status.success());
    rate.ok_or_else(|| format!("pgbench failed: {}", String::from_utf8_lossy(&output.stderr)).into())
}

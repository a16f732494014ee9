//! Puts load on the release binary and tells what calls cost, beside what they could cost at best.
//!
//! `benches/README.md` says what is measured and how to read it; `cargo bench --bench load -- --help` what can be asked for.

#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

mod cases;
mod drive;
mod limits;
mod measure;
mod options;
mod people;
mod plot;
#[path = "../../tests/it/support/postgres.rs"]
#[expect(dead_code, clippy::expect_used, reason = "the tests' own, who need more of it")]
mod postgres;
mod progress;
mod relay;
mod report;
mod server;
mod store;
mod targets;
mod world;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use tempfile::TempDir;

use crate::measure::Stage;
use crate::options::{Options, StoreKind};
use crate::report::{Machine, Measured, Report};
use crate::server::Server;
use crate::store::Store;
use crate::world::World;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Options::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            progress::say(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Whether all bounds hold, and everything was measured.
async fn run(options: &Options) -> Result<bool, Failure> {
    if let [before, after] = &options.compare[..] {
        println!("{}", report::compare(&Report::read(before)?, &Report::read(after)?));
        return Ok(true);
    }
    let binary = server::binary()?;
    let machine = Machine::this()?;
    println!("{}; client, server and database share them", machine.describe());
    let mut report = Report { machine, quick: options.quick, people: options.people, stores: Vec::new() };
    let mut is_good = true;
    for kind in options.stores() {
        progress::say(&format!("{}:", kind.name()));
        let measured = measure_store(kind, &binary, options).await?;
        let (targets, hold) = targets::judge(&measured);
        println!("\n{}\n\n{}\n\n{targets}", measured.store, report::table(&measured));
        for (case, why) in &measured.failed {
            println!("\n{case} could not be measured: {why}");
        }
        is_good &= hold && measured.failed.is_empty();
        report.stores.push(measured);
    }
    if let Some(file) = &options.json {
        report.write(file)?;
    }
    if let Some(folder) = &options.svg {
        plot::draw(&report.stores, folder)?;
    }
    Ok(is_good)
}

async fn measure_store(kind: StoreKind, binary: &Path, options: &Options) -> Result<Measured, Failure> {
    let folder = TempDir::with_prefix_in("load-", env!("CARGO_TARGET_TMPDIR"))?;
    let store = Store::create(kind, folder.path()).await?;
    let settings = settings(store.url(false));
    let here = Server::start(binary, folder.path(), &settings).await?;
    let there = Server::start(binary, folder.path(), &self::settings(store.url(true))).await?;
    let people = usize::try_from(options.people)?;
    let world = Arc::new(World::fill(&here, people, (binary, folder.path(), &settings)).await?);
    let cases = cases::all(kind, &world, [&here.channels, &there.channels]).await?;
    let stage = Stage { here, there, store };
    let mut measured =
        Measured { store: kind.name().to_owned(), cases: Vec::new(), failed: Vec::new(), peak_memory: 0 };
    for case in cases.iter().filter(|case| options.wants(case.name)) {
        match measure::measure(case, &stage, options.plan()).await {
            Ok(figures) => measured.cases.push(figures),
            Err(error) => measured.failed.push((case.name.to_owned(), error.to_string())),
        }
    }
    measured.peak_memory = stage.here.peak_memory()?;
    Ok(measured)
}

/// What both servers are told beside their addresses. Hashes cost what they cost by default.
fn settings(database_url: String) -> Vec<(&'static str, String)> {
    vec![
        ("IPSE_DATABASE_URL", database_url),
        // Tokens outlive the run, and clients may tell of addresses of their own.
        ("IPSE_ACCESS_TOKEN_LIFETIME", "60m".to_owned()),
        ("IPSE_TRUSTED_PROXIES", "127.0.0.0/8".to_owned()),
        ("IPSE_UNVERIFIED_SIGN_IN", "false".to_owned()),
        ("IPSE_REFLECTION", "false".to_owned()),
    ]
}

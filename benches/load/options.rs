//! What the command line asks for.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::cases;

/// Puts load on the release binary, which it starts itself, and tells what calls cost beside what they could cost at best
#[derive(Debug, Parser)]
#[command(name = "cargo bench --bench load --", version, after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// The store behind the server; both, one after the other, unless told
    #[arg(long, value_enum)]
    pub(crate) store: Option<StoreKind>,
    /// These cases only
    #[arg(long, num_args = 1.., value_name = "CASE", value_parser = cases::NAMES)]
    pub(crate) only: Vec<String>,
    /// A few seconds for each case: for ratios, not for absolute figures
    #[arg(long)]
    pub(crate) quick: bool,
    /// How many people there are
    #[arg(long, value_name = "COUNT", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1000..))]
    pub(crate) people: u32,
    /// Writes everything that was measured to a file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Draws what was measured into a folder
    #[arg(long, value_name = "DIR")]
    pub(crate) svg: Option<PathBuf>,
    /// Measures nothing, and prints the second of two files as ratios to the first
    #[arg(long, num_args = 2, value_names = ["A.json", "B.json"], conflicts_with_all = ["store", "only", "quick", "json", "svg"])]
    pub(crate) compare: Vec<PathBuf>,
    /// Cargo adds this flag.
    #[arg(long, hide = true)]
    bench: bool,
}

const AFTER_HELP: &str = "\
IPSE_BIN names another binary than the one that cargo builds for this; IPSE_TEST_POSTGRES_BIN names the folder of PostgreSQL's
programs. The exit code is 1 if a bound of benches/load/targets.rs is broken. See benches/README.md.";

/// What keeps the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StoreKind {
    /// A file in a folder of its own
    Sqlite,
    /// A server with an empty cluster of its own
    Postgres,
}

impl StoreKind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// How long is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Turns of the case, and of its limit between them.
    pub(crate) rounds: usize,
    /// How long each turn is.
    pub(crate) turn: Duration,
    /// How long calls arrive at a fixed rate.
    pub(crate) arrivals: Duration,
}

impl Options {
    pub(crate) fn stores(&self) -> Vec<StoreKind> {
        self.store.map_or_else(|| vec![StoreKind::Sqlite, StoreKind::Postgres], |one| vec![one])
    }

    pub(crate) fn wants(&self, case: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == case)
    }

    pub(crate) const fn plan(&self) -> Plan {
        if self.quick {
            Plan { rounds: 5, turn: Duration::from_millis(700), arrivals: Duration::from_secs(2) }
        } else {
            Plan { rounds: 7, turn: Duration::from_secs(2), arrivals: Duration::from_secs(10) }
        }
    }
}

//! What was measured, as it is kept, printed and compared.

use std::fs;
use std::path::Path;
use std::thread;

use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::drive::Latencies;
use crate::store::pages;

/// A whole run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) quick: bool,
    pub(crate) people: u32,
    pub(crate) stores: Vec<Measured>,
}

/// What it ran on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    processor: String,
    cores: usize,
    /// How many programs wanted to run just before.
    load: String,
}

/// All cases on one store.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) store: String,
    pub(crate) cases: Vec<Figures>,
    /// Cases that could not be measured, and why.
    pub(crate) failed: Vec<(String, String)>,
    /// The greatest resident memory of the server, in KiB.
    pub(crate) peak_memory: u64,
}

/// One case.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) case: String,
    /// Calls in a second.
    pub(crate) rate: f64,
    /// What it is measured against, how much of that is done in a second, and the ratio.
    pub(crate) limit: String,
    pub(crate) limit_rate: f64,
    pub(crate) ratio: f64,
    /// Processor time of the server for a call, and for one that does nothing.
    pub(crate) cpu_micros: f64,
    pub(crate) limit_cpu_micros: Option<f64>,
    pub(crate) counted: Counted,
    pub(crate) latency: Latency,
}

/// What single calls do.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Counted {
    /// What a call asks of PostgreSQL.
    pub(crate) statements: Option<u64>,
    pub(crate) round_trips: Option<u64>,
    /// How many milliseconds a call takes longer where the database is a millisecond further away.
    pub(crate) far_ms: Option<f64>,
    /// What a call has the database write into its log, with all that follows from it.
    pub(crate) log_bytes: f64,
}

/// How long calls take that arrive at a fixed rate, in milliseconds.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) rate: f64,
    pub(crate) failed: u64,
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
    /// Points of the whole distribution: the share of calls that take at most so long.
    pub(crate) points: Vec<(f64, f64)>,
}

impl Latency {
    pub(crate) fn of(rate: f64, latencies: &Latencies) -> Self {
        let quantiles = [0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 1.0];
        Self {
            rate,
            failed: latencies.failed,
            p50: latencies.at(0.5),
            p95: latencies.at(0.95),
            p99: latencies.at(0.99),
            points: quantiles.map(|quantile| (quantile, latencies.at(quantile))).to_vec(),
        }
    }
}

impl Machine {
    pub(crate) fn this() -> Result<Self, Failure> {
        let processors = fs::read_to_string("/proc/cpuinfo")?;
        let name =
            processors.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(": "));
        let load = fs::read_to_string("/proc/loadavg")?;
        Ok(Self {
            processor: name.map_or("an unknown processor", |(_, name)| name).to_owned(),
            cores: thread::available_parallelism()?.get(),
            load: load.split(' ').next().unwrap_or_default().to_owned(),
        })
    }

    pub(crate) fn describe(&self) -> String {
        format!("{} cores of {}, load {} before the run", self.cores, self.processor, self.load)
    }
}

impl Report {
    pub(crate) fn read(file: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{} is no report: {error}", file.display()).into())
    }

    pub(crate) fn write(&self, file: &Path) -> Result<(), Failure> {
        fs::write(file, serde_json::to_string_pretty(self)?).map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(())
    }
}

const HEAD: [&str; 14] = [
    "case",
    "calls/s",
    "limit",
    "limit/s",
    "ratio",
    "CPU µs",
    "at/s",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "stmts",
    "trips",
    "ms at 1 ms",
    "log bytes",
];

/// The table of one store.
pub(crate) fn table(measured: &Measured) -> String {
    let rows = measured.cases.iter().map(|figures| {
        let Figures { case, rate, limit, limit_rate, ratio, cpu_micros, counted, latency, .. } = figures;
        let count = |count: Option<u64>| count.map_or_else(|| "–".to_owned(), |count| count.to_string());
        [
            case.clone(),
            format!("{rate:.0}"),
            limit.clone(),
            format!("{limit_rate:.0}"),
            format!("{ratio:.2}"),
            format!("{cpu_micros:.0}"),
            format!("{:.0}{}", latency.rate, if latency.failed > 0 { "!" } else { "" }),
            format!("{:.2}", latency.p50),
            format!("{:.2}", latency.p95),
            format!("{:.2}", latency.p99),
            count(counted.statements),
            count(counted.round_trips),
            counted.far_ms.map_or_else(|| "–".to_owned(), |far| format!("{far:.1}")),
            written(&measured.store, counted.log_bytes),
        ]
    });
    align(&[HEAD.map(str::to_owned)].into_iter().chain(rows).collect::<Vec<_>>())
}

fn written(store: &str, bytes: f64) -> String {
    if store == "sqlite" { format!("{bytes:.0} ({:.1} p)", pages(bytes)) } else { format!("{bytes:.0}") }
}

/// Columns as wide as they have to be. The first is text, the others are mostly numbers.
pub(crate) fn align<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let mut widths = [0; COLUMNS];
    for row in rows {
        widths.iter_mut().zip(row).for_each(|(width, cell)| *width = (*width).max(cell.chars().count()));
    }
    let line = |row: &[String; COLUMNS]| {
        let cell = |(place, cell): (usize, &String)| {
            let width = widths[place];
            if place == 0 { format!("{cell:width$}") } else { format!("{cell:>width$}") }
        };
        row.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What a second run is to a first one, in ratios.
pub(crate) fn compare(before: &Report, after: &Report) -> String {
    let head = ["store", "case", "calls/s", "ratio", "CPU", "p50", "p95", "p99", "stmts", "trips", "log"];
    let mut rows = vec![head.map(str::to_owned)];
    for measured in &after.stores {
        let Some(old) = before.stores.iter().find(|old| old.store == measured.store) else { continue };
        for new in &measured.cases {
            let Some(old) = old.cases.iter().find(|old| old.case == new.case) else { continue };
            rows.push(compared(&measured.store, old, new));
        }
    }
    align(&rows)
}

fn compared(store: &str, old: &Figures, new: &Figures) -> [String; 11] {
    let ratio = |new: f64, old: f64| if old > 0.0 { format!("{:.2}", new / old) } else { "–".to_owned() };
    let change = |new: Option<u64>, old: Option<u64>| match (new, old) {
        (Some(new), Some(old)) => format!("{old} → {new}"),
        _ => "–".to_owned(),
    };
    [
        store.to_owned(),
        new.case.clone(),
        ratio(new.rate, old.rate),
        ratio(new.ratio, old.ratio),
        ratio(new.cpu_micros, old.cpu_micros),
        ratio(new.latency.p50, old.latency.p50),
        ratio(new.latency.p95, old.latency.p95),
        ratio(new.latency.p99, old.latency.p99),
        change(new.counted.statements, old.counted.statements),
        change(new.counted.round_trips, old.counted.round_trips),
        ratio(new.counted.log_bytes, old.counted.log_bytes),
    ]
}

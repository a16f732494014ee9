//! What is to be reached, and what must not be lost: ratios and counts of one run, never times.

use crate::options::StoreKind::{self, Postgres, Sqlite};
use crate::report::{Figures, Measured, align};
use crate::store::pages;

/// What of a case is bounded.
#[derive(Debug, Clone, Copy)]
enum Bounded {
    /// Its rate, as a part of its limit's: at least.
    Rate,
    /// What a call that does nothing takes of the processor, as a part of what it takes: at least.
    Cpu,
    /// Round trips to the database: at most.
    RoundTrips,
    /// Pages that it has SQLite write into the log, with what follows: at most.
    Pages,
}

/// A bound on a case.
struct Target {
    case: &'static str,
    /// On this store; on both, if there is none.
    store: Option<StoreKind>,
    of: Bounded,
    /// What is to be reached.
    aim: f64,
    /// What must be kept: a run that falls behind it fails. It leaves room for what a busy machine does to ratios.
    bound: f64,
}

const fn target(case: &'static str, store: Option<StoreKind>, of: Bounded, [aim, bound]: [f64; 2]) -> Target {
    Target { case, store, of, aim, bound }
}

const TARGETS: [Target; 16] = [
    target("login", None, Bounded::Rate, [0.95, 0.70]),
    target("introspect-seen", None, Bounded::Rate, [0.80, 0.60]),
    target("introspect-new", None, Bounded::Rate, [0.70, 0.40]),
    target("introspect-foreign", None, Bounded::Rate, [0.40, 0.15]),
    target("check-permission", None, Bounded::Rate, [0.75, 0.40]),
    target("get-me", None, Bounded::Cpu, [0.50, 0.15]),
    target("get-user", Some(Postgres), Bounded::Rate, [0.45, 0.20]),
    target("refresh", Some(Postgres), Bounded::Rate, [0.40, 0.20]),
    target("login", Some(Postgres), Bounded::RoundTrips, [6.0, 17.0]),
    target("refresh", Some(Postgres), Bounded::RoundTrips, [3.0, 5.0]),
    target("register", Some(Postgres), Bounded::RoundTrips, [5.0, 10.0]),
    target("create-user", Some(Postgres), Bounded::RoundTrips, [4.0, 6.0]),
    target("introspect-seen", Some(Postgres), Bounded::RoundTrips, [0.0, 0.0]),
    target("introspect-new", Some(Postgres), Bounded::RoundTrips, [0.0, 0.0]),
    target("introspect-foreign", Some(Postgres), Bounded::RoundTrips, [0.0, 0.0]),
    target("register", Some(Sqlite), Bounded::Pages, [16.0, 32.0]),
];

impl Bounded {
    const fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate ÷ limit",
            Self::Cpu => "no-op's CPU ÷ CPU",
            Self::RoundTrips => "round trips",
            Self::Pages => "pages of log",
        }
    }

    fn of(self, figures: &Figures) -> Option<f64> {
        match self {
            Self::Rate => Some(figures.ratio),
            Self::Cpu => figures.limit_cpu_micros.map(|limit| limit / figures.cpu_micros),
            Self::RoundTrips => figures.counted.round_trips.and_then(|count| u32::try_from(count).ok()).map(f64::from),
            Self::Pages => Some(pages(figures.counted.log_bytes)),
        }
    }

    fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Rate | Self::Cpu => value >= bound,
            Self::RoundTrips | Self::Pages => value <= bound,
        }
    }
}

/// The targets of what was measured with what became of them, and whether all bounds hold.
pub(crate) fn judge(measured: &Measured) -> (String, bool) {
    let head = ["target", "of", "measured", "aim", "bound", ""];
    let (mut rows, mut all_hold) = (vec![head.map(str::to_owned)], true);
    for Target { case, store, of, aim, bound } in &TARGETS {
        let figures = measured.cases.iter().find(|figures| figures.case == *case);
        let is_meant = store.is_none_or(|store| store.name() == measured.store);
        let Some(value) = figures.filter(|_| is_meant).and_then(|figures| of.of(figures)) else { continue };
        all_hold &= of.holds(value, *bound);
        let verdict = match (of.holds(value, *aim), of.holds(value, *bound)) {
            (true, _) => "reached",
            (false, true) => "not yet",
            (false, false) => "BROKEN",
        };
        let decimals = if matches!(of, Bounded::RoundTrips) { 0 } else { 2 };
        let number = |number: f64| format!("{number:.decimals$}");
        rows.push([
            (*case).to_owned(),
            of.name().to_owned(),
            number(value),
            number(*aim),
            number(*bound),
            verdict.to_owned(),
        ]);
    }
    (if rows.len() > 1 { align(&rows) } else { String::new() }, all_hold)
}

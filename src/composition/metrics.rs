//! Which metrics there are: one entry each. A new one is a line here, and what it reads a field of [`Sources`].
//!
//! | metric | what it tells |
//! |---|---|
//! | `rpc_server_call_duration_seconds` | RPCs that have ended, by method and gRPC code, and how long they took; those of `Login` are the sign-ins by outcome |
//! | `ipse_call_errors_total` | errors by method and reason, as in `SERVER_OVERLOADED` for RPCs that found no room and `RATE_LIMITED` for those whom a limit told to wait |
//! | `ipse_active_calls` | RPCs in flight by method, open streams among them |
//! | `ipse_hashing_waiting`, `…_begun_total`, `…_refused_total` | passwords in the queue, taken by a thread, refused as the queue was full |
//! | `ipse_hashing_queue_size`, `ipse_hashing_threads`, `ipse_hashing_busy_seconds_total` | how many may wait, how many threads there are, and how long all of them have worked |
//! | `db_client_connection_count`, `…_max`, `…_pending_requests` | connections to the database by pool and state, and who waits for one |
//! | `db_client_connection_wait_seconds_total`, `db_client_connection_timeouts_total` | how long units of work have waited for one, and how many got none in time |
//! | `ipse_signing_keys`, `…_age_seconds` | keys by the place of their life, and the time since they were last read |
//! | `ipse_jobs_waiting`, `ipse_jobs_due`, `ipse_jobs_oldest_seconds`, `ipse_jobs_dead` | jobs of all replicas by kind and lane: not done, due and not begun, for how long the first has been due, given up; counted every 15 s |
//! | `ipse_jobs_attempts_total` | attempts of this process at jobs, by kind and outcome |
//! | `ipse_mail_deliveries_total`, `ipse_mail_overdue_seconds` | the same of mail alone, whatever it carries |
//! | `ipse_access_feed_age_seconds`, `ipse_revocations`, `ipse_revocation_watchers` | how old the knowledge of revocations is, how many are in memory, and who follows them |
//! | `ipse_trace_spans_sent_total`, `ipse_trace_spans_dropped_total` | spans that the collector of traces took, and that were lost |
//! | `process_start_time_seconds` | when the process started |
//!
//! The first three are counted in `presentation/grpc/layers/rpc_metrics.rs`.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::time::Instant;

use crate::application::access::feed::AccessFeed;
use crate::application::jobs::{JobKind, JobOutcome, JobStatistics, Jobs};
use crate::application::ports::{Clock, PoolUse, Store};
use crate::domain::token::signing_key::SigningKeyState;
use crate::infrastructure::argon2::argon2_hasher::{Argon2Hasher, HashingSettings};
use crate::infrastructure::jwt::Jwt;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::traces::SPANS;

const POOL: &str = "db_client_connection_pool_name";

const KEY_STATES: [(SigningKeyState, &str); 3] = [
    (SigningKeyState::Published, "published"),
    (SigningKeyState::Active, "active"),
    (SigningKeyState::Retiring, "retiring"),
];

/// The time since something was last done.
pub(super) struct Stopwatch(RwLock<Instant>);

impl Stopwatch {
    /// Begins now.
    pub(super) fn start() -> Self {
        Self(RwLock::new(Instant::now()))
    }

    /// Begins again.
    pub(super) fn restart(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn seconds(&self) -> f64 {
        self.0.read().unwrap_or_else(PoisonError::into_inner).elapsed().as_secs_f64()
    }
}

/// What tells its state when somebody asks.
pub(super) struct Sources {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) feed: Arc<AccessFeed>,
    pub(super) hasher: Arc<Argon2Hasher>,
    pub(super) hashing: HashingSettings,
    pub(super) jobs: Arc<Jobs>,
    pub(super) jwt: Arc<Jwt>,
    pub(super) keys_read: Arc<Stopwatch>,
    pub(super) store: Arc<dyn Store>,
}

/// Adds the metrics of the process and its parts.
pub(super) fn register(metrics: &mut Metrics, sources: Sources) {
    let Sources { clock, feed, hasher, hashing, jobs, jwt, keys_read, store } = sources;
    let start = clock.now().unix_timestamp();
    metrics.gauge("process_start_time_seconds", "When the process started, since 1970", move || start);
    register_hashing(metrics, hasher, hashing);
    register_pools(metrics, store);
    register_keys(metrics, jwt, clock);
    metrics.gauge("ipse_signing_keys_age_seconds", "Time since the keys were last read from the database", move || {
        keys_read.seconds()
    });
    register_jobs(metrics, &jobs);
    register_mail(metrics, jobs);
    register_feed(metrics, feed);
    metrics.counter("ipse_trace_spans_sent", "Spans that the collector of traces took", || SPANS.sent());
    metrics.counter("ipse_trace_spans_dropped", "Spans that did not get to the collector", || SPANS.dropped());
}

fn register_feed(metrics: &mut Metrics, feed: Arc<AccessFeed>) {
    let (age, revocations, watchers) = (feed.clone(), feed.clone(), feed);
    metrics.gauge(
        "ipse_access_feed_age_seconds",
        "How old the knowledge of revocations is; past 1, each is asked for",
        move || age.age().map_or(f64::INFINITY, time::Duration::as_seconds_f64),
    );
    metrics.gauge("ipse_revocations", "Revocations in memory", move || count(revocations.len()));
    metrics.gauge("ipse_revocation_watchers", "Streams of revocations", move || count(watchers.readers()));
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn register_hashing(metrics: &mut Metrics, hasher: Arc<Argon2Hasher>, settings: HashingSettings) {
    let (waiting, begun, refused, busy) = (hasher.clone(), hasher.clone(), hasher.clone(), hasher);
    metrics.gauge("ipse_hashing_waiting", "Passwords that wait to be hashed", move || waiting.counts().waiting);
    metrics.counter("ipse_hashing_begun", "Passwords that a thread took to hash", move || begun.counts().begun);
    metrics.counter("ipse_hashing_refused", "Passwords for which the queue was full", move || refused.counts().refused);
    metrics.counter("ipse_hashing_busy_seconds", "How long all threads together have hashed", move || {
        busy.busy().as_secs_f64()
    });
    metrics.gauge("ipse_hashing_threads", "Threads that hash", move || count(settings.threads));
    metrics.gauge("ipse_hashing_queue_size", "The most passwords that may wait", move || count(settings.queue));
}

/// The names are those of OpenTelemetry's conventions for pools of database connections.
fn register_pools(metrics: &mut Metrics, store: Arc<dyn Store>) {
    let (open, most, pending, waited, timeouts) = (store.clone(), store.clone(), store.clone(), store.clone(), store);
    metrics.gauges("db_client_connection_count", "Open connections to the database, by pool and state", move || {
        let states = |pool: PoolUse| {
            [("used", pool.used), ("idle", pool.idle)]
                .map(|(state, count)| ([(POOL, pool.name), ("db_client_connection_state", state)], count))
        };
        open.pools().into_iter().flat_map(states).collect()
    });
    metrics.gauges("db_client_connection_max", "The most connections of a pool", move || {
        most.pools().into_iter().map(|pool| ([(POOL, pool.name)], pool.most)).collect()
    });
    metrics.gauges("db_client_connection_pending_requests", "Units of work that wait for a connection", move || {
        pending.pools().into_iter().map(|pool| ([(POOL, pool.name)], pool.waiting)).collect()
    });
    metrics.counters(
        "db_client_connection_wait_seconds",
        "How long units of work have waited for a connection",
        move || waited.pools().into_iter().map(|pool| ([(POOL, pool.name)], pool.waited.as_secs_f64())).collect(),
    );
    metrics.counters("db_client_connection_timeouts", "Units of work that got no connection in time", move || {
        timeouts.pools().into_iter().map(|pool| ([(POOL, pool.name)], pool.timeouts)).collect()
    });
}

fn register_keys(metrics: &mut Metrics, jwt: Arc<Jwt>, clock: Arc<dyn Clock>) {
    metrics.gauges("ipse_signing_keys", "Keys in memory, by the place of their life", move || {
        let now = clock.now();
        KEY_STATES.map(|(state, name)| ([("state", name)], jwt.count_keys(state, now))).to_vec()
    });
}

/// What waits is counted in the background: nobody who scrapes waits for the database, or has it count.
fn register_jobs(metrics: &mut Metrics, jobs: &Arc<Jobs>) {
    let gauge = |read: fn(&JobStatistics) -> i64| {
        let jobs = jobs.clone();
        let labels = |kind: JobKind| [("kind", kind.as_str()), ("lane", kind.lane().as_str())];
        move || jobs.statistics().iter().map(|job| (labels(job.kind), read(job))).collect()
    };
    metrics.gauges("ipse_jobs_waiting", "Jobs that are not done, by kind", gauge(|job| job.waiting));
    metrics.gauges("ipse_jobs_due", "Jobs that wait for nothing but a worker, by kind", gauge(|job| job.due));
    metrics.gauges(
        "ipse_jobs_oldest_seconds",
        "For how long the job that was due first has been due, by kind",
        gauge(|job| job.overdue.whole_seconds()),
    );
    metrics.gauges("ipse_jobs_dead", "Jobs that were given up, by kind", gauge(|job| job.dead));
    let jobs = jobs.clone();
    metrics.counters("ipse_jobs_attempts", "Attempts at jobs, by kind and outcome", move || {
        let labels = |kind: JobKind, outcome: JobOutcome| [("kind", kind.as_str()), ("outcome", outcome.as_str())];
        jobs.attempts().map(|(kind, outcome, count)| (labels(kind, outcome), count)).collect()
    });
}

fn register_mail(metrics: &mut Metrics, jobs: Arc<Jobs>) {
    const OUTCOMES: [(&str, JobOutcome); 3] =
        [("sent", JobOutcome::Done), ("postponed", JobOutcome::Retried), ("given_up", JobOutcome::GivenUp)];
    let is_mail = |kind| matches!(kind, JobKind::TokenMail | JobKind::NoticeMail);
    let overdue = jobs.clone();
    metrics.counters("ipse_mail_deliveries", "Attempts to hand a mail to the mail server, by outcome", move || {
        let count = |wanted| {
            let of_mail = jobs.attempts().filter(|&(kind, outcome, _)| is_mail(kind) && outcome == wanted);
            of_mail.map(|(.., count)| count).sum::<u64>()
        };
        OUTCOMES.map(|(name, outcome)| ([("outcome", name)], count(outcome))).to_vec()
    });
    metrics.gauge("ipse_mail_overdue_seconds", "How long the mail that was due first has waited", move || {
        let of_mail = overdue.statistics().into_iter().filter(|job| is_mail(job.kind));
        of_mail.map(|job| job.overdue.whole_seconds()).max().unwrap_or(0)
    });
}

//! What each process does for itself beside the server: it follows access changes and keys of other replicas, writes
//! down what it noted in memory, watches its health, and does due jobs.

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::App;
use crate::application::causes::Causes;
use crate::application::error::Result;
use crate::application::jobs::{Lane, LaneRunner};

/// How often jobs are counted, and those put in place that are missing.
const JOBS: Duration = Duration::from_secs(15);
/// How often it is looked for what other replicas did to the keys, which the feed tells of as well.
const KEYS: Duration = Duration::from_secs(10);
/// How often uses of API keys are written down.
const KEY_USES: Duration = Duration::from_secs(5);
/// How long to wait after the connection that listens for notifications was lost.
const LISTEN: Duration = Duration::from_secs(1);
/// How often it is looked whether the clock was set back, which every call does as well.
const CLOCK: Duration = Duration::from_secs(1);
/// How often the database is asked whether it is there.
const HEALTH: Duration = Duration::from_secs(1);

/// How long work that fails again and again pauses at the most: a database that is away must not fill the log.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Starts all of it, until `stopped`. What a round fails at is logged and tried again in the next one.
pub(super) fn start(app: &App, stopped: &CancellationToken) {
    do_jobs(app, stopped);
    follow_changes(app, stopped);
    reload_keys(app, stopped);
    let service_accounts = app.service_accounts();
    every(KEY_USES, stopped, move || {
        let service_accounts = service_accounts.clone();
        async move { service_accounts.record_key_uses().await }
    });
    let clock_watch = app.clock_watch.clone();
    every(CLOCK, stopped, move || {
        let clock_watch = clock_watch.clone();
        async move {
            clock_watch.now().await;
            Ok(())
        }
    });
    let (store, health) = (app.store.clone(), app.health());
    every(HEALTH, stopped, move || {
        let (store, health) = (store.clone(), health.clone());
        async move {
            health.report(store.ping().await.is_ok()).await;
            Ok(())
        }
    });
    if let Some(certificates) = app.certificates.clone() {
        let stopped = stopped.clone();
        tokio::spawn(async move { stopped.run_until_cancelled(certificates.watch()).await });
    }
}

/// Does what is due of each lane, and keeps count of what is not done.
fn do_jobs(app: &App, stopped: &CancellationToken) {
    let jobs = app.jobs();
    every(JOBS, stopped, move || {
        let jobs = jobs.clone();
        async move { jobs.look_over().await }
    });
    for lane in Lane::ALL {
        let runner = LaneRunner::new(app.jobs(), lane);
        every(lane.poll_interval(), stopped, move || {
            let runner = runner.clone();
            async move { runner.start_due().await }
        });
    }
}

/// Keeps the feed of access changes fresh. Notifications only hasten it.
fn follow_changes(app: &App, stopped: &CancellationToken) {
    let (store, feed, until) = (app.store.clone(), app.feed.clone(), stopped.clone());
    tokio::spawn(async move { until.run_until_cancelled(feed.follow(store.as_ref())).await });
    let (store, feed) = (app.store.clone(), app.feed.clone());
    every(LISTEN, stopped, move || {
        let (store, feed) = (store.clone(), feed.clone());
        async move {
            let lost = store.listen(&|| feed.wake()).await;
            feed.start_over();
            Ok(lost?)
        }
    });
}

/// Takes up the keys of other processes, at once if the feed tells of them.
fn reload_keys(app: &App, stopped: &CancellationToken) {
    let (keys, keys_read) = (app.keys.clone(), app.keys_read.clone());
    let (mut key_sets, until) = (app.feed.key_sets(), stopped.clone());
    tokio::spawn(async move {
        let rounds = async {
            loop {
                let _ = tokio::time::timeout(KEYS, key_sets.changed()).await;
                match keys.reload().await {
                    Ok(()) => keys_read.restart(),
                    Err(error) => {
                        tracing::warn!(
                            error = %Causes(&error),
                            "the signing keys cannot be read anew"
                        );
                    }
                }
            }
        };
        until.run_until_cancelled(rounds).await
    });
}

/// Listens for the signals to stop, from this call on. What it returns ends when one has come.
pub(super) fn told_to_stop() -> impl Future<Output = ()> {
    let signals =
        signal(SignalKind::terminate()).and_then(|terminate| Ok((terminate, signal(SignalKind::interrupt())?)));
    async move {
        match signals {
            Ok((mut terminate, mut interrupt)) => {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                tracing::info!("stopping: requests in flight may end");
            }
            Err(error) => {
                tracing::error!(%error, "signals cannot be received, so the server only stops by force");
                std::future::pending::<()>().await;
            }
        }
    }
}

fn every<F, W>(period: Duration, stopped: &CancellationToken, mut work: F)
where
    F: FnMut() -> W + Send + 'static,
    W: Future<Output = Result<()>> + Send,
{
    let stopped = stopped.clone();
    tokio::spawn(async move {
        let mut pause = period;
        loop {
            match work().await {
                Ok(()) => pause = period,
                Err(error) => {
                    pause = (pause * 2).min(period.max(LONGEST_PAUSE));
                    tracing::warn!(error = %Causes(&error), "work in the background failed");
                }
            }
            if stopped.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                break;
            }
        }
    });
}

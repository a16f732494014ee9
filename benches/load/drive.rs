//! How load is put on a server: in a closed loop, for throughput, and at a fixed rate, for latency.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hdrhistogram::Histogram;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::Status;
use tonic::transport::Channel;

use crate::Failure;
use crate::relay::sleep_until;

/// Makes one call. False: there was nothing left to call with.
pub(crate) type Call = Arc<dyn Fn(Channel) -> BoxFuture<'static, Result<bool, Status>> + Send + Sync>;

/// What a closed loop got done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Done {
    pub(crate) calls: u32,
    pub(crate) elapsed: Duration,
}

impl Done {
    /// Calls in a second.
    pub(crate) fn rate(&self) -> f64 {
        f64::from(self.calls) / self.elapsed.as_secs_f64()
    }
}

/// Calls again and again, with so many calls in flight, until the time is over or there is nothing left to call with.
pub(crate) async fn closed(
    call: &Call,
    channels: &[Channel],
    in_flight: usize,
    time: Duration,
) -> Result<Done, Failure> {
    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for number in 0..in_flight {
        let (call, channel) = (call.clone(), channels[number % channels.len()].clone());
        callers.spawn(async move {
            let mut calls = 0;
            while begun.elapsed() < time && call(channel.clone()).await? {
                calls += 1;
            }
            Ok::<u32, Status>(calls)
        });
    }
    let mut calls = 0;
    while let Some(caller) = callers.join_next().await {
        calls += caller??;
    }
    if calls == 0 { Err("no call was made".into()) } else { Ok(Done { calls, elapsed: begun.elapsed() }) }
}

/// What became of calls that arrived at a fixed rate.
pub(crate) struct Latencies {
    /// In microseconds, each from the moment that the call was due, whether or not it could be made then.
    pub(crate) micros: Histogram<u64>,
    pub(crate) failed: u64,
    pub(crate) first_failure: Option<String>,
}

/// Calls at this rate for this long, however long the answers take.
pub(crate) async fn open(call: &Call, channels: &[Channel], rate: f64, time: Duration) -> Result<Latencies, Failure> {
    let (sender, mut answers) = mpsc::unbounded_channel();
    let (call, channels, runtime) = (call.clone(), channels.to_vec(), Handle::current());
    let stop = StopOnDrop(Arc::default());
    let is_stopped = stop.0.clone();
    // A thread of its own, as timers of the runtime are no finer than a millisecond.
    thread::spawn(move || {
        let begun = Instant::now();
        let dues = (0_u32..).map(|number| begun + Duration::from_secs_f64(f64::from(number) / rate));
        for (due, channel) in dues.take_while(|due| *due < begun + time).zip(channels.into_iter().cycle()) {
            sleep_until(due);
            if is_stopped.load(Ordering::Relaxed) {
                break;
            }
            let (sender, call) = (sender.clone(), call.clone());
            runtime.spawn(async move {
                let answer = call(channel).await;
                // Nobody listens any more if the measurement was given up.
                let _ = sender.send((due.elapsed(), answer));
            });
        }
    });
    let mut latencies = Latencies { micros: Histogram::new(3)?, failed: 0, first_failure: None };
    while let Some((elapsed, answer)) = answers.recv().await {
        match answer {
            Ok(true) => latencies.micros.record(u64::try_from(elapsed.as_micros())?)?,
            Ok(false) => latencies.fail("nothing was left to call with".to_owned()),
            Err(status) => latencies.fail(format!("{:?}: {}", status.code(), status.message())),
        }
    }
    Ok(latencies)
}

impl Latencies {
    fn fail(&mut self, why: String) {
        self.failed += 1;
        self.first_failure.get_or_insert(why);
    }

    /// In milliseconds.
    pub(crate) fn at(&self, quantile: f64) -> f64 {
        Duration::from_micros(self.micros.value_at_quantile(quantile)).as_secs_f64() * 1e3
    }
}

struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

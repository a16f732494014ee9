//! How a case is measured: first what single calls ask and write, then throughput in turns with the limit, then latency.

use std::time::Duration;

use tokio::time::Instant;
use tonic::transport::Channel;

use crate::Failure;
use crate::cases::Case;
use crate::drive;
use crate::options::Plan;
use crate::progress;
use crate::relay::Asked;
use crate::report::{Counted, Figures, Latency};
use crate::server::Server;
use crate::store::Store;

/// Single calls: so many that every connection to the database has prepared its statements, and then so many that count.
const FIRST: usize = 40;
const SINGLE: usize = 24;
/// How far away the database is made to be.
const DISTANCE: Duration = Duration::from_millis(1);
/// The share of the throughput at which latency is measured.
const LOAD: f64 = 0.5;

/// An installation: a server, another one on the same database (through the relay, if it has one), and the database.
pub(crate) struct Stage {
    pub(crate) here: Server,
    pub(crate) there: Server,
    pub(crate) store: Store,
}

/// Measures all there is to measure.
pub(crate) async fn measure(case: &Case, stage: &Stage, plan: Plan) -> Result<Figures, Failure> {
    progress::say(case.name);
    let counted = count(case, stage).await?;
    let mut figures = throughput(case, stage, plan).await?;
    figures.counted = counted;
    figures.latency = latency(case, stage, plan, figures.rate * LOAD).await?;
    Ok(figures)
}

/// Makes calls one by one.
async fn count(case: &Case, stage: &Stage) -> Result<Counted, Failure> {
    let channel = &stage.there.channels[0];
    if let Some((supply, _)) = &case.supply {
        supply(FIRST + 2 * SINGLE).await?;
    }
    singles(case, channel, FIRST).await?;
    let log = stage.store.log()?;
    let before = log.settled_bytes().await?;
    let mut counted = Counted::default();
    let (near, asked) = asked(case, stage, SINGLE).await?;
    let written = log.settled_bytes().await?.saturating_sub(before);
    counted.log_bytes = f64::from(u32::try_from(written)?) / f64::from(u32::try_from(SINGLE)?);
    drop(log);
    if let (Some(relay), Some(_)) = (stage.store.relay(), asked) {
        relay.be_away(DISTANCE);
        let far = self::asked(case, stage, SINGLE).await;
        relay.be_away(Duration::ZERO);
        let (far, asked) = far?;
        counted.statements = asked.map(|asked| asked.statements);
        counted.round_trips = asked.map(|asked| asked.round_trips);
        counted.far_ms = Some((far - near) * 1e3);
    }
    Ok(counted)
}

/// The median time of a call in seconds, and the medians of what it asks; what goes on beside it is rarer than it.
async fn asked(case: &Case, stage: &Stage, calls: usize) -> Result<(f64, Option<Asked>), Failure> {
    let (mut times, mut statements, mut round_trips) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..calls {
        let before = stage.store.relay().map(crate::relay::Relay::asked);
        let begun = Instant::now();
        singles(case, &stage.there.channels[0], 1).await?;
        times.push(begun.elapsed().as_secs_f64());
        if let (Some(before), Some(relay)) = (before, stage.store.relay()) {
            let after = relay.asked();
            statements.push(after.statements - before.statements);
            round_trips.push(after.round_trips - before.round_trips);
        }
    }
    let of_calls = (!statements.is_empty())
        .then(|| Asked { statements: middle(&mut statements), round_trips: middle(&mut round_trips) });
    Ok((median(times), of_calls))
}

async fn singles(case: &Case, channel: &Channel, count: usize) -> Result<(), Failure> {
    for _ in 0..count {
        if !(case.call)(channel.clone()).await? {
            return Err("nothing was left to call with".into());
        }
    }
    Ok(())
}

/// Turns of the case, each after one of its limit: a machine that slows down for a while changes no ratio for long.
async fn throughput(case: &Case, stage: &Stage, plan: Plan) -> Result<Figures, Failure> {
    let (server, mut figures) = (&stage.here, Figures { case: case.name.to_owned(), ..Figures::default() });
    let (mut rates, mut limits, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let (mut cpu, mut limit_cpu) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        let before = server.cpu()?;
        let limit = case.limit.turn(server, &stage.store, plan.turn).await?;
        limit_cpu.push(micros_since(server, before)? / (limit * plan.turn.as_secs_f64()));
        if let Some((supply, per_second)) = &case.supply {
            supply(calls(*per_second, plan.turn)?).await?;
        }
        let before = server.cpu()?;
        let done = drive::closed(&case.call, &server.channels, case.in_flight, plan.turn).await?;
        cpu.push(micros_since(server, before)? / f64::from(done.calls));
        rates.push(done.rate());
        limits.push(limit);
        ratios.push(done.rate() / limit);
    }
    case.limit.name().clone_into(&mut figures.limit);
    figures.cpu_micros = median(cpu);
    figures.limit_cpu_micros = case.limit.is_of_server().then(|| median(limit_cpu));
    (figures.rate, figures.limit_rate, figures.ratio) = (median(rates), median(limits), median(ratios));
    Ok(figures)
}

/// The processor time of the server since it was asked for last, in microseconds.
fn micros_since(server: &Server, before: Duration) -> Result<f64, Failure> {
    Ok(server.cpu()?.saturating_sub(before).as_secs_f64() * 1e6)
}

async fn latency(case: &Case, stage: &Stage, plan: Plan, rate: f64) -> Result<Latency, Failure> {
    let mut time = plan.arrivals;
    if let Some((supply, per_second)) = &case.supply {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of calls")]
        let wanted = (rate * time.as_secs_f64()).ceil() as usize;
        let ready = supply(wanted.min(calls(*per_second, time)?)).await?;
        // What is used up ends with the last arrival, not before it.
        time = time.min(Duration::from_secs_f64((f64::from(u32::try_from(ready)?) - 0.5) / rate));
    }
    let latencies = drive::open(&case.call, &stage.here.channels, rate, time).await?;
    if let Some(why) = &latencies.first_failure {
        progress::say(&format!("{}: {} calls at a fixed rate failed: {why}", case.name, latencies.failed));
    }
    Ok(Latency::of(rate, &latencies))
}

/// How many calls are made in a time at this rate.
fn calls(per_second: usize, time: Duration) -> Result<usize, Failure> {
    Ok((per_second * usize::try_from(time.as_millis())? / 1000).max(1))
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn middle(values: &mut [u64]) -> u64 {
    values.sort_unstable();
    values[values.len() / 2]
}

//! The metrics, in the text form of OpenMetrics, which Prometheus and its kin read.
//!
//! What some part of the service knows anyway is read when a scraper asks: [`Metrics::gauge`], [`Metrics::counter`] and
//! their plurals take a function, and `composition/metrics.rs` lists them. What must be counted as it happens, as RPCs
//! must, is a metric that whoever counts holds: [`Metrics::add`].
//!
//! Labels are names of the contract and of this program. Nothing that a caller wrote ever becomes one: it might tell of a
//! person, and each value is a series that is kept until the process ends.

use std::fmt;

use prometheus_client::encoding::{
    EncodeCounterValue, EncodeGaugeValue, EncodeLabelSet, EncodeMetric, MetricEncoder, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::{Metric, Registry};

/// The media type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics of one server.
#[derive(Debug, Default)]
pub struct Metrics(Registry);

impl Metrics {
    /// Adds a metric of which somebody else holds a clone to count with.
    pub fn add(&mut self, name: &str, help: &str, metric: impl Metric) {
        self.0.register(name, help, metric);
    }

    /// Adds a value that goes up and down, read when somebody asks.
    pub fn gauge<N: EncodeGaugeValue>(&mut self, name: &str, help: &str, read: impl Read<N>) {
        let encode = move |mut encoder: MetricEncoder<'_>| encoder.encode_gauge(&read());
        self.0.register(name, help, Reading { kind: MetricType::Gauge, encode });
    }

    /// Adds values of one kind that go up and down, told apart by their labels, read when somebody asks.
    pub fn gauges<L: EncodeLabelSet, N: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        read: impl Read<Vec<(L, N)>>,
    ) {
        let encode = move |mut encoder: MetricEncoder<'_>| {
            read().iter().try_for_each(|(labels, value)| encoder.encode_family(labels)?.encode_gauge(value))
        };
        self.0.register(name, help, Reading { kind: MetricType::Gauge, encode });
    }

    /// Adds a count of what has happened since the start, read when somebody asks; its name gets the ending `_total`.
    pub fn counter<N: EncodeCounterValue>(&mut self, name: &str, help: &str, read: impl Read<N>) {
        let encode = move |encoder: MetricEncoder<'_>| encode_count(encoder, &read());
        self.0.register(name, help, Reading { kind: MetricType::Counter, encode });
    }

    /// Adds counts of one kind, told apart by their labels, read when somebody asks.
    pub fn counters<L: EncodeLabelSet, N: EncodeCounterValue>(
        &mut self,
        name: &str,
        help: &str,
        read: impl Read<Vec<(L, N)>>,
    ) {
        let encode = move |mut encoder: MetricEncoder<'_>| {
            read().iter().try_for_each(|(labels, count)| encode_count(encoder.encode_family(labels)?, count))
        };
        self.0.register(name, help, Reading { kind: MetricType::Counter, encode });
    }

    /// All metrics as they are now.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.0)?;
        Ok(text)
    }
}

/// A function that reads something.
pub trait Read<T>: Fn() -> T + Send + Sync + 'static {}

impl<T, F: Fn() -> T + Send + Sync + 'static> Read<T> for F {}

fn encode_count(mut encoder: MetricEncoder<'_>, count: &impl EncodeCounterValue) -> fmt::Result {
    encoder.encode_counter::<[(&str, &str); 0], _, u64>(count, None::<&Exemplar<_, _>>)
}

/// A metric that keeps nothing.
struct Reading<F> {
    kind: MetricType,
    encode: F,
}

impl<F: Fn(MetricEncoder<'_>) -> fmt::Result> EncodeMetric for Reading<F> {
    fn encode(&self, encoder: MetricEncoder<'_>) -> fmt::Result {
        (self.encode)(encoder)
    }

    fn metric_type(&self) -> MetricType {
        self.kind
    }
}

impl<F> fmt::Debug for Reading<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use prometheus_client::metrics::counter::Counter;

    use super::*;

    #[test]
    fn what_is_known_is_read_when_somebody_asks() {
        let mut metrics = Metrics::default();
        let level = Arc::new(AtomicU64::new(1));
        let seen = level.clone();
        metrics.gauge("level", "A level", move || seen.load(Ordering::Relaxed));
        assert!(metrics.text().unwrap().contains("\nlevel 1\n"));
        level.store(2, Ordering::Relaxed);
        assert_eq!(metrics.text().unwrap(), "# HELP level A level.\n# TYPE level gauge\nlevel 2\n# EOF\n");
    }

    #[test]
    fn every_kind_has_its_form() {
        let mut metrics = Metrics::default();
        metrics.gauges("rooms", "Rooms", || vec![([("floor", "1")], 0.5), ([("floor", "2")], 2.0)]);
        metrics.counter("steps", "Steps", || 3_u64);
        metrics.counters("doors", "Doors", || vec![([("to", "a\"b")], 4_u64)]);
        let visits = Counter::<u64>::default();
        metrics.add("visits", "Visits", visits.clone());
        visits.inc();
        let text = metrics.text().unwrap();
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            samples,
            [
                "rooms{floor=\"1\"} 0.5",
                "rooms{floor=\"2\"} 2.0",
                "steps_total 3",
                "doors_total{to=\"a\\\"b\"} 4",
                "visits_total 1",
            ]
        );
    }
}

use std::num::NonZeroU64;

use time::OffsetDateTime;
use tracing::span::{Attributes, Id, Record};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::open_span::OpenSpan;
use super::queue::Queue;
use super::{SPANS, TraceSettings};

/// Makes spans for a collector of spans of the crate `tracing`. Of those that `is_traced` does not name it must hear
/// nothing.
#[derive(Debug)]
pub struct Recorder {
    one_in: NonZeroU64,
    now: fn() -> OffsetDateTime,
    queue: &'static Queue,
}

impl Recorder {
    /// Records by this clock.
    #[must_use]
    pub fn new(settings: &TraceSettings, now: fn() -> OffsetDateTime) -> Self {
        Self { one_in: settings.one_in, now, queue: &SPANS }
    }
}

/// Whether this belongs to traces, and not to the log.
pub(in crate::telemetry) fn is_traced(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && *metadata.level() == Level::TRACE && metadata.target().starts_with(env!("CARGO_PKG_NAME"))
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let may_begin_trace = attributes.fields().field("otel.trace_id").is_some();
        let parent = span.parent().filter(|parent| parent.extensions().get::<OpenSpan>().is_some());
        if parent.is_none() && !may_begin_trace {
            return;
        }
        let mut open = OpenSpan::begin(attributes.metadata().name(), (self.now)());
        attributes.record(&mut open);
        let is_recorded = match parent.as_ref().map(|parent| parent.extensions_mut()) {
            Some(mut extensions) => extensions.get_mut().is_some_and(|parent| open.continue_below(parent)),
            None => open.begin_trace(self.one_in),
        };
        if is_recorded {
            span.extensions_mut().insert(open);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(open) = span.extensions_mut().get_mut::<OpenSpan>()
        {
            values.record(open);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if let Some(open) = context.span(&id).and_then(|span| span.extensions_mut().remove::<OpenSpan>()) {
            self.queue.push(open.end());
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing::field::Empty;
    use tracing::trace_span;
    use tracing_subscriber::Registry;
    use tracing_subscriber::filter::filter_fn;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::telemetry::traces::otlp::any_value::Value;
    use crate::telemetry::traces::otlp::span::SpanKind;
    use crate::telemetry::traces::otlp::status::StatusCode;
    use crate::telemetry::traces::otlp::{KeyValue, Span};

    /// The spans that are recorded in `act`, in the order of their ends.
    fn recorded(one_in: u64, act: impl FnOnce()) -> Vec<Span> {
        let queue: &'static Queue = Box::leak(Box::new(Queue::new()));
        let recorder = Recorder {
            one_in: NonZeroU64::new(one_in).unwrap(),
            now: || OffsetDateTime::from_unix_timestamp(1_000_000_000).unwrap(),
            queue,
        };
        let subscriber = Registry::default().with(recorder.with_filter(filter_fn(is_traced)));
        tracing::subscriber::with_default(subscriber, act);
        queue.take()
    }

    fn attributes(span: &Span) -> Vec<(&str, Value)> {
        let pairs = span.attributes.iter().map(|KeyValue { key, value }| (key.as_str(), value.clone()));
        pairs.map(|(key, value)| (key, value.unwrap().value.unwrap())).collect()
    }

    #[test]
    fn spans_hang_together_below_that_of_the_caller() {
        let spans = recorded(u64::MAX, || {
            let root = trace_span!("call", otel.trace_id = 0xabc_u128, otel.parent_id = 7_u64, otel.sampled = true);
            let _root = root.enter();
            let _log = tracing::info_span!("call", secret = "of the log").entered();
            let inner = trace_span!("inner", otel.name = Empty, otel.kind = "client", error.type = Empty, rows = 3_u64);
            inner.record("otel.name", "SELECT users");
            inner.record("error.type", "timeout");
        });
        let [inner, root] = spans.as_slice() else { panic!("{spans:?}") };
        assert_eq!((inner.name.as_str(), inner.kind()), ("SELECT users", SpanKind::Client));
        assert_eq!((&inner.trace_id, &inner.parent_span_id), (&root.trace_id, &root.span_id));
        assert_eq!(inner.status.unwrap().code(), StatusCode::Error);
        let (timeout, rows) = (Value::StringValue("timeout".to_owned()), Value::IntValue(3));
        assert_eq!(attributes(inner), [("rows", rows), ("error.type", timeout)]);
        assert_eq!(
            (&root.trace_id, &root.parent_span_id),
            (&0xabc_u128.to_be_bytes().into(), &7_u64.to_be_bytes().into())
        );
        assert_eq!((attributes(root), root.status), (vec![], None));
        assert_eq!(root.start_time_unix_nano, 1_000_000_000_000_000_000);
        assert!(root.end_time_unix_nano >= root.start_time_unix_nano);
    }

    #[test]
    fn a_caller_decides_for_its_trace_and_of_others_one_in_so_many_is_recorded() {
        let call = |id: u128, sampled: Option<bool>| {
            let _call = trace_span!("call", otel.trace_id = id, otel.sampled = sampled).entered();
            let _inner = trace_span!("inner").entered();
        };
        assert_eq!(recorded(1, || call(3, Some(false))), []);
        assert_eq!(recorded(10, || call(3, Some(true))).len(), 2);
        assert_eq!(recorded(10, || (1..=100).for_each(|id| call(id, None))).len(), 20);
    }

    #[test]
    fn a_stream_that_lasts_for_hours_is_no_endless_trace() {
        let spans = recorded(1, || {
            let _call = trace_span!("call", otel.trace_id = Empty).entered();
            (0..1000).for_each(|_| drop(trace_span!("inner")));
        });
        assert_eq!(spans.len(), 257);
    }

    #[test]
    fn what_is_part_of_no_trace_is_not_recorded() {
        let spans = recorded(1, || {
            drop(trace_span!("alone"));
            drop(tracing::info_span!("call", otel.trace_id = 1_u128));
            drop(trace_span!(target: "h2::client", "call", otel.trace_id = 1_u128));
            drop(trace_span!("job", otel.trace_id = Empty));
        });
        assert_eq!(spans.iter().map(|span| span.name.as_str()).collect::<Vec<_>>(), ["job"]);
        assert_eq!((spans[0].trace_id.len(), spans[0].parent_span_id.len()), (16, 0));
    }
}

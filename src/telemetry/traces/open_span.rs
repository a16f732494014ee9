use std::fmt;
use std::num::NonZeroU64;

use time::OffsetDateTime;
use tokio::time::Instant;
use tracing::field::{Field, Visit};

use super::ids;
use super::otlp::any_value::Value;
use super::otlp::span::SpanKind;
use super::otlp::status::StatusCode;
use super::otlp::{AnyValue, KeyValue, Span, Status};

/// How many spans one has right below it; of streams that last for hours, further ones are not recorded.
const MAX_CHILDREN: u32 = 256;

/// A span that has not ended.
pub(super) struct OpenSpan {
    span: Span,
    began: Instant,
    children: u32,
    trace_id: Option<u128>,
    parent_id: Option<u64>,
    sampled: Option<bool>,
}

impl OpenSpan {
    /// A span with this name that begins now, in no trace yet.
    pub(super) fn begin(name: &str, now: OffsetDateTime) -> Self {
        let span = Span {
            name: name.to_owned(),
            kind: SpanKind::Internal.into(),
            span_id: ids::span_id().to_be_bytes().to_vec(),
            start_time_unix_nano: u64::try_from(now.unix_timestamp_nanos()).unwrap_or_default(),
            ..Span::default()
        };
        Self { span, began: Instant::now(), children: 0, trace_id: None, parent_id: None, sampled: None }
    }

    /// Puts it below another one, if that has room.
    pub(super) fn continue_below(&mut self, parent: &mut Self) -> bool {
        parent.children += 1;
        self.span.trace_id.clone_from(&parent.span.trace_id);
        self.span.parent_span_id.clone_from(&parent.span.span_id);
        parent.children <= MAX_CHILDREN
    }

    /// Puts it at the root of what this process does in a trace. Whether that trace is recorded: callers decide it for
    /// theirs, of others one in so many is.
    pub(super) fn begin_trace(&mut self, one_in: NonZeroU64) -> bool {
        let id = self.trace_id.unwrap_or_else(ids::trace_id);
        self.span.trace_id = id.to_be_bytes().to_vec();
        self.span.parent_span_id = self.parent_id.map(|id| id.to_be_bytes().to_vec()).unwrap_or_default();
        self.sampled.unwrap_or(id.is_multiple_of(one_in.get().into()))
    }

    /// Ends now.
    pub(super) fn end(self) -> Span {
        let took = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or_default();
        Span { end_time_unix_nano: self.span.start_time_unix_nano.saturating_add(took), ..self.span }
    }

    fn add(&mut self, field: &Field, value: Value) {
        let value = Some(AnyValue { value: Some(value) });
        self.span.attributes.push(KeyValue { key: field.name().to_owned(), value });
    }
}

impl Visit for OpenSpan {
    fn record_u128(&mut self, field: &Field, value: u128) {
        if field.name() == "otel.trace_id" {
            self.trace_id = Some(value);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "otel.parent_id" => self.parent_id = Some(value),
            _ => self.add(field, Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX))),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, Value::IntValue(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        match field.name() {
            "otel.sampled" => self.sampled = Some(value),
            _ => self.add(field, Value::BoolValue(value)),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match (field.name(), value) {
            ("otel.name", name) => name.clone_into(&mut self.span.name),
            ("otel.kind", "server") => self.span.set_kind(SpanKind::Server),
            ("otel.kind", "client") => self.span.set_kind(SpanKind::Client),
            ("otel.kind", _) => self.span.set_kind(SpanKind::Internal),
            (name, _) => {
                if name == "error.type" {
                    self.span.status = Some(Status { code: StatusCode::Error.into() });
                }
                self.add(field, Value::StringValue(value.to_owned()));
            }
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

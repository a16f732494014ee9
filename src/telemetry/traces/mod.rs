//! Traces: how long each part of a call took, sent to a collector over OTLP/gRPC.
//!
//! A span of the crate `tracing` belongs to a trace if its level is TRACE and a module of this crate made it; spans of
//! other levels belong to the log. While no collector is given, such a span costs a comparison. What a [`Recorder`]
//! makes of spans goes to [`SPANS`], from where an [`Exporter`] takes it.
//!
//! Fields of a span become its attributes, and so must never hold what tells of a person: names of the contract, of
//! tables and of this program alone. These have a meaning of their own:
//!
//! | field | meaning |
//! |---|---|
//! | `otel.name` | the name of the span, if it is not that in the source |
//! | `otel.kind` | `server` or `client`, or `internal` |
//! | `error.type` | the span failed, and how |
//! | `otel.trace_id` | a trace may begin here: its id, or nothing for a new one |
//! | `otel.parent_id`, `otel.sampled` | the caller's span, and whether the caller traces it |

mod exporter;
mod ids;
mod open_span;
mod queue;
mod recorder;

use std::num::NonZeroU64;
use std::path::PathBuf;

pub use exporter::{Exporter, Unprepared};
pub use ids::trace_id;
pub use queue::SPANS;
pub use recorder::Recorder;
pub(in crate::telemetry) use recorder::is_traced;

/// Where traces go, and of what.
#[derive(Debug, Clone)]
pub struct TraceSettings {
    /// The collector: `http://` or `https://`, host and port.
    pub endpoint: String,
    /// Certificates in PEM that are trusted instead of those of the operating system.
    pub ca_file: Option<PathBuf>,
    /// One in so many traces is recorded, unless the caller has decided.
    pub one_in: NonZeroU64,
}

/// The generated messages of OTLP.
mod otlp {
    #![allow(
        missing_docs,
        unreachable_pub,
        clippy::all,
        clippy::pedantic,
        clippy::allow_attributes,
        reason = "generated code"
    )]

    tonic::include_proto!("opentelemetry.proto.collector.trace.v1");
}

//! The trace that a call is part of (W3C Trace Context, section 3.2).

use std::fmt;

use http::HeaderMap;
use tracing::field::Empty;
use tracing::{Level, Span};

use crate::telemetry::traces;

const HEADER: &str = "traceparent";

/// The place of a call in a trace: the one that the caller gave or, where there are traces, the root of a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::presentation::grpc) struct TraceContext {
    trace_id: u128,
    caller: Option<Caller>,
}

/// What a caller says about its own part in the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Caller {
    span_id: u64,
    is_sampled: bool,
}

impl TraceContext {
    /// The place of a call with these headers. Nothing if there is no valid place in them and there are no traces.
    pub(in crate::presentation::grpc) fn of(headers: &HeaderMap) -> Option<Self> {
        let own = || tracing::span_enabled!(Level::TRACE).then(|| Self { trace_id: traces::trace_id(), caller: None });
        Self::given(headers).or_else(own)
    }

    /// The span of a call to this method, whose end is to be recorded.
    pub(in crate::presentation::grpc) fn span(self, method: &str) -> Span {
        tracing::trace_span!(
            "call",
            otel.name = method,
            otel.kind = "server",
            otel.trace_id = self.trace_id,
            otel.parent_id = self.caller.map(|caller| caller.span_id),
            otel.sampled = self.caller.map(|caller| caller.is_sampled),
            rpc.system.name = "grpc",
            rpc.method = method,
            rpc.response.status_code = Empty,
            ipse.reason = Empty,
            error.type = Empty,
        )
    }

    /// What the caller gave; nothing if there is none or it does not have the form of the standard.
    fn given(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(HEADER).iter();
        let (value, None) = (values.next()?.to_str().ok()?, values.next()) else {
            return None;
        };
        let (version, rest) = field(value, 2)?;
        let (trace_id, rest) = field(rest.strip_prefix('-')?, 32)?;
        let (span_id, rest) = field(rest.strip_prefix('-')?, 16)?;
        let (flags, rest) = field(rest.strip_prefix('-')?, 2)?;
        // Later versions may append fields.
        let is_whole = rest.is_empty() || (version != "00" && rest.starts_with('-'));
        let trace_id = u128::from_str_radix(trace_id, 16).ok().filter(|id| *id != 0)?;
        let span_id = u64::from_str_radix(span_id, 16).ok().filter(|id| *id != 0)?;
        let is_sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        (is_whole && version != "ff").then_some(Self { trace_id, caller: Some(Caller { span_id, is_sampled }) })
    }
}

/// The id of the trace, as the standard writes it.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.trace_id)
    }
}

/// A field of this many lower-case hexadecimal digits, and what follows it.
fn field(text: &str, length: usize) -> Option<(&str, &str)> {
    let (field, rest) = text.split_at_checked(length)?;
    field.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')).then_some((field, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    fn read(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, value.parse().unwrap());
        }
        TraceContext::given(&headers).map(|context| context.to_string())
    }

    #[test]
    fn the_trace_id_of_a_valid_header_is_taken() {
        for value in [
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-brings",
        ] {
            assert_eq!(read(&[value]).as_deref(), Some(TRACE), "{value}");
        }
    }

    #[test]
    fn the_span_of_the_caller_and_its_decision_are_taken() {
        let given = |flags: &str| {
            let value = format!("00-{TRACE}-b7ad6b7169203331-{flags}").parse().unwrap();
            TraceContext::given(&HeaderMap::from_iter([(HEADER.parse().unwrap(), value)])).unwrap().caller.unwrap()
        };
        for (flags, is_sampled) in [("00", false), ("01", true), ("fe", false), ("ff", true)] {
            assert_eq!(given(flags), Caller { span_id: 0xb7ad_6b71_6920_3331, is_sampled });
        }
    }

    #[test]
    fn anything_else_is_ignored() {
        for value in [
            "",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.more",
            "00-0af7651916cd43dd8448eb211c80319cb7ad6b7169203331-01",
            " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(read(&[value]), None, "{value}");
        }
        let valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(read(&[valid, valid]), None);
        assert_eq!(read(&[]), None);
    }
}

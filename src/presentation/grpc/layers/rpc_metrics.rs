//! What is counted of RPCs: how many with which outcome, how long they took, how many are in flight; and their traces. A
//! layer around the gate, so that what the gate refuses counts too. Streams are in flight until they end.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Frame, SizeHint};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::{Instrument as _, Span};

use super::policy::PolicyTable;
use super::trace_context::TraceContext;
use crate::presentation::grpc::status;
use crate::telemetry::metrics::Metrics;

/// The bounds that OpenTelemetry's conventions give `rpc.server.call.duration`, in seconds.
const BOUNDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// What those conventions call a method that does not exist: its name would be a caller's own text.
const OTHER: &str = "_OTHER";

/// The names of gRPC's codes, by number.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The counters. There are as many series as methods in the contract, and reasons in it, allow.
pub(in crate::presentation::grpc) struct RpcMetrics {
    methods: HashMap<String, Arc<Method>>,
    other: Arc<Method>,
    active: Family<MethodLabels, Gauge>,
    durations: Family<OutcomeLabels, Histogram, fn() -> Histogram>,
    errors: Family<ReasonLabels, Counter>,
}

struct Method {
    name: Arc<str>,
    active: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MethodLabels {
    rpc_method: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
#[expect(clippy::struct_field_names, reason = "the fields are the labels")]
struct OutcomeLabels {
    rpc_system_name: &'static str,
    rpc_method: Arc<str>,
    rpc_response_status_code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    rpc_method: Arc<str>,
    reason: &'static str,
}

impl RpcMetrics {
    /// Counters for the methods that have a policy.
    pub(in crate::presentation::grpc) fn new(policy: &PolicyTable) -> Self {
        let active = Family::<MethodLabels, Gauge>::default();
        let method = |name: &str| {
            let name: Arc<str> = name.into();
            let active = active.get_or_create_owned(&MethodLabels { rpc_method: name.clone() });
            Arc::new(Method { name, active })
        };
        Self {
            methods: policy.paths().map(|path| (path.to_owned(), method(path.trim_start_matches('/')))).collect(),
            other: method(OTHER),
            active,
            durations: Family::new_with_constructor(|| Histogram::new(BOUNDS)),
            errors: Family::default(),
        }
    }

    /// Adds the counters to the metrics.
    pub(in crate::presentation::grpc) fn register(&self, metrics: &mut Metrics) {
        let durations = "Calls that have ended, by method and gRPC code, and how long they took";
        // Read in this order: of a call that is no longer in flight, its duration is there.
        metrics.add("ipse_active_calls", "Calls in flight, open streams among them, by method", self.active.clone());
        metrics.add("rpc_server_call_duration_seconds", durations, self.durations.clone());
        let errors = "Calls that have ended with an error, by method and reason";
        metrics.add("ipse_call_errors", errors, self.errors.clone());
    }

    /// Counts a call to this path, and traces it, from now until it ends.
    fn begin(self: &Arc<Self>, path: &str, trace: Option<TraceContext>) -> Call {
        let method = self.methods.get(path).unwrap_or(&self.other).clone();
        method.active.inc();
        let span = trace.map_or_else(Span::none, |trace| trace.span(&method.name));
        Call { metrics: self.clone(), method, span, began: Instant::now(), code: Code::Cancelled }
    }
}

/// A call in flight. Dropped without an end, it was given up by its client.
struct Call {
    metrics: Arc<RpcMetrics>,
    method: Arc<Method>,
    span: Span,
    began: Instant,
    code: Code,
}

impl Call {
    /// The call ends with what these headers or trailers say.
    fn end(mut self, code: Code, headers: &HeaderMap) {
        self.code = code;
        if code != Code::Ok
            && let Some(reason) = Status::from_header_map(headers).as_ref().and_then(status::reason_of)
        {
            let rpc_method = self.method.name.clone();
            self.metrics.errors.get_or_create(&ReasonLabels { rpc_method, reason }).inc();
            self.span.record("ipse.reason", reason);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let code = CODES.get(self.code as usize).copied().unwrap_or(CODES[2]);
        self.span.record("rpc.response.status_code", code);
        if is_fault(self.code) {
            self.span.record("error.type", code);
        }
        let rpc_method = self.method.name.clone();
        let labels = OutcomeLabels { rpc_system_name: "grpc", rpc_method, rpc_response_status_code: code };
        self.metrics.durations.get_or_create(&labels).observe(self.began.elapsed().as_secs_f64());
        self.method.active.dec();
    }
}

/// Whether OpenTelemetry's conventions take a code for a fault of the server.
fn is_fault(code: Code) -> bool {
    use Code::{DataLoss, DeadlineExceeded, Internal, Unavailable, Unimplemented, Unknown};
    matches!(code, Unknown | DeadlineExceeded | Unimplemented | Internal | Unavailable | DataLoss)
}

/// The code that headers or trailers tell, if they end a call.
fn code_in(headers: &HeaderMap) -> Option<Code> {
    headers.get("grpc-status").map(|code| Code::from_bytes(code.as_bytes()))
}

/// Counts the RPCs to the services within.
#[derive(Clone)]
pub(in crate::presentation::grpc) struct RpcMetricsLayer(pub(in crate::presentation::grpc) Arc<RpcMetrics>);

/// Services whose RPCs are counted.
#[derive(Clone)]
pub(in crate::presentation::grpc) struct Counted<S> {
    metrics: Arc<RpcMetrics>,
    inner: S,
}

impl<S> Layer<S> for RpcMetricsLayer {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Counted { metrics: self.0.clone(), inner }
    }
}

impl<S> Service<Request<Body>> for Counted<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<CountedBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let trace = TraceContext::of(request.headers());
        let call = self.metrics.begin(request.uri().path(), trace);
        if let Some(trace) = trace {
            request.extensions_mut().insert(trace);
        }
        let answer = self.inner.call(request).instrument(call.span.clone());
        answer.map(|answered| answered.map(|response| CountedBody::of(response, call))).boxed()
    }
}

/// The body of an answer, with which the call ends.
pub(in crate::presentation::grpc) struct CountedBody {
    body: Body,
    call: Option<Call>,
}

impl CountedBody {
    fn of(response: Response<Body>, call: Call) -> Response<Self> {
        // An error without a body is in the headers; one of HTTP itself has no code.
        let code = match response.status() {
            StatusCode::OK => code_in(response.headers()),
            _ => Some(Code::Unknown),
        };
        let under_way = match code {
            None => Some(call),
            Some(code) => {
                call.end(code, response.headers());
                None
            }
        };
        response.map(|body| Self { body, call: under_way })
    }
}

impl http_body::Body for CountedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        // Counted before the client can know of the end.
        if let Some(Ok(frame)) = &frame
            && let Some(trailers) = frame.trailers_ref()
            && let Some(call) = self.call.take()
        {
            call.end(code_in(trailers).unwrap_or(Code::Unknown), trailers);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

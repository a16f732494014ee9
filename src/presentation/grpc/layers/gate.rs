//! The gate every call passes: request id, room, deadline, access policy; and on the way back, errors in one form.

use std::any::Any;
use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use http::header::{ALLOW, AUTHORIZATION};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::{Instrument as _, Span};

use super::content_type::is_grpc;
use super::policy::{PolicyTable, Rpc};
use super::room::{CallRoom, Holder, StreamPlace, StreamRoom};
use super::trace_context::TraceContext;
use super::{body, deadline, request_id};
use crate::application::Ports;
use crate::application::access::Authorizer;
use crate::application::call::Call;
use crate::application::clock_watch::ClockWatch;
use crate::application::error::Refusal;
use crate::application::ports::Entropy;
use crate::domain::Timestamp;
use crate::domain::session::origin::Origin;
use crate::presentation::grpc::Services;
use crate::presentation::grpc::services::envoy;
use crate::presentation::grpc::streams::until_drained::{Held, UntilDrained};
use crate::presentation::grpc::{bearer, status};
use crate::presentation::health::Health;
use crate::presentation::net::connection::Peer;
use crate::presentation::net::settings::{Gateways, Limits};
use crate::presentation::net::{TrustedProxies, client};

/// The largest request message of all RPCs but that of Envoy, in bytes.
pub(in crate::presentation::grpc) const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// The largest message of a health check, in bytes: the name of a service.
const MAX_HEALTH_BYTES: usize = 4 * 1024;

/// How many RPCs may wait for their message, or as many as may be in flight if that is more: each holds what came of it.
const LEAST_WAITING: usize = 1024;

/// The transport has a timer of its own for `grpc-timeout`, begun after `Gated::call`, which ends a call without a reason
/// and without a request id. This one has to be the first: by one step of tokio's timers.
const HEAD_START: Duration = Duration::from_millis(1);

/// Health checks pass a gate that is full or closed: whoever is refused would take the server for dead.
const HEALTH_CHECKS: &str = "/grpc.health.v1.Health/";

/// What the gate needs.
pub(in crate::presentation::grpc) struct Gate {
    authorizer: Arc<Authorizer>,
    clock_watch: Arc<ClockWatch>,
    policy: PolicyTable,
    entropy: Arc<dyn Entropy>,
    proxies: TrustedProxies,
    gateways: Gateways,
    time_limit: Duration,
    body_limit: Duration,
    waiting: CallRoom,
    in_flight: CallRoom,
    streams: StreamRoom,
    health: Health,
}

impl Gate {
    /// A gate that keeps this access policy and these limits.
    pub(in crate::presentation::grpc) fn new(
        services: &Services,
        ports: &Ports,
        policy: PolicyTable,
        (limits, health): (&Limits, Health),
    ) -> Self {
        Self {
            authorizer: services.authorizer.clone(),
            clock_watch: services.clock_watch.clone(),
            entropy: ports.entropy.clone(),
            proxies: limits.proxies.clone(),
            gateways: limits.gateways.clone(),
            time_limit: limits.time_limit,
            body_limit: limits.body_limit,
            waiting: CallRoom::of(limits.in_flight.max(LEAST_WAITING)),
            in_flight: CallRoom::of(limits.in_flight),
            streams: StreamRoom::of(policy.streams()),
            policy,
            health,
        }
    }

    async fn pass<S>(&self, request: Request<Body>, inner: S, began: Instant) -> Response<Body>
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    {
        let id = request_id::from_headers(request.headers(), self.entropy.as_ref());
        // Only paths of the contract are logged as they are: others are a caller's own text.
        let path = request.uri().path();
        let max_bytes = max_message_bytes(path);
        let method = if self.policy.find(path).is_some() { path.to_owned() } else { "unknown".to_owned() };
        // Lines of the log are found by the trace, and its spans by what the log says.
        let trace_id = trace_id(&request);
        let span = tracing::info_span!("call", request_id = %id, method, trace_id);
        let work = async {
            let handled = AssertUnwindSafe(self.handle(request, inner, began)).catch_unwind().await;
            let response = handled.unwrap_or_else(|panic| {
                tracing::error!(panic = panic_text(panic.as_ref()), "a call panicked");
                Err(status::internal())
            });
            let response =
                response.and_then(|response| normalise(response, max_bytes)).unwrap_or_else(Status::into_http);
            log_outcome(&response, began);
            response
        };
        let mut response = request_id::scope(id.as_str().into(), work.instrument(span)).await;
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(request_id::HEADER, value);
        }
        response
    }

    async fn handle<S>(
        &self,
        mut request: Request<Body>,
        mut inner: S,
        began: Instant,
    ) -> Result<Response<Body>, Status>
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    {
        let is_health_check = request.uri().path().starts_with(HEALTH_CHECKS);
        if self.health.is_draining() && !is_health_check {
            return Err(status::shutting_down());
        }
        if let Some(refusal) = no_call(&request) {
            return Ok(refusal);
        }
        let path = request.uri().path().to_owned();
        let rpc = self.policy.find(&path).ok_or_else(status::method_unknown)?;
        if path == envoy::PATH && !self.gateways.know(client::peer_address(&request)) {
            return Err(status::gateway_unknown());
        }
        let limit = deadline::from_headers(request.headers(), self.time_limit)
            .map_err(|_| status::malformed("grpc-timeout must be up to eight digits and a unit"))?;
        let open = request.extensions().get::<Peer>().map(|peer| peer.activity.begin());
        let work = async {
            let network = client::from_request(&request, &self.proxies).network();
            if !rpc.takes_stream {
                let waiting = (!is_health_check).then(|| self.waiting.take(network)).transpose();
                let Ok(_waiting) = waiting else {
                    let now = self.clock_watch.now().await;
                    let call = self.call(&request, rpc, now);
                    return Err(self.overloaded(&call, &path));
                };
                request = body::whole(request, max_message_bytes(&path), self.body_limit).await?;
            }
            let takes_place = !rpc.is_stream && !is_health_check;
            let place = takes_place.then(|| self.in_flight.take(network)).transpose();
            let now = self.clock_watch.now().await;
            let call = self.call(&request, rpc, now);
            let Ok(_place) = place else { return Err(self.overloaded(&call, &path)) };
            let call = self.authorizer.authorize_call(call, &path).await;
            let call = Arc::new(call.map_err(status::from_error)?);
            let stream = self.stream_place(&call, &path)?;
            if let Some(place) = &stream {
                request.extensions_mut().insert(place.clone());
            }
            request.extensions_mut().insert(call.clone());
            let Ok(response) = inner.call(request).instrument(use_case(&path)).await;
            if let Some(Refusal::Overloaded) = status::refusal_in(&response) {
                self.authorizer.record_overload(&call, &path);
            }
            if let Some(refusal) = status::refusal_in(&response) {
                self.authorizer.record_denial(&call, &path, refusal).await.map_err(status::from_error)?;
            }
            let held = Held { _call: open, _stream: stream };
            Ok(response.map(|body| Body::new(UntilDrained::new(body, self.health.drained(), held))))
        };
        let deadline = began + limit.saturating_sub(HEAD_START);
        tokio::time::timeout_at(deadline, work).await.unwrap_or_else(|_| Err(status::timed_out()))
    }

    /// What a call is answered that there is no room for, which the audit trail tells of.
    fn overloaded(&self, call: &Call, path: &str) -> Status {
        self.authorizer.record_overload(call, path);
        status::from_error(Refusal::Overloaded.into())
    }

    fn call(&self, request: &Request<Body>, rpc: &Rpc, now: Timestamp) -> Call {
        let bearer = bearer::from_values(request.headers().get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes));
        let origin = Origin {
            client: client::from_request(request, &self.proxies),
            request_id: request_id::current().to_string(),
            trace_id: trace_id(request).unwrap_or_default(),
        };
        Call::new(now, origin, bearer, rpc.access.clone())
    }

    fn stream_place(&self, call: &Call, path: &str) -> Result<Option<Arc<StreamPlace>>, Status> {
        let holder = call.caller().map_or_else(
            |_| Holder::Network(call.origin.client.network()),
            |caller| Holder::Subject(*caller.subject().as_uuid()),
        );
        self.streams.take(path, holder).map_err(|full| status::from_error(full.into()))
    }
}

/// Gives errors of the framework itself the form of ours: the right code and a reason. An error that carries details
/// is one of ours already.
fn normalise(response: Response<Body>, max_bytes: usize) -> Result<Response<Body>, Status> {
    let status = Status::from_header_map(response.headers()).filter(|_| is_grpc(response.headers()));
    match status.as_ref().and_then(|status| in_our_form(status, max_bytes)) {
        Some(status) => Err(status),
        None => Ok(response),
    }
}

/// An error of the framework itself in the form of ours; nothing if it has that form already, or is to stay as it is.
pub(in crate::presentation::grpc) fn in_our_form(status: &Status, max_bytes: usize) -> Option<Status> {
    if status.code() == Code::Ok || !status.details().is_empty() {
        return None;
    }
    Some(match status.code() {
        Code::OutOfRange | Code::ResourceExhausted => status::too_large(max_bytes),
        // An unknown method has no message; the other case is a compressed request.
        Code::Unimplemented if status.message().is_empty() => status::method_unknown(),
        Code::Unimplemented => status::compressed(),
        Code::Internal | Code::InvalidArgument | Code::Unknown | Code::Cancelled => {
            status::malformed("the request is not a message of this method")
        }
        // The health service answers a question about an unknown service with NOT_FOUND, as its protocol says.
        _ => return None,
    })
}

/// The span of the use case of a method.
fn use_case(path: &str) -> Span {
    tracing::trace_span!("use case", otel.name = path.rsplit('/').next())
}

fn trace_id(request: &Request<Body>) -> Option<String> {
    request.extensions().get().map(TraceContext::to_string)
}

fn max_message_bytes(path: &str) -> usize {
    match path {
        envoy::PATH => envoy::MAX_MESSAGE_BYTES,
        path if path.starts_with(HEALTH_CHECKS) => MAX_HEALTH_BYTES,
        _ => MAX_MESSAGE_BYTES,
    }
}

/// The answer to what is no call, as gRPC over HTTP/2 asks for. GET and its like must change nothing (RFC 9110 9.2.1), and a
/// call may.
fn no_call(request: &Request<Body>) -> Option<Response<Body>> {
    let mut response = Response::new(Body::empty());
    if request.method() != Method::POST {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    } else if is_grpc(request.headers()) {
        return None;
    } else {
        *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    }
    Some(response)
}

fn log_outcome(response: &Response<Body>, began: Instant) {
    let code = Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code());
    let microseconds = began.elapsed().as_micros();
    if code == Code::Ok {
        tracing::debug!(?code, microseconds, "answered");
    } else {
        tracing::info!(?code, microseconds, "answered");
    }
}

/// The text of a panic, which names a place in the sources; it goes to the log alone.
fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a text")
}

/// Puts the gate in front of the services.
#[derive(Clone)]
pub(in crate::presentation::grpc) struct GateLayer(pub(in crate::presentation::grpc) Arc<Gate>);

/// Services behind the gate.
#[derive(Clone)]
pub(in crate::presentation::grpc) struct Gated<S> {
    gate: Arc<Gate>,
    inner: S,
}

impl<S> Layer<S> for GateLayer {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Gated { gate: self.0.clone(), inner }
    }
}

impl<S> Service<Request<Body>> for Gated<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let gate = self.gate.clone();
        // The clone that was ready does the work; the new one takes its place.
        let ready = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, ready);
        let began = Instant::now();
        Box::pin(async move { Ok(gate.pass(request, inner, began).await) })
    }
}

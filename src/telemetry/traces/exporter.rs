use std::io;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic::transport::{self, Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Status};

use super::otlp::any_value::Value;
use super::otlp::trace_service_client::TraceServiceClient;
use super::otlp::{AnyValue, ExportTraceServiceRequest, KeyValue, Resource, ResourceSpans, ScopeSpans, Span};
use super::{SPANS, TraceSettings, ids};

/// How long the collector may take to a connection, to an answer, and to a sign of life.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait after the attempts at a batch that failed. After the last, the batch is given up.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(30)];
/// How long a process that stops still sends what waits.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why no traces can be sent.
#[derive(Debug, thiserror::Error)]
pub enum Unprepared {
    /// The file of authorities cannot be read.
    #[error("the file of authorities cannot be read")]
    Authorities(#[source] io::Error),
    /// The collector's address or the certificates cannot be used.
    #[error("the collector cannot be connected to")]
    Endpoint(#[from] transport::Error),
}

/// Hands spans to the collector, which costs nobody anything if it is slow or away.
pub struct Exporter {
    client: TraceServiceClient<Channel>,
    resource: Resource,
    is_failing: bool,
}

impl Exporter {
    /// Reads the certificates; does not connect yet.
    pub fn new(settings: &TraceSettings) -> Result<Self, Unprepared> {
        let mut endpoint = Endpoint::from_shared(settings.endpoint.clone())?
            .connect_timeout(PATIENCE)
            .http2_keep_alive_interval(PATIENCE)
            .keep_alive_timeout(PATIENCE);
        if settings.endpoint.starts_with("https:") {
            let tls = match &settings.ca_file {
                Some(file) => {
                    let authorities = std::fs::read(file).map_err(Unprepared::Authorities)?;
                    ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authorities))
                }
                None => ClientTlsConfig::new().with_native_roots(),
            };
            endpoint = endpoint.tls_config(tls)?;
        }
        let client = TraceServiceClient::new(endpoint.connect_lazy());
        Ok(Self { client, resource: resource(), is_failing: false })
    }

    /// Sends spans until `stopped`, and then what waits, if the collector takes it at once.
    pub async fn run(mut self, stopped: CancellationToken) {
        let mut pending = None;
        let work = async {
            loop {
                let request = pending.insert(self.request(SPANS.next().await));
                self.deliver(request).await;
                pending = None;
            }
        };
        let _: Option<()> = stopped.run_until_cancelled(work).await;
        let rest = async {
            let mut request = pending;
            while let Some(batch) = request.take().or_else(|| self.rest()) {
                if self.send(&batch).await.is_err() {
                    break;
                }
            }
        };
        // Whether it was in time or not, this is the end.
        let _ = timeout(FAREWELL, rest).await;
    }

    fn rest(&self) -> Option<ExportTraceServiceRequest> {
        Some(SPANS.take()).filter(|spans| !spans.is_empty()).map(|spans| self.request(spans))
    }

    fn request(&self, spans: Vec<Span>) -> ExportTraceServiceRequest {
        let scope_spans = vec![ScopeSpans { spans }];
        ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans { resource: Some(self.resource.clone()), scope_spans }],
        }
    }

    /// Sends a batch, a few times if it has to be.
    async fn deliver(&mut self, batch: &ExportTraceServiceRequest) {
        for pause in PAUSES {
            match self.send(batch).await {
                Ok(()) => {
                    if std::mem::take(&mut self.is_failing) {
                        tracing::info!("the collector of traces takes spans again");
                    }
                    return;
                }
                Err(status) => {
                    if !std::mem::replace(&mut self.is_failing, true) {
                        let (code, reason) = (status.code(), status.message());
                        tracing::warn!(?code, reason, "the collector of traces takes no spans: they will be dropped");
                    }
                    if is_final(status.code()) {
                        break;
                    }
                    sleep(pause).await;
                }
            }
        }
        SPANS.count_dropped(size(batch));
    }

    async fn send(&mut self, batch: &ExportTraceServiceRequest) -> Result<(), Status> {
        let answer = timeout(PATIENCE, self.client.export(batch.clone())).await;
        let answer = answer.map_err(|_| Status::deadline_exceeded("no answer in time"))??.into_inner();
        let rejected = answer.partial_success.map_or(0, |rest| u64::try_from(rest.rejected_spans).unwrap_or_default());
        SPANS.count_dropped(rejected);
        SPANS.count_sent(size(batch).saturating_sub(rejected));
        Ok(())
    }
}

fn size(batch: &ExportTraceServiceRequest) -> u64 {
    let spans = batch.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    spans.map(|scope| scope.spans.len() as u64).sum()
}

/// Whether the same again would fare no better.
fn is_final(code: Code) -> bool {
    use Code::{InvalidArgument, NotFound, PermissionDenied, Unauthenticated, Unimplemented};
    matches!(code, InvalidArgument | NotFound | PermissionDenied | Unauthenticated | Unimplemented)
}

/// This process, as OpenTelemetry's conventions describe one.
fn resource() -> Resource {
    let attribute = |key: &str, value: String| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(Value::StringValue(value)) }),
    };
    Resource {
        attributes: vec![
            attribute("service.name", env!("CARGO_PKG_NAME").to_owned()),
            attribute("service.version", env!("CARGO_PKG_VERSION").to_owned()),
            attribute("service.instance.id", format!("{:016x}", ids::span_id())),
        ],
    }
}

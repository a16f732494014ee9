"""A collector of traces, which OpenTelemetry's own messages and server make: it keeps what it gets."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1 import trace_pb2

from support.waiting import wait_until

ERROR = trace_pb2.Status.STATUS_CODE_ERROR
CLIENT, INTERNAL, SERVER = (
    trace_pb2.Span.SPAN_KIND_CLIENT,
    trace_pb2.Span.SPAN_KIND_INTERNAL,
    trace_pb2.Span.SPAN_KIND_SERVER,
)


@dataclass
class Span:
    """A span with the ids as the standard writes them, and its attributes by their names."""

    message: trace_pb2.Span

    def __post_init__(self) -> None:
        self.name, self.kind = self.message.name, self.message.kind
        self.trace_id, self.id = self.message.trace_id.hex(), self.message.span_id.hex()
        self.parent_id = self.message.parent_span_id.hex()
        self.begin, self.end = self.message.start_time_unix_nano, self.message.end_time_unix_nano
        self.is_error = self.message.status.code == ERROR
        values = {one.key: one.value for one in self.message.attributes}
        self.attributes = {key: getattr(value, value.WhichOneof("value")) for key, value in values.items()}


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Takes spans on a port of its own, perhaps slowly, or refuses them with a code."""

    def __init__(self, *, delay: float = 0, refusal: grpc.StatusCode | None = None, credentials=None) -> None:
        self.delay, self.refusal = delay, refusal
        self.requests: list[trace_service_pb2.ExportTraceServiceRequest] = []
        self.refused = 0
        self._lock = threading.Lock()
        self._server = grpc.server(ThreadPoolExecutor(4))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self._server)
        if credentials:
            self.port = self._server.add_secure_port("127.0.0.1:0", credentials)
        else:
            self.port = self._server.add_insecure_port("127.0.0.1:0")
        self.url = f"{'https' if credentials else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> "Collector":
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(None)

    def Export(self, request, context):
        time.sleep(self.delay)
        if refusal := self.refusal:
            self.refused += 1
            context.abort(refusal, "no")
        with self._lock:
            self.requests.append(request)
        return trace_service_pb2.ExportTraceServiceResponse()

    def spans(self) -> list[Span]:
        """All that came so far."""
        with self._lock:
            scopes = [scope for one in self.requests for owner in one.resource_spans for scope in owner.scope_spans]
        return [Span(span) for scope in scopes for span in scope.spans]

    def trace_of(self, name: str, count: int = 1) -> list[Span]:
        """The spans of the last trace with a root of this name, once there are so many of them, in the order of their begins."""

        def roots() -> list[Span]:
            # The root ends last and is sent last.
            found = [span for span in self.spans() if span.name == name and span.kind != CLIENT]
            return found if len(found) >= count else []

        trace_id = wait_until(roots, f"{count} spans {name}")[-1].trace_id
        return sorted((span for span in self.spans() if span.trace_id == trace_id), key=lambda span: span.begin)

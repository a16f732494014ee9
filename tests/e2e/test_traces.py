"""Traces, at a collector that is OpenTelemetry's own."""

import json
import socket
import statistics
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from support import contract
from support.certificates import Authority
from support.client import PASSWORD, SECONDS, Client, bearer
from support.collector import CLIENT, SERVER, Collector, Span
from support.database import Postgres, Sqlite
from support.errors import Code, refused
from support.http import ask
from support.mail import RESET
from support.people import administrator
from support.server import Server, free_port
from support.waiting import wait_until

LOGIN = "ipse.v1.AuthService/Login"
EMAIL, USERNAME, NAME = "canary-address@example.com", "canary-username", "Canary Display Name"
AGENT, ADDRESS = "canary-agent/1.0", "203.0.113.77"
# What waits for the collector and what is on its way to it may take so much.
MOST_MEMORY_KIB = 8 * 1024
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def from_trace(flags: str = "01", trace_id: str = TRACE) -> list[tuple[str, str]]:
    return [("traceparent", f"00-{trace_id}-{PARENT}-{flags}")]


@contextmanager
def traced(folder: Path, collector: Collector, **settings: str) -> Iterator[Server]:
    with Server(folder / "ipse", otlp_endpoint=collector.url, **settings) as server:
        yield server


def counts(server: Server) -> tuple[int, int]:
    """How many spans were sent, and how many dropped."""
    families = text_string_to_metric_families(ask(server, "/metrics").body.decode())
    values = {sample.name: sample.value for family in families for sample in family.samples}
    return int(values["ipse_trace_spans_sent_total"]), int(values["ipse_trace_spans_dropped_total"])


def test_a_login_is_one_trace(database: Sqlite | Postgres, tmp_path: Path) -> None:
    with Collector() as collector, traced(tmp_path, collector, database_url=database.url) as server:
        with server.client() as client:
            client.register(EMAIL)
            client.log_in(EMAIL)
            spans = collector.trace_of(LOGIN)
    [call] = [span for span in spans if not span.parent_id]
    assert (call.name, call.kind, call.is_error) == (LOGIN, SERVER, False)
    assert call.attributes == {
        "rpc.system.name": "grpc",
        "rpc.method": LOGIN,
        "rpc.response.status_code": "OK",
    }
    by_id = {span.id: span for span in spans}
    assert all(span is call or span.parent_id in by_id for span in spans)
    for span in spans:
        above = by_id.get(span.parent_id, span)
        # Moments are whole microseconds, and read one after the other.
        assert above.begin <= span.begin <= span.end <= above.end + 1_000_000
    [use_case] = [span for span in spans if span.name == "Login"]
    assert use_case.parent_id == call.id
    below = [span for span in spans if span.parent_id == use_case.id]
    assert {"connection", "wait for a hashing thread", "hash", "COMMIT"} <= {span.name for span in below}
    [hashed] = [span for span in below if span.name == "hash"]
    assert hashed.end - hashed.begin > 1_000_000
    statements = [span for span in spans if "db.system.name" in span.attributes]
    system = "sqlite" if isinstance(database, Sqlite) else "postgresql"
    assert {(span.kind, span.attributes["db.system.name"]) for span in statements} == {(CLIENT, system)}
    assert {"SELECT users", "INSERT sessions", "INSERT audit_events"} <= {span.name for span in statements}
    for span in statements:
        operation, *table = span.name.split()
        assert span.attributes["db.operation.name"] == operation
        assert ([span.attributes["db.collection.name"]] if table else []) == table
    assert max(len(str(value)) for span in spans for value in span.attributes.values()) < 50


def test_the_log_and_the_audit_trail_name_the_trace(tmp_path: Path) -> None:
    with Collector() as collector, traced(tmp_path, collector, log="info,ipse=debug", log_format="json") as server:
        with server.client() as client:
            root = administrator(server, client)
            own = collector.trace_of(LOGIN)[0].trace_id
            client.log_in("root@example.com", metadata=from_trace())
            request = contract.audit_pb2.ListAuditEventsRequest(filter="type = authn_login_success", page_size=10)
            stub = contract.audit_grpc.AuditServiceStub(client.channel)
            events = stub.ListAuditEvents(request, metadata=bearer(root), timeout=SECONDS).events
        assert server.terminate() == 0
        lines = [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]
    assert {event.trace_id for event in events} == {own, TRACE}
    logged = {line["span"].get("trace_id") for line in lines if line.get("span", {}).get("method") == f"/{LOGIN}"}
    assert {own, TRACE} <= logged


def test_a_trace_tells_nothing_of_a_person(tmp_path: Path) -> None:
    with Collector() as collector, traced(tmp_path, collector, trusted_proxies="127.0.0.1") as server:
        with server.client(options=(("grpc.primary_user_agent", AGENT),)) as client:
            metadata = [("x-forwarded-for", ADDRESS)]
            request = contract.auth_pb2.RegisterRequest(
                email=EMAIL, password=PASSWORD, username=USERNAME, display_name=NAME
            )
            client.auth.Register(request, timeout=SECONDS, metadata=metadata)
            client.verify(server.mail.token(EMAIL))
            tokens = client.log_in(EMAIL, metadata=metadata)
            client.log_in(USERNAME, metadata=metadata)
            user = client.me(tokens.access_token).user
            with refused(Code.UNAUTHENTICATED, "CREDENTIALS_INVALID"):
                client.log_in(EMAIL, "another canary password", metadata=metadata)
            client.refresh(tokens.refresh_token)
            client.request_reset(EMAIL)
            server.mail.token(EMAIL, RESET)
            collector.trace_of("token_mail")
        # What still waits is sent before the process ends.
        assert server.terminate() == 0
        sent = b"".join(request.SerializeToString() for request in collector.requests)
        names = {span.name for span in collector.spans()}
    assert {LOGIN, "ipse.v1.AuthService/Register", "ipse.v1.AuthService/Refresh", "mail"} <= names
    secrets = [EMAIL, USERNAME, NAME, AGENT, ADDRESS, PASSWORD, user.id, tokens.session_id]
    secrets += [tokens.access_token, tokens.refresh_token, "canary", "127.0.0.1"]
    assert not [secret for secret in secrets if secret.encode() in sent]


def test_a_mail_is_a_trace_of_its_job(tmp_path: Path) -> None:
    with Collector() as collector, traced(tmp_path, collector) as server, server.client() as client:
        client.register(EMAIL)
        spans = collector.trace_of("token_mail")
    [job] = [span for span in spans if not span.parent_id]
    [mail] = [span for span in spans if span.name == "mail"]
    assert (job.name, mail.parent_id, mail.kind) == ("token_mail", job.id, CLIENT)
    assert mail.attributes == {"ipse.mail.kind": "verify_email"}


def test_a_caller_decides_for_its_trace(tmp_path: Path) -> None:
    with Collector() as collector, traced(tmp_path, collector, otlp_trace_one_in="1000000") as server:
        with server.client() as client:
            client.register(EMAIL, metadata=from_trace("00"))
            client.log_in(EMAIL)
            client.log_in(EMAIL, metadata=from_trace("01"))
            for malformed in ("00000000000000000000000000000000", TRACE.upper()):
                client.log_in(EMAIL, metadata=from_trace(trace_id=malformed))
        assert server.terminate() == 0
    spans = collector.spans()
    assert {span.trace_id for span in spans} == {TRACE}
    assert [(span.name, span.parent_id) for span in spans if span.kind == SERVER] == [(LOGIN, PARENT)]


def test_only_faults_of_the_server_are_errors(tmp_path: Path) -> None:
    with Collector() as collector, traced(tmp_path, collector) as server, server.client() as client:
        client.register(EMAIL)
        with refused(Code.UNAUTHENTICATED, "CREDENTIALS_INVALID"):
            client.log_in(EMAIL, "not this password")
        with refused(Code.UNIMPLEMENTED, "METHOD_UNKNOWN"):
            client.channel.unary_unary("/ipse.v1.AuthService/Canary")(b"", timeout=SECONDS)
        wrong, unknown = collector.trace_of(LOGIN), collector.trace_of("_OTHER")
    [call] = [span for span in wrong if not span.parent_id]
    assert (call.is_error, call.attributes["rpc.response.status_code"]) == (False, "UNAUTHENTICATED")
    assert call.attributes["ipse.reason"] == "CREDENTIALS_INVALID"
    [call] = unknown
    assert (call.is_error, call.attributes["error.type"]) == (True, "UNIMPLEMENTED")
    assert call.attributes["rpc.method"] == "_OTHER"


def test_a_collector_may_ask_for_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("127.0.0.1")
    credentials = grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())])
    with Collector(credentials=credentials) as collector:
        with traced(tmp_path, collector, otlp_ca_file=str(authority.file)) as server, server.client() as client:
            client.register(EMAIL)
            assert collector.trace_of("ipse.v1.AuthService/Register")


def log_ins(client: Client, count: int) -> list[float]:
    """How long each of so many sign-ins takes, in milliseconds."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        client.log_in(EMAIL)
        times.append((time.perf_counter() - began) * 1000)
    return times


@contextmanager
def black_hole() -> Iterator[str]:
    """Whoever connects hears nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def slow() -> Iterator[str]:
    with Collector(delay=3) as collector:
        yield collector.url


@contextmanager
def dead() -> Iterator[str]:
    yield f"http://127.0.0.1:{free_port()}"


@contextmanager
def unwilling() -> Iterator[str]:
    with Collector(refusal=grpc.StatusCode.UNIMPLEMENTED) as collector:
        yield collector.url


@pytest.mark.parametrize("collector", [dead, black_hole, slow, unwilling])
def test_a_collector_that_is_of_no_use_costs_nobody_anything(tmp_path: Path, collector) -> None:
    with Server(tmp_path / "plain") as plain, collector() as url:
        with Server(tmp_path / "ipse", otlp_endpoint=url) as server:
            clients = [one.client() for one in (plain, server)]
            for client in clients:
                client.register(EMAIL)
                log_ins(client, 5)
            # In turn, so that what else the machine does meets both alike.
            rounds = [[log_ins(client, 1)[0] for client in clients] for _ in range(40)]
            without, traced = (statistics.median(times) for times in zip(*rounds, strict=True))
            assert traced < without * 1.3 + 2, (without, traced)
            growth = []
            for one, client in zip((plain, server), clients, strict=True):
                before = one.memory()
                fill(client)
                growth.append(one.memory() - before)
            assert growth[1] - growth[0] < MOST_MEMORY_KIB, growth
            wait_until(lambda: counts(server)[1] > 0, "spans are dropped", 60)
            assert server.terminate(10) == 0
            assert server.log().count("the collector of traces takes no spans") <= 1


def fill(client: Client) -> None:
    """Makes far more spans than may wait."""
    request = contract.auth_pb2.RefreshRequest(refresh_token="x" * 43)
    calls = deque()
    for _ in range(6000):
        calls.append(client.auth.Refresh.future(request, timeout=SECONDS))
        if len(calls) > 50:
            calls.popleft().exception()
    for call in calls:
        call.exception()


def test_a_collector_that_comes_back_gets_what_waited(tmp_path: Path) -> None:
    with Collector(refusal=grpc.StatusCode.UNAVAILABLE) as collector:
        with traced(tmp_path, collector) as server, server.client() as client:
            client.register(EMAIL)
            wait_until(lambda: collector.refused > 0, "the collector refused once")
            collector.refusal = None
            assert collector.trace_of("ipse.v1.AuthService/Register")
            assert counts(server)[1] == 0
            wait_until(lambda: "takes spans again" in server.log(), "the log tells of it")

"""The HTTP side port, with the libraries that gateways and scrapers use."""

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import jwt
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from support.client import SECONDS, Client
from support.errors import Code, Refusal, refused
from support.http import ask
from support.races import attempt
from support.server import Server

EMAIL = "ada@example.com"
ISSUER = "https://ipse.localhost"
JWKS, OPENID = "/.well-known/jwks.json", "/.well-known/openid-configuration"
OAUTH, WEBAUTHN = "/.well-known/oauth-authorization-server", "/.well-known/webauthn"
# How long the side port lets an exchange take.
TIME_LIMIT = 10


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    with server.client() as client:
        client.register(EMAIL)
        yield client


def test_a_gateway_verifies_tokens_from_the_issuer_alone(server: Server, client: Client) -> None:
    tokens = client.log_in(EMAIL)
    metadata = ask(server, OPENID).json()
    assert metadata["issuer"] == ISSUER and metadata == ask(server, OAUTH).json()
    place = metadata["jwks_uri"].removeprefix(ISSUER)
    key = jwt.PyJWKClient(f"http://127.0.0.1:{server.side_port}{place}").get_signing_key_from_jwt(tokens.access_token)
    algorithms = metadata["id_token_signing_alg_values_supported"]
    claims = jwt.decode(tokens.access_token, key, algorithms=algorithms, audience=ISSUER, issuer=metadata["issuer"])
    assert claims["sub"] == client.me(tokens.access_token).user.id
    assert set(claims) <= set(metadata["claims_supported"])


def test_the_key_set_holds_public_halves_alone(server: Server) -> None:
    answer = ask(server, JWKS)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/jwk-set+json")
    for key in answer.json()["keys"]:
        assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
        assert (key["use"], key["alg"]) == ("sig", "ES256")


@pytest.mark.parametrize("path", [JWKS, OPENID, OAUTH, WEBAUTHN])
def test_documents_are_fetched_again_only_when_they_changed(server: Server, path: str) -> None:
    first = ask(server, path)
    assert (first.status, first.headers["cache-control"]) == (200, "public, max-age=300")
    again = ask(server, path, if_none_match=first.headers["etag"])
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert ask(server, path, if_none_match='"another"') == first
    head = ask(server, path, "HEAD")
    assert (head.status, head.headers, head.body) == (200, first.headers, b"")


def test_an_orchestrator_sees_life_and_readiness(server: Server) -> None:
    assert [ask(server, path).status for path in ("/healthz", "/readyz")] == [200, 200]


def test_nothing_else_is_served(server: Server) -> None:
    for method in ("POST", "PUT", "DELETE", "TRACE", "OPTIONS", "CONNECT"):
        for path in (JWKS, "/metrics", "/healthz", "/"):
            answer = ask(server, path, method)
            assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    for path in ("/", "/metrics/../..", f"{JWKS}/x", "/ipse.v1.AuthService/Login"):
        answer = ask(server, path)
        assert answer.status == 404 and "server" not in answer.headers


def test_whoever_speaks_http_2_or_tls_is_told(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.side_port), timeout=15) as raw:
        raw.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
        received = b""
        while chunk := raw.recv(4096):
            received += chunk
    connection = H2Connection(H2Configuration(client_side=True))
    connection.initiate_connection()
    farewell = connection.receive_data(received)[-1]
    assert isinstance(farewell, ConnectionTerminated)
    assert farewell.error_code is ErrorCodes.HTTP_1_1_REQUIRED and b"HTTP/1.1" in farewell.additional_data
    with socket.create_connection(("127.0.0.1", server.side_port), timeout=15) as raw:
        raw.sendall(b"\x16\x03\x01\x02\x00\x01")
        assert raw.recv(4096) == b""
    for said in ("a client speaks HTTP/2 to the side port", "a client speaks TLS to a port that speaks plaintext"):
        assert server.log().count(said) == 1


def samples(server: Server) -> dict[tuple, float]:
    """All samples by name and labels, as a parser of OpenMetrics that is not ours reads them."""
    answer = ask(server, "/metrics")
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    families = text_string_to_metric_families(answer.body.decode())
    found = [(sample.name, frozenset(sample.labels.items()), sample.value) for one in families for sample in one.samples]
    assert len(found) == len({(name, labels) for name, labels, _ in found})
    return {(name, labels): value for name, labels, value in found}


def calls(found: dict[tuple, float], method: str, code: str) -> float:
    labels = {"rpc_system_name": "grpc", "rpc_method": method, "rpc_response_status_code": code}
    return found.get(("rpc_server_call_duration_seconds_count", frozenset(labels.items())), 0)


def test_a_scraper_counts_what_was_called(server: Server, client: Client) -> None:
    before = samples(server)
    for _ in range(3):
        client.log_in(EMAIL)
    assert isinstance(attempt(lambda: client.log_in("nobody@example.com")), Refusal)
    after = samples(server)
    gained = [
        calls(after, "ipse.v1.AuthService/Login", code) - calls(before, "ipse.v1.AuthService/Login", code)
        for code in ("OK", "UNAUTHENTICATED")
    ]
    assert gained == [3, 1]
    invalid = ("ipse_call_errors_total", frozenset({("rpc_method", "ipse.v1.AuthService/Login"), ("reason", "CREDENTIALS_INVALID")}))
    assert after[invalid] - before.get(invalid, 0) == 1
    hashed = ("ipse_hashing_begun_total", frozenset())
    assert after[hashed] - before[hashed] == 4
    assert after["process_start_time_seconds", frozenset()] > 1.7e9
    assert 0 <= after["ipse_signing_keys_age_seconds", frozenset()] < 70


def test_callers_cannot_make_metrics_grow(server: Server, client: Client) -> None:
    samples(server)
    known = len(samples(server))
    for number in range(20):
        for method in (f"x.Y{number}/Z", f"ipse.v1.AuthService/Login{number}", f"grpc.health.v1.Health/X{number}"):
            call = client.channel.unary_unary(f"/{method}")
            with refused(Code.UNIMPLEMENTED, "METHOD_UNKNOWN"):
                call(b"", timeout=SECONDS)
    found = samples(server)
    assert calls(found, "_OTHER", "UNIMPLEMENTED") >= 60
    names = {dict(labels).get("rpc_method") for _, labels in found}
    assert not [name for name in names if name and re.search(r"\d$", name)]
    # One histogram, with its buckets, and one reason.
    assert len(found) - known <= 20


def test_silent_and_slow_callers_do_not_keep_others_away(server: Server) -> None:
    with ExitStack() as stack:
        address = ("127.0.0.1", server.side_port)
        slow = [stack.enter_context(socket.create_connection(address, timeout=2 * TIME_LIMIT)) for _ in range(64)]
        for connection in slow[1:]:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nx-slow: ")
        assert ask(server, "/healthz").status == 200
        # Each is cut off: nothing more comes from it.
        assert {connection.recv(1024) for connection in slow} == {b""}


def test_a_silent_caller_does_not_hold_up_the_stop(tmp_path: Path) -> None:
    with Server(tmp_path) as server, socket.create_connection(("127.0.0.1", server.side_port)):
        assert server.terminate(5) == 0


def test_a_free_port_is_taken_and_named(tmp_path: Path) -> None:
    with Server(tmp_path, http_listen="127.0.0.1:0") as server:
        server.side_port = int(re.search(r"side port address=127\.0\.0\.1:(\d+)", server.log()).group(1))
        assert server.side_port > 0 and ask(server, "/healthz").body == b"ok\n"


def test_there_may_be_none(tmp_path: Path) -> None:
    with Server(tmp_path, http_listen="off") as server:
        assert "side port" not in server.log() and "curl http" not in server.log()
        with pytest.raises(ConnectionRefusedError):
            ask(server, "/healthz")

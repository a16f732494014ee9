"""What a caller can do wrong below the messages: to metadata, HTTP/2 and TCP."""

import random
import socket
from collections.abc import Iterator

import pytest
from h2.errors import ErrorCodes

from support.client import SECONDS, Client, bearer
from support.contract import account_pb2, auth_pb2
from support.errors import Code, refused
from support.http2 import Connection
from support.server import Server

EMAIL = "ada@example.com"
LIST_KEYS = "/ipse.v1.KeyService/ListSigningKeys"
GET_ME = "/ipse.v1.AccountService/GetMe"
RESETS = 10_000


@pytest.fixture(scope="module", autouse=True)
def access_token(client: Client) -> str:
    client.register(EMAIL)
    return client.log_in(EMAIL).access_token


@pytest.fixture(autouse=True)
def _the_server_goes_on(server: Server, client: Client) -> Iterator[None]:
    yield
    assert server.process.poll() is None
    assert "panicked" not in server.log()
    with server.client() as another:
        for one in (client, another):
            assert one.health() == "SERVING"


@pytest.fixture
def connection(server: Server) -> Iterator[Connection]:
    with Connection(server.port) as connection:
        yield connection


@pytest.mark.parametrize("value", ["", "5", "m", "5x", "-5m", "5.0S", "123456789S", "99999999999999999999H", "1e3S"])
def test_a_malformed_timeout_is_refused(value: str, connection: Connection) -> None:
    refusal = connection.call(LIST_KEYS, ("grpc-timeout", value)).refusal()
    assert (refusal.code, refusal.reason) == (Code.INVALID_ARGUMENT, "REQUEST_MALFORMED")


def test_a_deadline_that_passes_is_told(client: Client, connection: Connection) -> None:
    message = auth_pb2.LoginRequest(identifier=EMAIL, password="not the password").SerializeToString()
    refusal = connection.call("/ipse.v1.AuthService/Login", ("grpc-timeout", "100u"), message=message).refusal()
    assert (refusal.code, refusal.reason) == (Code.DEADLINE_EXCEEDED, "SERVER_TIMEOUT")


@pytest.mark.parametrize("path", ["/ipse.v1.AuthService/Nothing", "/ipse.v1.Nothing/Login", "/nothing", "/", "/a/b/c"])
def test_an_unknown_method_is_unimplemented(path: str, connection: Connection) -> None:
    refusal = connection.call(path).refusal()
    assert (refusal.code, refusal.reason) == (Code.UNIMPLEMENTED, "METHOD_UNKNOWN")


def test_health_answers_as_its_protocol_says(client: Client) -> None:
    services = ("", "ipse.v1.AuthService", "ipse.v1.AccountService", "ipse.v1.KeyService")
    assert [client.health(service) for service in services] == ["SERVING"] * 4
    assert client.health("ipse.v1.Nothing") == "NOT_FOUND"


@pytest.mark.parametrize(
    "values",
    [
        ["Bearer {}", "Bearer {}"],
        ["Bearer {}", "Basic YTpi"],
        ["Basic YTpi"],
        ["Bearer"],
        [""],
        ["{}"],
        ["Bearer{}"],
        ["Token {}"],
    ],
)
def test_exactly_one_bearer_token_is_a_token(values: list[str], access_token: str, client: Client) -> None:
    metadata = [("authorization", value.format(access_token)) for value in values]
    with refused(Code.UNAUTHENTICATED, "TOKEN_MISSING"):
        client.account.GetMe(account_pb2.GetMeRequest(), timeout=SECONDS, metadata=metadata)


def test_joined_tokens_are_no_token(access_token: str, client: Client) -> None:
    joined = bearer(f"{access_token}, Bearer {access_token}")
    with refused(Code.UNAUTHENTICATED, "TOKEN_INVALID"):
        client.account.GetMe(account_pb2.GetMeRequest(), timeout=SECONDS, metadata=joined)


def test_the_scheme_has_no_case(access_token: str, client: Client) -> None:
    for scheme in ("bearer", "BEARER"):
        metadata = [("authorization", f"{scheme} {access_token}")]
        client.account.GetMe(account_pb2.GetMeRequest(), timeout=SECONDS, metadata=metadata)


def test_large_metadata_is_refused_and_the_connection_survives(connection: Connection) -> None:
    assert connection.call(LIST_KEYS, ("x-large", "x" * 20_000)).headers[":status"] == "431"
    assert connection.call(LIST_KEYS).headers["grpc-status"] == "0"


def test_metadata_of_any_bytes_is_no_fault(connection: Connection) -> None:
    for value in ("\x80\xff", "\t", "%00%ff", '"\\'):
        for name in ("x-request-id", "x-forwarded-for", "user-agent", "traceparent", "x-bin"):
            assert connection.call(LIST_KEYS, (name, value)).headers["grpc-status"] == "0", (name, value)


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", "415"),
        ("application/grpc-web", "415"),
        ("application/grpc-web+proto", "415"),
        ("application/grpc-web-text", "415"),
        ("application/grpc+json", "415"),
        ("application/grpc", "200"),
        ("application/grpc+proto", "200"),
        ("Application/gRPC;charset=utf-8", "200"),
    ],
)
def test_another_content_type_is_none_of_ours(content_type: str, status: str, connection: Connection) -> None:
    stream = connection.h2.get_next_available_stream_id()
    headers = [(":method", "POST"), (":scheme", "http"), (":authority", "localhost"), (":path", LIST_KEYS)]
    connection.h2.send_headers(stream, [*headers, ("content-type", content_type)])
    connection.send(stream, b"\0\0\0\0\0")
    assert connection.answer(stream).headers[":status"] == status


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "post"])
def test_another_method_does_nothing(method: str, access_token: str, connection: Connection) -> None:
    stream = connection.h2.get_next_available_stream_id()
    fields = [(":method", method), (":scheme", "http"), (":authority", "localhost"), (":path", GET_ME)]
    connection.h2.send_headers(stream, [*fields, ("content-type", "application/grpc"), *bearer(access_token)])
    connection.send(stream, b"\0\0\0\0\0")
    answer = connection.answer(stream)
    assert (answer.headers[":status"], answer.headers["allow"], answer.content) == ("405", "POST", b"")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "REQUEST_MALFORMED"),
        (b"\0", "REQUEST_MALFORMED"),
        (b"\0\0\0\0\5ab", "REQUEST_MALFORMED"),
        (b"\7\0\0\0\0", "REQUEST_MALFORMED"),
        (b"\0\xff\xff\xff\xff", "REQUEST_TOO_LARGE"),
    ],
)
def test_a_message_is_what_its_head_says(content: bytes, reason: str, connection: Connection) -> None:
    stream = connection.begin(LIST_KEYS)
    connection.send(stream, content)
    refusal = connection.answer(stream).refusal()
    code = Code.RESOURCE_EXHAUSTED if reason == "REQUEST_TOO_LARGE" else Code.INVALID_ARGUMENT
    assert (refusal.code, refusal.reason) == (code, reason)


def test_the_settings_of_a_connection_are_bounded(connection: Connection) -> None:
    assert connection.call(LIST_KEYS).headers["grpc-status"] == "0"
    assert connection.h2.remote_settings.max_concurrent_streams <= 200
    assert connection.h2.remote_settings.max_header_list_size <= 8 * 1024


def closes(port: int, content: bytes) -> bool:
    """Whether the server closes a connection on which these bytes came."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as raw:
            raw.sendall(content)
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(4096):
                pass
    except TimeoutError:
        return False
    except OSError:
        # It was faster than this side.
        return True
    return True


def test_bytes_that_are_not_http_2_close_the_connection(server: Server) -> None:
    dice = random.Random(8)
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    assert closes(server.port, preface + b"\xff\xff\xff" + b"\0" * 6)
    for _ in range(8):
        assert closes(server.port, dice.randbytes(4096))
        assert closes(server.port, preface + dice.randbytes(4096))


def said(port: int, content: bytes) -> bytes:
    """What comes back until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as raw:
        raw.sendall(content)
        received = b""
        while chunk := raw.recv(4096):
            received += chunk
        return received


@pytest.mark.parametrize(
    "request_line", ["GET / HTTP/1.1", "POST /ipse.v1.AuthService/Login HTTP/1.1", "PRIMER / HTTP/1.0", "OPTIONS * HTTP/1.1"]
)
def test_http_1_is_told_that_this_port_speaks_grpc(request_line: str, server: Server) -> None:
    for rest in (b"", b"x" * 30_000):
        answer = said(server.port, f"{request_line}\r\nHost: localhost\r\n\r\n".encode() + rest)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 505 ") and b"text/plain" in head
        assert b"gRPC" in body and f"content-length: {len(body)}".encode() in head
    assert server.log().count("a client speaks HTTP/1 to the gRPC port") == 1


def test_tls_to_a_plaintext_port_is_logged_once(server: Server) -> None:
    for _ in range(3):
        assert closes(server.port, b"\x16\x03\x01\x02\x00\x01")
    assert server.log().count("a client speaks TLS to a port that speaks plaintext") == 1


def test_rapid_resets_end_the_connection_and_cost_no_memory(server: Server, client: Client) -> None:
    before = server.memory()
    with Connection(server.port) as connection:
        try:
            for _ in range(RESETS):
                stream = connection.begin(GET_ME)
                connection.h2.reset_stream(stream, ErrorCodes.CANCEL)
                connection.flush()
            while not connection.closed:
                connection.events()
        except (BrokenPipeError, ConnectionResetError):
            connection.closed = True
        assert connection.closed, "the server closes such a connection"
    assert client.health() == "SERVING"
    assert server.memory() - before < 8 * 1024

"""Whose a call is, behind proxies that speak HTTP and load balancers that pass bytes on."""

import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

import pytest

from support.certificates import Authority
from support.client import Client, bearer
from support.contract import account_pb2, auth_pb2
from support.errors import Code, refused
from support.http2 import Connection
from support.server import Server, migrated, run

EMAIL, PASSWORD = "ada@example.com", "correct horse battery staple"
LOGIN = "/ipse.v1.AuthService/Login"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
LOCAL = SIGNATURE + b"\x20\0\0\0"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("proxied") / "ipse", trusted_proxies="127.0.0.1,10.0.0.0/8") as server:
        with server.client() as client:
            client.register(EMAIL)
        yield server


def address_of(client: Client, *headers: tuple[str, str]) -> str:
    """The address from which a sign-in with these headers came."""
    request = auth_pb2.LoginRequest(identifier=EMAIL, password=PASSWORD)
    tokens = client.auth.Login(request, metadata=headers, timeout=15).tokens
    sessions = client.account.ListMySessions(account_pb2.ListMySessionsRequest(), metadata=bearer(tokens.access_token))
    address = next(session.ip_address for session in sessions.sessions if session.current)
    client.log_out(tokens.refresh_token)
    return address


@pytest.mark.parametrize(
    ("header", "address"),
    [
        (("x-forwarded-for", "198.51.100.7"), "198.51.100.7"),
        (("x-forwarded-for", "198.51.100.7:51234"), "198.51.100.7"),
        (("x-forwarded-for", "[2001:db8::7]:443"), "2001:db8::7"),
        (("x-forwarded-for", "[2001:db8::7]"), "2001:db8::7"),
        (("x-forwarded-for", "203.0.113.1, 198.51.100.7,"), "198.51.100.7"),
        (("x-forwarded-for", "203.0.113.1, ::ffff:198.51.100.7, 10.0.0.9:1"), "198.51.100.7"),
        (("x-forwarded-for", "203.0.113.1, unknown"), "0.0.0.0"),
        (("forwarded", 'for="[2001:db8::7]:443";proto=https'), "2001:db8::7"),
        (("forwarded", "for=203.0.113.1, For=198.51.100.7;by=10.0.0.1, for=10.0.0.9"), "198.51.100.7"),
        (("forwarded", "for=_hidden"), "0.0.0.0"),
        (("forwarded", 'for="203.0.113.1, for=198.51.100.7'), "0.0.0.0"),
    ],
)
def test_a_call_is_its_clients(header: tuple[str, str], address: str, server: Server) -> None:
    with server.client() as client:
        assert address_of(client, header) == address


def test_headers_that_tell_two_clients_apart_tell_none(server: Server) -> None:
    with server.client() as client:
        real, forged = ("x-forwarded-for", "198.51.100.7"), ("forwarded", "for=203.0.113.1")
        assert address_of(client, real, forged) == "0.0.0.0"
        assert address_of(client, real, ("forwarded", "for=198.51.100.7")) == "198.51.100.7"
    assert server.log().count("does not tell the address of its client") == 1


def test_who_cannot_be_told_apart_locks_nobody_else_out(tmp_path: Path) -> None:
    """Wrong sign-ins whose client is unknown are counted, and neither the proxy nor its other clients pay for them."""
    with Server(tmp_path / "ipse", trusted_proxies="127.0.0.1") as server, server.client() as client:
        client.register(EMAIL)
        for number in range(101):
            wrong = auth_pb2.LoginRequest(identifier=f"nobody{number}@example.com", password="not the password")
            with refused(Code.UNAUTHENTICATED, "CREDENTIALS_INVALID") if number < 100 else refused(
                Code.RESOURCE_EXHAUSTED, "RATE_LIMITED"
            ):
                client.auth.Login(wrong, metadata=[("x-forwarded-for", f"client-{number}")], timeout=15)
        assert address_of(client) == "127.0.0.1"
        assert address_of(client, ("x-forwarded-for", "198.51.100.7:1")) == "198.51.100.7"


def header(address: str, port: int = 1) -> bytes:
    """What a load balancer puts before the bytes of a client with this address."""
    source = ip_address(address)
    family, target = (0x11, b"\x7f\0\0\1") if source.version == 4 else (0x21, bytes(16))
    rest = source.packed + target + struct.pack("!HH", port, 443)
    return SIGNATURE + bytes([0x21, family]) + struct.pack("!H", len(rest)) + rest


def balanced(server: Server, head: bytes, context: ssl.SSLContext | None = None) -> str:
    """The address from which a sign-in by way of a load balancer came."""
    raw = socket.create_connection(("127.0.0.1", server.port), timeout=15)
    raw.sendall(head)
    if context:
        raw = context.wrap_socket(raw, server_hostname="127.0.0.1")
    with Connection(server.port, raw) as connection:
        login = auth_pb2.LoginRequest(identifier=EMAIL, password=PASSWORD).SerializeToString()
        tokens = connection.message(LOGIN, auth_pb2.LoginResponse, login).tokens
        path = "/ipse.v1.AccountService/ListMySessions"
        authorization = ("authorization", f"Bearer {tokens.access_token}")
        sessions = connection.message(path, account_pb2.ListMySessionsResponse, b"", authorization).sessions
    return next(session.ip_address for session in sessions if session.current)


def test_a_load_balancer_tells_whose_a_connection_is(tmp_path: Path) -> None:
    settings = {"grpc_proxy_protocol": "127.0.0.0/8", "http_proxy_protocol": "127.0.0.1"}
    server = Server(tmp_path / "ipse", **settings)
    server.start(wait=False)
    try:
        check_balanced(server)
    finally:
        server.kill()


def check_balanced(server: Server) -> None:
    done = run("healthcheck", "--dev", cwd=server.folder, settings=server.settings)
    for _ in range(50):
        if done.returncode == 0:
            break
        done = run("healthcheck", "--dev", cwd=server.folder, settings=server.settings)
    assert (done.returncode, done.stdout) == (0, "serving\n"), done.stderr
    with Connection(server.port, opened(server, LOCAL)) as connection:
        sign_up = auth_pb2.RegisterRequest(email=EMAIL, password=PASSWORD).SerializeToString()
        connection.message("/ipse.v1.AuthService/Register", auth_pb2.RegisterResponse, sign_up)
    for address in ("198.51.100.7", "2001:db8::7"):
        assert balanced(server, header(address)) == address
    assert balanced(server, LOCAL) == "127.0.0.1"
    assert balanced(server, SIGNATURE + b"\x21\0\0\0") == "0.0.0.0"
    for head in (b"", b"PROXY TCP4 198.51.100.7 127.0.0.1 1 443\r\n", SIGNATURE + b"\x21\x11\0\0", b"\0" * 200):
        assert is_closed(server, head + PREFACE), head
    assert server.log().count("a load balancer's connections are closed") == 1
    with socket.create_connection(("127.0.0.1", server.side_port), timeout=15) as raw:
        raw.sendall(header("198.51.100.7") + b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert raw.recv(64).startswith(b"HTTP/1.1 200")


def opened(server: Server, head: bytes) -> socket.socket:
    raw = socket.create_connection(("127.0.0.1", server.port), timeout=15)
    raw.sendall(head)
    return raw


def test_tls_comes_after_what_a_load_balancer_says(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("127.0.0.1")
    settings = {"plaintext": "false", "tls_cert_file": str(certificate), "tls_key_file": str(key)}
    settings |= {"grpc_proxy_protocol": "127.0.0.1", "unverified_sign_in": "true"}
    context = ssl.create_default_context(cadata=authority.pem.decode())
    context.set_alpn_protocols(["h2"])
    with migrated(Server(tmp_path / "ipse", dev=False, **settings)) as server:
        raw = context.wrap_socket(opened(server, LOCAL), server_hostname="127.0.0.1")
        with Connection(server.port, raw) as connection:
            sign_up = auth_pb2.RegisterRequest(email=EMAIL, password=PASSWORD).SerializeToString()
            connection.message("/ipse.v1.AuthService/Register", auth_pb2.RegisterResponse, sign_up)
        assert balanced(server, header("198.51.100.7"), context) == "198.51.100.7"
        done = run("healthcheck", cwd=server.folder, settings=server.settings)
        assert (done.returncode, done.stdout) == (0, "serving\n"), done.stderr


def test_nobody_else_is_believed_to_be_a_load_balancer(server: Server) -> None:
    assert is_closed(server, header("198.51.100.7") + PREFACE)


def is_closed(server: Server, content: bytes) -> bool:
    """Whether the server closes a connection on which these bytes came; otherwise the time runs out."""
    with opened(server, content) as raw, suppress(ConnectionResetError):
        while raw.recv(4096):
            pass
    return True

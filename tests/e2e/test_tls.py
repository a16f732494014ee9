"""TLS for callers: which protocols are spoken, and whose certificates are taken."""

import socket
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from support.certificates import Authority
from support.client import SECONDS
from support.server import Server, migrated, run

TLS_1_0, TLS_1_1, TLS_1_2 = 0x0301, 0x0302, 0x0303
# Forward secret with an AEAD; without an AEAD; without forward secrecy.
GCM, CBC, RSA = 0xC02B, 0xC009, 0x009C
HANDSHAKE, ALERT = 22, 21
PROTOCOL_VERSION, HANDSHAKE_FAILURE = 70, 40


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    certificate, key = authority.issue("127.0.0.1", servers_only=True)
    settings = {"plaintext": "false", "tls_cert_file": str(certificate), "tls_key_file": str(key)}
    settings |= {"tls_client_ca_file": str(authority.file)}
    with migrated(Server(tmp_path_factory.mktemp("server") / "ipse", dev=False, **settings)) as server:
        yield server


def client_hello(version: int, suites: list[int]) -> bytes:
    """A first message as an old client sends it: one version, without the extension that offers newer ones."""
    groups = struct.pack("!HHHH", 10, 4, 2, 23)  # secp256r1
    formats = struct.pack("!HHBB", 11, 2, 1, 0)
    signatures = struct.pack("!HHHHH", 13, 6, 4, 0x0403, 0x0804)
    extensions = groups + formats + signatures
    body = struct.pack("!H", version) + bytes(32) + b"\0"
    body += struct.pack("!H", 2 * len(suites)) + b"".join(struct.pack("!H", suite) for suite in suites)
    body += b"\x01\0" + struct.pack("!H", len(extensions)) + extensions
    handshake = b"\x01" + struct.pack("!I", len(body))[1:] + body
    return struct.pack("!BHH", HANDSHAKE, TLS_1_0, len(handshake)) + handshake


def answer_to(server: Server, hello: bytes) -> tuple[int, int]:
    """The kind of the first record that comes back, and what an alert says."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as raw:
        raw.sendall(hello)
        head = raw.recv(5, socket.MSG_WAITALL)
        assert len(head) == 5, "closed without a word"
        record = raw.recv(struct.unpack("!H", head[3:])[0], socket.MSG_WAITALL)
        return head[0], record[1] if head[0] == ALERT else 0


def test_only_what_is_safe_today_is_spoken(server: Server) -> None:
    # What a client may speak gets an answer, or nothing would be shown by the others.
    assert answer_to(server, client_hello(TLS_1_2, [GCM])) == (HANDSHAKE, 0)
    assert answer_to(server, client_hello(TLS_1_2, [RSA, CBC, GCM])) == (HANDSHAKE, 0)
    for version in (TLS_1_0, TLS_1_1):
        assert answer_to(server, client_hello(version, [CBC, GCM])) == (ALERT, PROTOCOL_VERSION), hex(version)
    for suites in ([CBC], [RSA], [CBC, RSA]):
        assert answer_to(server, client_hello(TLS_1_2, suites)) == (ALERT, HANDSHAKE_FAILURE), suites


def health(server: Server, authority: Authority, files: tuple[Path, Path] | None) -> str:
    certificate, key = (path.read_bytes() for path in files) if files else (None, None)
    credentials = grpc.ssl_channel_credentials(authority.pem, key, certificate)
    with grpc.secure_channel(server.target, credentials) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        try:
            status = stub.Check(health_pb2.HealthCheckRequest(), timeout=SECONDS).status
        except grpc.RpcError as error:
            return error.code().name
        return health_pb2.HealthCheckResponse.ServingStatus.Name(status)


def test_clients_show_a_certificate_of_the_right_authority_in_its_time(
    server: Server, authority: Authority, tmp_path: Path
) -> None:
    good = authority.issue("client", "client")
    assert health(server, authority, good) == "SERVING"
    stranger = Authority(tmp_path)
    for what, files in {
        "none": None,
        "of another authority": stranger.issue("client", "stranger"),
        "expired": authority.issue("client", "expired", has_expired=True),
        "made for servers": authority.issue("client", "other-server", servers_only=True),
        "with the key of another": (good[0], stranger.issue("client", "swapped")[1]),
    }.items():
        assert health(server, authority, files) == "UNAVAILABLE", what
    assert health(server, authority, good) == "SERVING"


def test_the_health_check_of_the_same_machine_needs_none(server: Server) -> None:
    done = run("healthcheck", cwd=server.folder, settings=server.settings)
    assert (done.returncode, done.stdout) == (0, "serving\n"), done.stderr


def test_from_elsewhere_a_certificate_is_given_by_flag_or_by_setting(
    server: Server, authority: Authority, tmp_path: Path
) -> None:
    certificate, key = authority.issue("client", "flagged")
    url = f"https://{server.target}"
    flags = ["--ca-file", str(authority.file), "--cert-file", str(certificate), "--key-file", str(key)]
    done = run("healthcheck", "--server", url, *flags, cwd=tmp_path, settings={})
    assert (done.returncode, done.stdout) == (0, "serving\n"), done.stderr
    settings = {"IPSE_CLI_CA_FILE": str(authority.file), "IPSE_CLI_CERT_FILE": str(certificate)}
    settings |= {"IPSE_CLI_KEY_FILE": str(key)}
    done = run("healthcheck", "--server", url, cwd=tmp_path, settings=settings)
    assert (done.returncode, done.stdout) == (0, "serving\n"), done.stderr
    token = tmp_path / "token"
    token.write_text("a.b.c\n")
    for settings, arguments in ((settings | {"IPSE_TOKEN_FILE": str(token)}, []), (settings, ["--token-file", str(token)])):
        done = run("users", "export", "all.ndjson", "--server", url, *arguments, cwd=tmp_path, settings=settings)
        assert done.returncode == 1 and "TOKEN_INVALID" in done.stderr, done.stderr


def test_what_is_wrong_is_said(server: Server, authority: Authority, tmp_path: Path) -> None:
    url, expired = f"https://{server.target}", authority.issue("client", "too-old", has_expired=True)
    vouched = ["--ca-file", str(authority.file)]
    for arguments, words in [
        (vouched, "asks for a client certificate"),
        ([*vouched, "--cert-file", str(expired[0]), "--key-file", str(expired[1])], "it has expired"),
        ([], "unknown issuer"),
    ]:
        done = run("healthcheck", "--server", url, *arguments, cwd=tmp_path, settings={})
        assert done.returncode == 1 and words in done.stderr, done.stderr
        assert len(done.stderr.splitlines()) == 1 and "nknown error" not in done.stderr
    nobody = run("healthcheck", "--address", "127.0.0.1:1", cwd=tmp_path, settings={"IPSE_PLAINTEXT": "true"})
    assert nobody.returncode == 1 and "connection refused" in nobody.stderr, nobody.stderr


def test_a_client_without_tls_or_without_http_2_is_told(server: Server, authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("client", "teller")
    for request, answer in [
        (b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", b"This port speaks TLS"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", b"This port speaks TLS"),
    ]:
        with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as raw:
            raw.sendall(request)
            assert answer in read_all(raw)
    assert server.log().count("a client speaks plaintext to a port that speaks TLS") == 1
    for protocols in ([], ["http/1.1"]):
        context = ssl.create_default_context(cadata=authority.pem.decode())
        context.load_cert_chain(certificate, key)
        context.set_alpn_protocols(protocols)
        raw = socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS)
        with context.wrap_socket(raw, server_hostname="127.0.0.1") as secure:
            secure.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
            answer = read_all(secure)
            assert answer.startswith(b"HTTP/1.1 505 ") and b"gRPC" in answer, answer


def read_all(raw: socket.socket) -> bytes:
    received = b""
    while chunk := raw.recv(4096):
        received += chunk
    return received

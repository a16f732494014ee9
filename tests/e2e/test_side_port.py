"""The HTTP side port, where it is asked for."""

import http.client
import json
import socket
from collections.abc import Iterator

import jwt
import pytest

from support.client import SECONDS
from support.server import Server, free_port


@pytest.fixture(scope="module")
def side_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def server(side_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server"), http_listen=f"127.0.0.1:{side_port}") as server:
        yield server


def ask(port: int, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def test_a_gateway_verifies_tokens_with_the_key_set(server: Server, side_port: int) -> None:
    with server.client() as client:
        client.register("ada@example.com")
        tokens = client.log_in("ada@example.com")
        user = client.me(tokens.access_token).user
    status, headers, body = ask(side_port, "/.well-known/jwks.json")
    assert (status, headers["content-type"]) == (200, "application/jwk-set+json")
    assert "max-age=300" in headers["cache-control"]
    keys = jwt.PyJWKSet.from_dict(json.loads(body))
    key = keys[jwt.get_unverified_header(tokens.access_token)["kid"]]
    claims = jwt.decode(tokens.access_token, key, algorithms=["ES256"], audience="https://ipse.localhost")
    assert claims["sub"] == user.id
    assert not {"d", "p", "q", "k"} & {name for jwk in json.loads(body)["keys"] for name in jwk}


def test_an_orchestrator_sees_life_and_readiness(server: Server, side_port: int) -> None:
    assert [ask(side_port, path)[0] for path in ("/healthz", "/readyz")] == [200, 200]


def test_nothing_else_is_served(server: Server, side_port: int) -> None:
    for method in ("POST", "PUT", "DELETE", "TRACE", "OPTIONS"):
        assert ask(side_port, "/.well-known/jwks.json", method)[0] == 405
    for path in ("/", "/metrics/../..", "/.well-known/jwks.json/x", "/ipse.v1.AuthService/Login"):
        assert ask(side_port, path)[0] == 404
    assert "server" not in ask(side_port, "/healthz")[1]


def test_a_silent_caller_does_not_keep_others_away(server: Server, side_port: int) -> None:
    silent = [socket.create_connection(("127.0.0.1", side_port)) for _ in range(64)]
    try:
        for connection in silent:
            connection.sendall(b"GET /healthz HTTP/1.1\r\n")
        assert ask(side_port, "/healthz")[0] == 200
    finally:
        for connection in silent:
            connection.close()


def test_a_silent_caller_does_not_hold_up_the_stop(server: Server, side_port: int) -> None:
    with socket.create_connection(("127.0.0.1", side_port)):
        assert server.terminate(5) == 0
    server.start()

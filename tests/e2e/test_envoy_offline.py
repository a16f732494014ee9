"""A real Envoy that checks tokens by itself (jwt_authn), as in examples/envoy/jwt_authn.yaml."""

import base64
import json
from collections.abc import Iterator

import pytest

from support import contract
from support.client import PASSWORD, SECONDS, Client, bearer
from support.envoy import Envoy, Service
from support.server import Server, free_port

EMAIL = "ada@example.com"


@pytest.fixture(scope="module")
def side_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def server(side_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with Server(folder, audiences="orders", http_listen=f"127.0.0.1:{side_port}") as server:
        yield server


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with Service() as service:
        yield service


@pytest.fixture(scope="module")
def envoy(
    server: Server, side_port: int, service: Service, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Envoy]:
    changes = {
        "http://127.0.0.1:8080/": f"http://127.0.0.1:{side_port}/",
        "port_value: 8080": f"port_value: {side_port}",
        "port_value: 9000": f"port_value: {service.port}",
    }
    with Envoy(tmp_path_factory.mktemp("envoy"), "jwt_authn.yaml", changes) as envoy:
        yield envoy


@pytest.fixture(scope="module")
def tokens(client: Client):
    client.register(EMAIL)
    return signed_in(client, "orders")


def signed_in(client: Client, audience: str):
    request = contract.auth_pb2.LoginRequest(identifier=EMAIL, password=PASSWORD, audience=audience)
    return client.auth.Login(request, timeout=SECONDS).tokens


def claims_of(part: str) -> dict:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_without_a_token_nobody_gets_through(envoy: Envoy, service: Service, tokens) -> None:
    before = service.count
    for headers in ([], [("authorization", "Bearer a.b.c")], [("authorization", tokens.access_token)]):
        answer = envoy.get("/", *headers)
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert envoy.get(f"/?access_token={tokens.access_token}").status == 401
    assert service.count == before


def test_with_a_token_the_service_learns_what_it_says(envoy: Envoy, tokens) -> None:
    answer = envoy.get("/", *bearer(tokens.access_token))
    claims = claims_of(tokens.access_token.split(".")[1])
    identity = answer.identity()
    assert claims_of(identity.pop("x-ipse-claims")) == claims
    assert identity == {
        "x-ipse-subject": claims["sub"],
        "x-ipse-session": tokens.session_id,
        "x-ipse-auth-time": str(claims["auth_time"]),
        "x-ipse-acr": "urn:ipse:aal:1",
    }
    assert ("authorization", f"Bearer {tokens.access_token}") in answer.reached


def test_a_changed_token_is_refused(envoy: Envoy, tokens) -> None:
    header, payload, signature = tokens.access_token.split(".")
    claims = json.dumps(claims_of(payload) | {"sub": "root"}).encode()
    forged = base64.urlsafe_b64encode(claims).rstrip(b"=").decode()
    other = signature[:-2] + ("AA" if signature[-2:] != "AA" else "BB")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').rstrip(b"=").decode()
    for token in (f"{header}.{forged}.{signature}", f"{header}.{payload}.{other}", f"{unsigned}.{payload}."):
        assert envoy.get("/", *bearer(token)).status == 401, token


def test_a_token_for_another_service_is_refused(envoy: Envoy, client: Client, tokens) -> None:
    assert envoy.get("/", *bearer(signed_in(client, "").access_token)).status == 403


def test_nobody_tells_the_service_who_they_are(envoy: Envoy, tokens) -> None:
    genuine = envoy.get("/", *bearer(tokens.access_token)).identity()
    for spoof in (
        [("x-ipse-subject", "root")],
        [("x-ipse-subject", "root"), ("X-Ipse-Subject", "root")],
        [("x-ipse-scope", "*"), ("x-ipse-roles", "administrator"), ("x-ipse-claims", "e30")],
    ):
        assert envoy.get("/", *spoof, *bearer(tokens.access_token)).identity() == genuine
        assert not envoy.get("/healthz", *spoof).identity()
    assert envoy.get("/", ("x_ipse_subject", "root"), *bearer(tokens.access_token)).status == 400


def test_it_goes_on_without_ipse_and_so_does_not_hear_of_a_logout(
    envoy: Envoy, server: Server, client: Client, tokens
) -> None:
    client.log_out(tokens.refresh_token)
    server.terminate()
    assert envoy.get("/", *bearer(tokens.access_token)).status == 200
    server.start()

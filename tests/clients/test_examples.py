"""The services in examples/: whom they let in, and when they no longer do."""

import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import grpc
import pytest

from support import contract, factors
from support.client import PASSWORD, SECONDS, Client
from support.issuer import AUDIENCE, ISSUER, PERSON, Issuer
from support.orders import COMMANDS, Orders
from support.waiting import wait_until

UNAUTHENTICATED, UNAVAILABLE = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNAVAILABLE
# Within which a revocation arrives, and for how long the stream of them may be silent.
PROMISED, PATIENCE = 1.0, 3.0


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with Issuer(tmp_path_factory.mktemp("issuer")) as issuer:
        yield issuer


@pytest.fixture(scope="module")
def client(issuer: Issuer) -> Iterator[Client]:
    with issuer.client() as client:
        yield client


@pytest.fixture(scope="module", params=COMMANDS)
def orders(
    request: pytest.FixtureRequest, issuer: Issuer, client: Client, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Orders]:
    orders = Orders(request.param, issuer.environment, tmp_path_factory.mktemp("orders"))
    try:
        orders.await_start(sign_in(client).access_token)
        yield orders
    finally:
        orders.close()


def sign_in(client: Client, audience: str = AUDIENCE, email: str = PERSON):
    request = contract.auth_pb2.LoginRequest(identifier=email, password=PASSWORD, audience=audience)
    return client.auth.Login(request, timeout=SECONDS).tokens


def seconds_until(condition: Callable[[], bool], what: str) -> float:
    begin = time.monotonic()
    wait_until(condition, what)
    return time.monotonic() - begin


def test_a_caller_is_greeted(orders: Orders, client: Client) -> None:
    subject = client.me(sign_in(client, audience="").access_token).user.id
    greeting = orders.greet(sign_in(client).access_token)
    assert (greeting.greeting, greeting.subject) == (f"Hello, {subject}", subject)


def test_a_call_without_a_valid_token_is_refused(orders: Orders, client: Client) -> None:
    token = sign_in(client).access_token
    header, claims, signature = token.split(".")
    for bad in ("", "x", f"{header}.{claims}.", f"{header}.{claims}.{signature[::-1]}", token[:-8], f"{token}.x"):
        assert orders.refusal(bad) == UNAUTHENTICATED, bad
    assert orders.refusal(sign_in(client, audience="").access_token) == UNAUTHENTICATED
    assert orders.refusal(token) is None


def test_an_order_is_cancelled_after_a_step_up_to_two_factors(orders: Orders, client: Client) -> None:
    email = f"{uuid4()}@example.com"
    client.register(email)
    tokens = sign_in(client, email=email)
    assert orders.refusal(tokens.access_token) is None
    demand = orders.step_up(tokens.access_token)
    assert demand == {"acr_values": factors.AAL2, "max_age": "300"}
    # The token for Ipse itself is another one.
    request = contract.auth_pb2.RefreshRequest(refresh_token=tokens.refresh_token, audience=ISSUER)
    own = client.auth.Refresh(request, timeout=SECONDS).tokens.access_token
    app = factors.enrol(client, own)
    lifted = factors.step_up(client, own, app, demand["acr_values"])
    assert orders.step_up(lifted.access_token) is None
    assert orders.step_up(factors.sign_in(client, email, app, audience=AUDIENCE).access_token) is None


def test_a_logged_out_caller_is_refused_within_a_second(orders: Orders, client: Client) -> None:
    tokens = sign_in(client)
    assert orders.refusal(tokens.access_token) is None
    client.log_out(tokens.refresh_token)
    passed = seconds_until(lambda: orders.refusal(tokens.access_token) == UNAUTHENTICATED, "the logout is known")
    assert passed < PROMISED


def test_without_the_stream_nobody_is_let_in(orders: Orders, issuer: Issuer, client: Client) -> None:
    gone, here = sign_in(client), sign_in(client)
    client.log_out(gone.refresh_token)
    issuer.kill()
    passed = seconds_until(lambda: orders.refusal(here.access_token) == UNAVAILABLE, "the stream is missed")
    assert passed < PATIENCE + PROMISED

    issuer.start()
    wait_until(lambda: orders.refusal(here.access_token) is None, "the stream is back")
    assert orders.refusal(gone.access_token) == UNAUTHENTICATED

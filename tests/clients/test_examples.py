"""The services in examples/, each started as its README says: whom they let in, and when they no longer do."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

from support import contract
from support.client import OPTIONS, PASSWORD, SECONDS, Client, bearer
from support.contract import ROOT
from support.issuer import AUDIENCE, PERSON, Issuer
from support.server import free_port
from support.waiting import wait_until

EXAMPLES = ROOT / "examples"
COMMANDS = {
    "rust": ["cargo", "run", "--locked", "--quiet", "--example", "orders"],
    "python": [sys.executable, "main.py"],
    "go": ["go", "run", "."],
    "typescript": ["npm", "start"],
}
UNAUTHENTICATED, UNAVAILABLE = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNAVAILABLE
# Within which a revocation arrives, and for how long the stream of them may be silent.
PROMISED, PATIENCE = 1.0, 3.0
# Compilers may have to work first.
START_SECONDS = 300


class Orders:
    """A guarded service in a process group of its own."""

    def __init__(self, language: str, issuer: Issuer, folder: Path) -> None:
        self.target = f"127.0.0.1:{free_port()}"
        self.log = folder / f"{language}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                COMMANDS[language],
                cwd=EXAMPLES / language,
                env=os.environ | issuer.environment | {"ORDERS_LISTEN": self.target, "PYTHONPATH": "gen"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.channel = grpc.insecure_channel(self.target, OPTIONS)
        self._stub = contract.orders_grpc.OrdersServiceStub(self.channel)

    def close(self) -> None:
        self.channel.close()
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)

    def runs(self) -> bool:
        """Whether somebody answers."""
        assert self._process.poll() is None, self.log.read_text()
        return self.refusal("") == UNAUTHENTICATED

    def greet(self, access_token: str):
        metadata = bearer(access_token) if access_token else None
        return self._stub.Greet(contract.orders_pb2.GreetRequest(), timeout=SECONDS, metadata=metadata)

    def refusal(self, access_token: str) -> grpc.StatusCode | None:
        """The code with which a call is refused, if it is."""
        try:
            self.greet(access_token)
        except grpc.RpcError as error:
            return error.code()
        return None


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
    orders = Orders(request.param, issuer, tmp_path_factory.mktemp("orders"))
    try:
        wait_until(orders.runs, "the example runs", START_SECONDS)
        token = sign_in(client).access_token
        wait_until(lambda: orders.refusal(token) is None, "it knows what is revoked")
        yield orders
    finally:
        orders.close()


def sign_in(client: Client, audience: str = AUDIENCE):
    request = contract.auth_pb2.LoginRequest(identifier=PERSON, password=PASSWORD, audience=audience)
    return client.auth.Login(request, timeout=SECONDS).tokens


def seconds_until(condition: Callable[[], bool], what: str) -> float:
    begin = time.monotonic()
    wait_until(condition, what)
    return time.monotonic() - begin


def test_a_caller_is_greeted(orders: Orders, client: Client) -> None:
    tokens = sign_in(client)
    subject = client.me(tokens.access_token).user.id
    greeting = orders.greet(tokens.access_token)
    assert (greeting.greeting, greeting.subject) == (f"Hello, {subject}", subject)


def test_a_call_without_a_valid_token_is_refused(orders: Orders, client: Client) -> None:
    token = sign_in(client).access_token
    header, claims, signature = token.split(".")
    for bad in ("", "x", f"{header}.{claims}.", f"{header}.{claims}.{signature[::-1]}", token[:-8], f"{token}.x"):
        assert orders.refusal(bad) == UNAUTHENTICATED, bad
    assert orders.refusal(sign_in(client, audience="").access_token) == UNAUTHENTICATED
    assert orders.refusal(token) is None


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

#!/usr/bin/env python3
"""Measures the release binary: how many API keys are exchanged for access tokens in a second, beside calls that do
nothing, and that no password hash runs for it.

usage: tests/measure/exchange.py, after `tests/run tools build`

Exits with 1 if a hash ran. SQLite, plaintext on the loopback address, client and server on the same machine.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import virtual_environment

virtual_environment.enter()

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from support import people
from support.client import PASSWORD, Client, bearer
from support.contract import auth_pb2, service_account_grpc, service_account_pb2, token_grpc, token_pb2
from support.server import Server

CALLS, AT_A_TIME, SIGN_INS = 5_000, 64, 20


def api_key(server: Server, client: Client) -> str:
    """A new key of a new account."""
    metadata = bearer(people.administrator(server, client))
    accounts = service_account_grpc.ServiceAccountServiceStub(client.channel)
    named = service_account_pb2.CreateServiceAccountRequest(service_account={"name": "orders"})
    account = accounts.CreateServiceAccount(named, metadata=metadata).service_account
    wish = service_account_pb2.CreateApiKeyRequest(api_key={"service_account_id": account.id})
    return accounts.CreateApiKey(wish, metadata=metadata).secret


def rate(call: Callable[[], grpc.Future], calls: int) -> float:
    """How many calls are answered in a second, with some under way at any time."""
    began = time.perf_counter()
    under_way: list[grpc.Future] = []
    for _ in range(calls):
        if len(under_way) == AT_A_TIME:
            under_way.pop(0).result()
        under_way.append(call())
    for future in under_way:
        future.result()
    return calls / (time.perf_counter() - began)


def hashing_ticks(server: Server) -> int:
    """The processor time of the threads that hash passwords."""
    stats = [path.read_text() for path in Path(f"/proc/{server.process.pid}/task").glob("*/stat")]
    fields = [stat.rpartition(")")[2].split() for stat in stats if "(ipse-hash-" in stat]
    assert fields, "the threads that hash are not found"
    return sum(int(field[11]) + int(field[12]) for field in fields)


def measure(server: Server, client: Client) -> Iterator[tuple[str, float, str]]:
    """What was measured: name, value, unit."""
    exchange = token_grpc.TokenServiceStub(client.channel).ExchangeApiKey
    wish = token_pb2.ExchangeApiKeyRequest(api_key=api_key(server, client))
    health = health_pb2_grpc.HealthStub(client.channel).Check
    nothing = health_pb2.HealthCheckRequest()
    sign_in = auth_pb2.LoginRequest(identifier="root@example.com", password=PASSWORD)

    before = hashing_ticks(server)
    for name, call in (
        ("calls that do nothing", partial_future(health, nothing)),
        ("exchanges", partial_future(exchange, wish)),
    ):
        rate(call, CALLS // 10)
        yield name, rate(call, CALLS), "/s"
    yield "time on the threads that hash, meanwhile", hashing_ticks(server) - before, "ticks"
    yield "sign-ins, for comparison", rate(partial_future(client.auth.Login, sign_in), SIGN_INS), "/s"
    assert hashing_ticks(server) > before, "a sign-in shows on the threads that hash"


def partial_future(method: grpc.UnaryUnaryMultiCallable, message: object) -> Callable[[], grpc.Future]:
    return lambda: method.future(message, timeout=60)


def main() -> int:
    hashed = 0.0
    with tempfile.TemporaryDirectory() as folder:
        with Server(Path(folder), request_timeout="60s") as server, server.client() as client:
            for name, value, unit in measure(server, client):
                print(f"{name:50} {value:10.1f} {unit}", flush=True)
                hashed += value if unit == "ticks" else 0
    return int(hashed > 0)


if __name__ == "__main__":
    sys.exit(main())

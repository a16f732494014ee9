"""A database that stops answering and closes nothing, and comes back: behind a wire that is cut, and frozen itself."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import grpc
import pytest

from support.client import Client
from support.contract import auth_pb2
from support.database import Postgres, count
from support.http import ask
from support.mail import VERIFY
from support.postgres import Cluster
from support.relay import Relay
from support.server import Server
from support.waiting import wait_until

# Health follows within this time, both ways.
HEALTH = 3
FIRST_CALL = 1
MAIL = 10


@contextmanager
def frozen(database: Postgres) -> Iterator[None]:
    """Stops all processes of the database server, and lets them continue."""
    pids = [int(pid) for (pid,) in database.query("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()")]
    parent = int(database.query("SELECT pg_read_file('postmaster.pid')")[0][0])
    for pid in [parent, *pids]:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in [parent, *pids]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@contextmanager
def cut(relay: Relay) -> Iterator[None]:
    relay.is_silent = True
    try:
        yield
    finally:
        relay.is_silent = False


def seconds_until(condition: Callable[[], bool], what: str, limit: float) -> float:
    began = time.monotonic()
    wait_until(condition, what, limit)
    return time.monotonic() - began


def refused(call: Callable[[], object]) -> bool:
    try:
        call()
    except grpc.RpcError as error:
        return error.code() == grpc.StatusCode.UNAVAILABLE
    return False


def live_through(server: Server, client: Client, away: Callable, length: float) -> None:
    """What people and probes see while the database is away for so many seconds, and after it."""
    client.register("ada@example.com")
    tokens = client.log_in("ada@example.com")
    client.me(tokens.access_token)
    assert client.health() == "SERVING"
    with away():
        assert seconds_until(lambda: client.health() != "SERVING", "health says so", 10) <= HEALTH
        assert ask(server, "/readyz").status == 503
        assert refused(lambda: client.refresh(tokens.refresh_token))
        time.sleep(length)
    began = time.monotonic()
    wait_until(lambda: not refused(lambda: client.refresh(tokens.refresh_token)), "a call succeeds", 10)
    assert time.monotonic() - began <= FIRST_CALL
    assert seconds_until(lambda: client.health() == "SERVING", "health says so", 10) <= HEALTH
    client.register("bob@example.com")
    # By the worker that waited for the database as well.
    expected = {"ada@example.com", "bob@example.com"}
    wait_until(lambda: expected <= set(server.mail.tokens(VERIFY)), "the mail is there", MAIL)


@pytest.mark.parametrize("length", [0, 5, 20])
def test_a_wire_that_is_cut(cluster: Cluster, tmp_path: Path, length: int) -> None:
    database = cluster.new_database()
    with Relay(database.port) as relay:
        url = database.url.replace(f":{relay.target}/", f":{relay.port}/")
        with Server(tmp_path, database_url=url) as server, server.client() as client:
            live_through(server, client, lambda: cut(relay), length)
            open_now = "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            wait_until(lambda: count(database, open_now) <= 16 + 2 + 14, "lost connections are given up", 40)


def test_a_server_that_is_frozen(cluster: Cluster, tmp_path: Path) -> None:
    database = cluster.new_database()
    with Server(tmp_path, database_url=database.url) as server, server.client() as client:
        live_through(server, client, lambda: frozen(database), 5)


def test_connections_that_are_ended_again_and_again(cluster: Cluster, tmp_path: Path) -> None:
    """What was answered for is stored, and the service goes on."""
    database = cluster.new_database()
    end_all = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    acknowledged = []
    with Server(tmp_path, database_url=database.url) as server, server.client() as client:
        for number in range(25):
            database.query(end_all)
            over = time.monotonic() + 0.4
            while time.monotonic() < over:
                email = f"p{number}x{len(acknowledged)}@example.com"
                try:
                    client.auth.Register(auth_pb2.RegisterRequest(email=email, password="the long way home of p"))
                    acknowledged.append(email)
                except grpc.RpcError as error:
                    assert error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNKNOWN), error
        assert len(acknowledged) > 25
        wait_until(lambda: client.health() == "SERVING", "health says so", HEALTH)
    stored = {email for (email,) in database.query("SELECT email_canonical FROM users")}
    assert set(acknowledged) <= stored

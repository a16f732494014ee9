"""PostgreSQL behind PgBouncer: whatever its mode is, nothing depends on the state of a session."""

import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import grpc
import pytest

from support.client import Client, bearer
from support.contract import account_pb2
from support.database import Postgres
from support.errors import Refusal
from support.pgbouncer import PgBouncer
from support.postgres import Cluster
from support.races import attempt, together
from support.revocations import delays
from support.server import Server, migrated, run

# As it comes, without statements that are prepared for later; one that leaves options of sessions out in silence; and one
# that gives each client a session of its own.
POOLERS = {
    "transaction": {},
    "transaction, options ignored": {"ignore_startup_parameters": "extra_float_digits,options"},
    "session": {"default_pool_size": "60"},
}


@pytest.fixture(scope="module", params=POOLERS)
def pooler(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[PgBouncer]:
    with PgBouncer(cluster, request.param.split(",")[0], **POOLERS[request.param]) as pooler:
        yield pooler


@pytest.fixture
def database(cluster: Cluster, pooler: PgBouncer) -> Postgres:
    return pooler.before(cluster.new_database())


@pytest.fixture
def pair(database: Postgres, tmp_path: Path) -> Iterator[tuple[Server, Server]]:
    """Two replicas."""
    shared = {"database_url": database.url, "unverified_sign_in": "true", "database_max_connections": "8"}
    first, second = (Server(tmp_path / name, dev=False, **shared) for name in ("first", "second"))
    with migrated(first), second:
        yield first, second
        for server in (first, second):
            log = server.log()
            assert "prepared statement" not in log and "panicked" not in log and "ERROR" not in log, log


def live(here: Client, there: Client, name: str) -> None:
    """A sign-up to a sign-out, each step by another replica than the one before."""
    here.register(name)
    tokens = there.log_in(name)
    assert here.me(tokens.access_token).user.email == name
    tokens = here.refresh(tokens.refresh_token)
    tokens = there.refresh(tokens.refresh_token)
    phone = here.log_in(name)
    there.log_out(tokens.refresh_token)
    assert attempt(lambda: there.me(tokens.access_token)).reason == "TOKEN_INVALID"
    assert attempt(lambda: here.refresh(tokens.refresh_token)).reason == "REFRESH_TOKEN_INVALID"
    assert here.me(phone.access_token).user.email == name


def test_people_live_on_two_replicas_at_once(pair: tuple[Server, Server], database: Postgres) -> None:
    first, second = pair
    with first.client() as here, second.client() as there:
        lives = [partial(live, *((here, there) if n % 2 else (there, here)), f"person{n}@example.com") for n in range(12)]
        assert together(lives) == [None] * len(lives)
    assert database.query("SELECT count(*) FROM users") == [("12",)]
    assert database.query("SELECT count(*) FROM pg_prepared_statements") == [("0",)]


def test_a_revocation_reaches_the_other_within_a_second(pair: tuple[Server, Server]) -> None:
    first, second = pair
    with first.client() as here, second.client() as there:
        here.register("ada@example.com")
        assert max(delays(here, there, "ada@example.com", 5)) < 1000


def test_calls_that_nobody_waits_for_leave_nothing_behind(pair: tuple[Server, Server], database: Postgres) -> None:
    first, second = pair
    with first.client() as here, second.client() as there:
        here.register("ada@example.com")
        token = here.log_in("ada@example.com").access_token
        hurried = [partial(hurry, server, token, seconds) for server in pair for seconds in (0.003, 0.006, 0.012, 0.025)]
        assert sum(together(hurried)) > 0, "some ran out of time"
        for number in range(4):
            live(here, there, f"person{number}@example.com")
    # A pooler hands out the session that came back last, so one look after the other sees some of them.
    for _ in range(5):
        assert database.query("SELECT count(*) FROM pg_prepared_statements") == [("0",)]


def hurry(server: Server, token: str, seconds: float) -> int:
    """Makes calls that have only so long, and tells how many of them that was too short for."""
    late = 0
    # Each on a connection of its own: a server ends one on which too many are given up.
    for _ in range(12):
        with server.client() as client:
            try:
                request = account_pb2.ListMySessionsRequest()
                client.account.ListMySessions(request, metadata=bearer(token), timeout=seconds)
            except grpc.RpcError as error:
                assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED, error
                late += 1
    return late


def test_a_transaction_has_its_limits_in_every_session(database: Postgres, pair: tuple[Server, Server]) -> None:
    hold = "BEGIN; SELECT 1 FROM users FOR UPDATE; SELECT pg_sleep(20); COMMIT"
    with pair[0].client() as client:
        client.register("ada@example.com")
        holder = threading.Thread(target=database.query, args=(hold,))
        holder.start()
        time.sleep(0.5)
        began = time.monotonic()
        outcome = attempt(lambda: client.log_in("ada@example.com"))
        assert isinstance(outcome, Refusal) and outcome.reason == "STORAGE_BUSY", outcome
        assert time.monotonic() - began < 15, "it gives up before the lock is given back"
        holder.join()


def test_what_a_pooler_cannot_pass_on_is_said_at_the_start(cluster: Cluster, tmp_path: Path) -> None:
    with PgBouncer(cluster, "transaction") as pooler:
        url = pooler.before(cluster.new_database()).url + "&options=-c%20search_path%3Dx"
        done = run("migrate", cwd=tmp_path, settings={"IPSE_DATABASE_URL": url, "IPSE_LOG": "off"})
        assert done.returncode == 2
        assert done.stderr.startswith("ipse: IPSE_DATABASE_URL: ") and "startup parameter" in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("mode", "settings", "told"),
    [
        ("statement", {}, "set pool_mode of PgBouncer to transaction or session"),
        ("statement", {"IPSE_DATABASE_POOLING": "session"}, "set pool_mode of PgBouncer to transaction or session"),
        ("transaction", {"IPSE_DATABASE_POOLING": "session"}, "leave IPSE_DATABASE_POOLING out or set it to transaction"),
    ],
)
def test_a_pooler_that_cannot_do_is_told_with_the_setting_to_change(
    cluster: Cluster, tmp_path: Path, mode: str, settings: dict[str, str], told: str
) -> None:
    # The second finds what the first has prepared, in the only session that there is.
    with PgBouncer(cluster, mode, default_pool_size="1") as pooler:
        url = pooler.before(cluster.new_database()).url
        settings = {"IPSE_DATABASE_URL": url, "IPSE_LOG": "off"} | settings
        done = [run("migrate", cwd=tmp_path, settings=settings) for _ in range(2)]
        assert any(told in once.stderr for once in done), done

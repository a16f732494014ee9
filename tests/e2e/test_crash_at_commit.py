"""Killing the process right behind each COMMIT that a call makes: whatever one of them leaves is a whole.

Random kills seldom hit the moment between two transactions of one call on PostgreSQL. Here every such moment is hit.
"""

import re
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import grpc
import pytest

from support.client import PASSWORD, Client
from support.database import Postgres, count
from support.mail import RESET, VERIFY
from support.postgres import Cluster
from support.relay import Relay
from support.server import Server
from support.waiting import wait_until

NEW_PASSWORD = "a wholly different sentence"
# A call makes fewer transactions, and the work in the background beside it.
MOST_COMMITS = 12

SENTENCES = {
    "a person has a password": "users u WHERE NOT EXISTS (SELECT 1 FROM passwords p WHERE p.user_id = u.id)",
    "a password has a person": "passwords p WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = p.user_id)",
    "who waits for a proof has a token": """users u WHERE u.state = 'pending'
        AND NOT EXISTS (SELECT 1 FROM action_tokens t WHERE t.user_id = u.id)""",
    "a sign-up is in the trail": """users u WHERE NOT EXISTS
        (SELECT 1 FROM audit_events e WHERE e.type = 'user_created' AND e.subject = u.id::text)""",
    "a session is in the trail": """sessions s WHERE NOT EXISTS
        (SELECT 1 FROM audit_events e WHERE e.type = 'authn_login_success' AND e.details LIKE '%' || s.id || '%')""",
}


@pytest.fixture
def relay(cluster: Cluster) -> Iterator[tuple[Postgres, Relay]]:
    database = cluster.new_database()
    with Relay(int(re.search(r"@127\.0\.0\.1:(\d+)/", database.url)[1])) as relay:
        yield database, relay


def through(database: Postgres, relay: Relay) -> str:
    return database.url.replace(f":{relay.target}/", f":{relay.port}/")


def broken_sentences(database: Postgres) -> list[str]:
    return [sentence for sentence, exceptions in SENTENCES.items() if count(database, exceptions)]


def at_every_commit(server: Server, where: tuple[Postgres, Relay], call: Callable[[Client, int], object]) -> int:
    """Makes the call again and again, each time with the process being killed one COMMIT later, until one gets through.
    How often it was killed."""
    database, relay = where
    for commits in range(1, MOST_COMMITS):
        relay.fall_silent_after(commits)
        with server.client() as client, ThreadPoolExecutor(1) as pool:
            done = pool.submit(call, client, commits)
            wait_until(lambda: relay.is_silent or done.done(), "the call commits or ends", 30)
            was_killed = relay.is_silent
            if was_killed:
                server.kill()
            try:
                done.result(30)
            except grpc.RpcError as error:
                assert was_killed and error.code() == grpc.StatusCode.UNAVAILABLE, error
        relay.pass_all()
        settle(database)
        assert broken_sentences(database) == [], f"after {commits}"
        if not was_killed:
            return commits - 1
        server.start()
    raise AssertionError("the call never ends")


def settle(database: Postgres) -> None:
    """Waits until the database has done what it was told, and has rolled back what it was not told the end of."""
    at_work = "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
    wait_until(lambda: count(database, at_work) == 0, "the database is done", 30)


def test_calls_are_whole_or_not_at_all(relay: tuple[Postgres, Relay], tmp_path: Path) -> None:
    database, wire = relay
    with Server(tmp_path, database_url=through(database, wire)) as server:
        kills = at_every_commit(server, relay, lambda client, number: client.register(f"user{number}@example.com"))
        assert kills >= 1
        name = "ada@example.com"
        with server.client() as client:
            client.register(name)
            client.verify(server.mail.token(name, VERIFY))
        kills = at_every_commit(server, relay, lambda client, _: client.log_in(name))
        assert kills >= 1
        kills = at_every_commit(server, relay, lambda client, _: client.request_reset(name))
        assert kills >= 1


def test_a_reset_spends_its_token_with_the_change(relay: tuple[Postgres, Relay], tmp_path: Path) -> None:
    database, wire = relay
    with Server(tmp_path, database_url=through(database, wire)) as server:
        for commits in range(1, MOST_COMMITS):
            name = f"user{commits}@example.com"
            with server.client() as client:
                client.register(name)
                client.verify(server.mail.token(name, VERIFY))
                client.request_reset(name)
            token = server.mail.token(name, RESET)
            wire.fall_silent_after(commits)
            with server.client() as client, ThreadPoolExecutor(1) as pool:
                done = pool.submit(client.reset, token, NEW_PASSWORD)
                wait_until(lambda done=done: wire.is_silent or done.done(), "the call commits or ends", 30)
                was_killed = wire.is_silent
                if was_killed:
                    server.kill()
                with_error = done.exception(30)
                assert with_error is None or was_killed, with_error
            wire.pass_all()
            settle(database)
            if was_killed:
                server.start()
            check_reset(server, database, name)
            if not was_killed:
                return
    raise AssertionError("the call never ends")


def check_reset(server: Server, database: Postgres, name: str) -> None:
    """The account has one of both passwords, and its token is spent with the change."""
    unspent = f"""action_tokens t JOIN users u ON u.id = t.user_id
        WHERE t.purpose = 'reset_password' AND u.email_canonical = '{name}'"""
    is_changed = count(database, unspent) == 0
    with server.client() as client:
        client.log_in(name, NEW_PASSWORD if is_changed else PASSWORD)
        with pytest.raises(grpc.RpcError):
            client.log_in(name, PASSWORD if is_changed else NEW_PASSWORD)


def test_a_change_in_two_transactions_is_found(relay: tuple[Postgres, Relay], tmp_path: Path) -> None:
    """What the tests above would see of a call that commits half of its work."""
    database, wire = relay
    with Server(tmp_path, database_url=database.url) as server, server.client() as client:
        client.register("ada@example.com")
    assert broken_sentences(database) == []
    halves = ("DELETE FROM passwords", "DELETE FROM users")
    statements = [word for half in halves for word in ("-c", "BEGIN", "-c", half, "-c", "COMMIT")]
    wire.fall_silent_after(1)
    split = subprocess.Popen([database.psql, through(database, wire), "-X", "-q", *statements])
    try:
        wait_until(lambda: wire.is_silent, "the first half is committed")
        wait_until(partial(broken_sentences, database), "the other half is missing")
        assert broken_sentences(database) == ["a person has a password"]
    finally:
        split.kill()
        split.wait(10)

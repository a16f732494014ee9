"""Killing the process at random moments: whatever was acknowledged is there, and nothing is there by half."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import grpc

from support.client import PASSWORD, Client
from support.database import Postgres, Sqlite, count
from support.errors import Refusal
from support.mail import RESET, VERIFY
from support.races import together
from support.server import Server
from support.waiting import wait_until

REGISTRATIONS, RESETS = 200, 100
NEW_PASSWORD = "a wholly different sentence"
WORKERS = 8

# Rows that no finished transaction leaves behind.
HALF_STATES = (
    "users u WHERE NOT EXISTS (SELECT 1 FROM passwords p WHERE p.user_id = u.id)",
    "passwords p WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = p.user_id)",
    "users u WHERE u.state = 'pending' AND NOT EXISTS (SELECT 1 FROM action_tokens t WHERE t.user_id = u.id)",
    "action_tokens t WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = t.user_id)",
)

UNSPENT = """
    SELECT u.email_canonical FROM action_tokens t JOIN users u ON u.id = t.user_id WHERE t.purpose = 'reset_password'
"""


class Crashes:
    """Kills and restarts the server while work is going on."""

    def __init__(self, server: Server, seed: int) -> None:
        self._server = server
        self._dice = random.Random(seed)

    def survive(self, work: dict[str, Callable[[Client], object]]) -> set[str]:
        """Does every piece of work once, with the process being killed now and then, and names the acknowledged."""
        alive = threading.Event()
        alive.set()
        done, acknowledged = [], set()

        def do(name: str) -> None:
            alive.wait()
            try:
                work[name](client)
                acknowledged.add(name)
            except grpc.RpcError as error:
                # The connection broke. Anything else would be an answer that the crash does not excuse.
                assert error.code() == grpc.StatusCode.UNAVAILABLE, error
            finally:
                done.append(name)

        with self._server.client() as client, ThreadPoolExecutor(WORKERS) as pool:
            pieces = [pool.submit(do, name) for name in work]
            kills = 0
            while True:
                next_kill = min(len(done) + self._dice.randint(WORKERS, len(work) // 5), len(work))
                wait_until(partial(self._reached, done, next_kill), "the work goes on", 60)
                if len(done) == len(work):
                    break
                time.sleep(self._dice.uniform(0, 0.02))
                alive.clear()
                self._server.kill()
                kills += 1
                self._server.start()
                wait_until(lambda: client.health() == "SERVING", "the client is connected again")
                alive.set()
            for piece in pieces:
                piece.result()
        assert kills >= 3 and len(acknowledged) >= len(work) / 2
        return acknowledged

    @staticmethod
    def _reached(done: list[str], number: int) -> bool:
        return len(done) >= number


def deliver_all_mail(server: Server, database: Sqlite | Postgres) -> None:
    database.make_all_mail_due()
    wait_until(lambda: count(database, "jobs WHERE lane LIKE 'mail.%'") == 0, "all mail is delivered", 30)


def failures(outcomes: list[object | Refusal]) -> list[Refusal]:
    return [outcome for outcome in outcomes if isinstance(outcome, Refusal)]


def test_a_killed_server_keeps_its_word(database: Sqlite | Postgres, tmp_path: Path) -> None:
    with Server(tmp_path / "ipse", database_url=database.url) as server:
        crashes = Crashes(server, seed=12)
        names = [f"user{number}@example.com" for number in range(REGISTRATIONS)]

        registered = crashes.survive({name: partial(Client.register, email=name) for name in names})
        check_registrations(server, database, registered)

        asked = crashes.survive(
            {name: partial(Client.request_reset, email=name) for name in sorted(registered)[:RESETS]}
        )
        deliver_all_mail(server, database)
        tokens = server.mail.tokens(RESET)
        assert asked <= set(tokens), "each acknowledged request brought a mail"

        reset = crashes.survive(
            {name: partial(Client.reset, token=tokens[name], new_password=NEW_PASSWORD) for name in sorted(asked)}
        )
        check_resets(server, database, asked, reset)


def check_registrations(server: Server, database: Sqlite | Postgres, registered: set[str]) -> None:
    deliver_all_mail(server, database)
    tokens = server.mail.tokens(VERIFY)
    stored = {name for (name,) in database.query("SELECT email_canonical FROM users")}
    assert registered <= stored, "an acknowledged account is gone"
    # An account whose acknowledgement was lost with the connection is as complete as the others.
    assert stored == set(tokens), "each account has its mail"
    assert {sql: count(database, sql) for sql in HALF_STATES} == dict.fromkeys(HALF_STATES, 0)
    with server.client() as client:
        assert not failures(together([partial(client.log_in, name) for name in stored], WORKERS))
        assert not failures(together([partial(client.verify, tokens[name]) for name in stored], WORKERS))


def check_resets(server: Server, database: Sqlite | Postgres, asked: set[str], reset: set[str]) -> None:
    deliver_all_mail(server, database)
    notified = {message["to"] for message in server.mail.all() if "password" in message["subject"].lower()}
    assert reset <= notified, "each change brought a notice"
    with server.client() as client:
        order = sorted(asked)
        new = together([partial(client.log_in, name, NEW_PASSWORD) for name in order], WORKERS)
        old = together([partial(client.log_in, name, PASSWORD) for name in order], WORKERS)
    changed = {name for name, outcome in zip(order, new, strict=True) if not isinstance(outcome, Refusal)}
    kept = {name for name, outcome in zip(order, old, strict=True) if not isinstance(outcome, Refusal)}
    assert reset <= changed, "an acknowledged password is gone"
    assert changed ^ kept == asked and not changed & kept, "each account has exactly one password"
    unspent = {name for (name,) in database.query(UNSPENT)} & asked
    assert unspent == kept, "a token is spent with the change and not otherwise"

"""Calls that come at once, and calls that are given up."""

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import grpc
import pytest

from support import contract
from support.client import PASSWORD, SECONDS, Client, bearer, from_address
from support.database import Postgres, Sqlite, count
from support.errors import Code, Refusal, refused
from support.races import attempt, together
from support.server import Server
from support.waiting import wait_until

POOL = 8


@pytest.fixture
def server(tmp_path: Path, database: Sqlite | Postgres) -> Iterator[Server]:
    settings = {"database_url": database.url, "database_max_connections": str(POOL)}
    with Server(tmp_path / "ipse", refresh_grace="1s", trusted_proxies="127.0.0.1", **settings) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with server.client() as client:
        yield client


def test_parallel_refreshes_have_one_successor(client: Client) -> None:
    client.register("ada@example.com")
    first = client.log_in("ada@example.com")
    refresh = partial(client.refresh, first.refresh_token)
    outcomes = together([refresh] * 50)
    assert not [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    successors = {outcome.refresh_token for outcome in outcomes}
    assert len(successors) == 1 and first.refresh_token not in successors
    assert {outcome.session_id for outcome in outcomes} == {first.session_id}
    request = contract.account_pb2.ListMySessionsRequest()
    listed = client.account.ListMySessions(request, timeout=SECONDS, metadata=bearer(first.access_token))
    assert [session.id for session in listed.sessions] == [first.session_id]

    # After the grace the first token is a stolen one, as far as the service can tell: the whole session ends.
    second = outcomes[0]
    wait_until(lambda: isinstance(attempt(refresh), Refusal), "the grace is over", 5)
    with refused(Code.UNAUTHENTICATED, "REFRESH_TOKEN_INVALID"):
        client.refresh(first.refresh_token)
    with refused(Code.UNAUTHENTICATED, "REFRESH_TOKEN_INVALID"):
        client.refresh(second.refresh_token)
    for tokens in (first, second):
        with refused(Code.UNAUTHENTICATED, "TOKEN_INVALID"):
            client.me(tokens.access_token)


def test_a_chain_of_refreshes_allows_no_older_token(client: Client) -> None:
    client.register("ada@example.com")
    first = client.log_in("ada@example.com")
    third = client.refresh(client.refresh(first.refresh_token).refresh_token)
    # Within the grace, but no longer the immediate predecessor.
    with refused(Code.UNAUTHENTICATED, "REFRESH_TOKEN_INVALID"):
        client.refresh(first.refresh_token)
    with refused(Code.UNAUTHENTICATED, "REFRESH_TOKEN_INVALID"):
        client.refresh(third.refresh_token)


def test_parallel_sign_ups_of_one_address_make_one_account(client: Client, database: Sqlite | Postgres) -> None:
    outcomes = together([partial(client.register, "ada@example.com")] * 100)
    assert outcomes == [None] * 100
    assert (count(database, "users"), count(database, "passwords")) == (1, 1)
    client.log_in("ada@example.com")


def test_parallel_guesses_are_not_worth_more_than_the_first_few(client: Client) -> None:
    client.register("ada@example.com")
    guesses = [partial(client.log_in, "ada@example.com", f"wrong password {n}", from_address(n)) for n in range(50)]
    reasons = [outcome.reason for outcome in together(guesses)]
    assert set(reasons) == {"CREDENTIALS_INVALID", "RATE_LIMITED"}
    # The fifth failure begins the waiting time of a second; what was under way then learns nothing.
    assert reasons.count("CREDENTIALS_INVALID") <= 6


def test_the_right_one_of_many_parallel_guesses_has_to_wait_too(client: Client, database: Sqlite | Postgres) -> None:
    client.register("ada@example.com")
    wrong = [partial(client.log_in, "ada@example.com", f"wrong password {n}", from_address(n)) for n in range(60)]
    outcomes = together([*wrong, partial(client.log_in, "ada@example.com")], threads=30)
    assert isinstance(outcomes[-1], Refusal) and outcomes[-1].reason == "RATE_LIMITED"
    assert count(database, "sessions") == 0


@pytest.mark.parametrize("with_right_one", [False, True])
def test_a_stolen_session_is_no_way_to_guess_in_parallel(client: Client, with_right_one: bool) -> None:
    client.register("ada@example.com")
    session = client.log_in("ada@example.com")

    def change(current: str) -> None:
        request = contract.account_pb2.ChangePasswordRequest(current_password=current, new_password="another " + PASSWORD)
        client.account.ChangePassword(request, timeout=SECONDS, metadata=bearer(session.access_token))

    guesses = [f"wrong password {n}" for n in range(60)] + [PASSWORD] * with_right_one
    outcomes = together([partial(change, guess) for guess in guesses], threads=30)
    reasons = [outcome.reason for outcome in outcomes if isinstance(outcome, Refusal)]
    assert len(reasons) == len(guesses) and set(reasons) == {"CREDENTIALS_INVALID", "RATE_LIMITED"}
    assert reasons.count("CREDENTIALS_INVALID") <= 6


def test_given_up_calls_leave_nothing_behind(client: Client, database: Sqlite | Postgres) -> None:
    names = [f"user{number}@example.com" for number in range(40)]
    together([partial(client.register, name) for name in names])
    sessions = together([partial(client.log_in, name) for name in names])
    dice = random.Random(5)

    def give_up(number: int) -> None:
        if number % 2:
            request = contract.auth_pb2.LoginRequest(identifier=dice.choice(names), password=PASSWORD)
            call = client.auth.Login.future(request, timeout=SECONDS)
        else:
            request = contract.auth_pb2.RefreshRequest(refresh_token=dice.choice(sessions).refresh_token)
            call = client.auth.Refresh.future(request, timeout=SECONDS)
        try:
            # Some calls are over by then, most are anywhere in between.
            call.exception(timeout=dice.uniform(0, 0.03))
        except grpc.FutureTimeoutError:
            call.cancel()

    together([partial(give_up, number) for number in range(1000)], threads=16)
    outcomes = together([partial(client.log_in, name) for name in names], threads=8)
    assert not [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    if isinstance(database, Postgres):
        connections = database.query(
            "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        # Beside the pool, one that follows what voids tokens and one that listens for news of it.
        assert len(connections) <= POOL + 2
        assert not [state for (state,) in connections if state.startswith("idle in transaction")]

"""Clocks that are wrong, and then right: libfaketime under the release binary."""

import threading
import time
from collections import Counter
from pathlib import Path

import grpc
import pytest

from support import contract
from support.client import PASSWORD, SECONDS, Client
from support.errors import Code, refusal_of, refused
from support.mail import RESET, VERIFY, token
from support.server import Server
from support.waiting import wait_until

ADA = "ada@example.com"


def guess(client: Client) -> None:
    with pytest.raises(grpc.RpcError):
        client.log_in(ADA, "not the password at all")


def wait_of(client: Client) -> float:
    """How long a sign-in has to wait."""
    try:
        client.log_in(ADA)
    except grpc.RpcError as error:
        refusal = refusal_of(error)
        assert refusal.reason == "RATE_LIMITED", refusal
        return refusal.retry_seconds
    return 0


def signing_keys(client: Client) -> list:
    request = contract.key_pb2.ListSigningKeysRequest()
    return list(client.keys.ListSigningKeys(request, timeout=SECONDS).keys)


def live(server: Server, offset: str) -> None:
    """Sets the clock and waits until the process shows it by itself."""
    server.set_clock(offset)
    time.sleep(1.5)


@pytest.mark.parametrize("offset", ["+400d", "+2h", "+1h"])
@pytest.mark.parametrize("while_running", [False, True])
def test_what_a_clock_stored_that_was_ahead_counts_from_now_on(
    tmp_path: Path, offset: str, while_running: bool
) -> None:
    server = Server(tmp_path / "ipse")
    server.folder.mkdir(exist_ok=True)
    with server, server.client() as client:
        client.register(ADA)
        client.verify(server.mail.token(ADA, VERIFY))
        before = client.log_in(ADA)
        server.terminate()
    server.set_clock(offset)
    with server, server.client() as client:
        client.log_in(ADA)
        for _ in range(6):
            guess(client)
        client.request_reset(ADA)
        stale = server.mail.token(ADA, RESET)
        if while_running:
            live(server, "+0")
            check_that_the_clock_is_right(server, client, before, stale)
        else:
            server.terminate()
    if not while_running:
        server.set_clock("+0")
        with server, server.client() as client:
            check_that_the_clock_is_right(server, client, before, stale)


def other_token(server: Server, stale: str) -> str | None:
    """The token of a mail for a reset that is not the stale one. Mail of the future sorts last."""
    tokens = (token(mail, RESET) for mail in server.mail.all())
    return next((found for found in tokens if found and found != stale), None)


def check_that_the_clock_is_right(server: Server, client: Client, before, stale: str) -> None:
    assert wait_of(client) <= 60
    client.request_reset(ADA)
    fresh = wait_until(lambda: other_token(server, stale), "a new mail for a reset")
    client.reset(fresh, PASSWORD)
    tokens = client.log_in(ADA)
    assert client.me(tokens.access_token).user.email == ADA
    renewed = client.refresh(tokens.refresh_token)
    assert renewed.access_expire_time.seconds <= time.time() + 3600
    assert renewed.refresh_expire_time.seconds <= time.time() + 30 * 86400
    with refused(Code.UNAUTHENTICATED, "REFRESH_TOKEN_INVALID"):
        client.refresh(before.refresh_token)  # Ended by the reset.
    now = time.time() + 60
    for key in signing_keys(client):
        assert key.create_time.seconds <= now and key.activate_time.seconds <= now + 15 * 60, key
    assert "was ahead" in server.log()


def test_a_clock_that_was_behind_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    server = Server(tmp_path / "ipse")
    server.folder.mkdir(exist_ok=True)
    server.set_clock("-400d")
    with server, server.client() as client:
        client.register(ADA)
        client.verify(server.mail.token(ADA, VERIFY))
        old = client.log_in(ADA)
        for _ in range(6):
            guess(client)
        live(server, "+0")
        with refused(Code.UNAUTHENTICATED, "TOKEN_EXPIRED"):
            client.me(old.access_token)
        assert wait_of(client) == 0
        tokens = client.log_in(ADA)
        assert client.me(tokens.access_token).user.email == ADA
        client.request_reset(ADA)
        assert server.mail.token(ADA, RESET)


def test_a_step_of_an_hour_under_load_locks_nobody_out(tmp_path: Path) -> None:
    server = Server(tmp_path / "ipse")
    server.folder.mkdir(exist_ok=True)
    server.set_clock("+0")
    with server, server.client() as client:
        client.register(ADA)
        client.verify(server.mail.token(ADA, VERIFY))
        outcomes: Counter[str] = Counter()
        started, stopped = threading.Barrier(5), threading.Event()
        workers = [threading.Thread(target=use, args=(server, started, stopped, outcomes)) for _ in range(4)]
        for worker in workers:
            worker.start()
        started.wait(30)
        for offset in ("+1h", "+0", "-1h", "+0"):
            live(server, offset)
        stopped.set()
        for worker in workers:
            worker.join(60)
        # A token of another time is refused, and refreshed; a session and a password are not lost by it.
        assert outcomes["fine"] > 20 and set(outcomes) <= {"fine", "TOKEN_INVALID", "TOKEN_EXPIRED"}, outcomes
        assert wait_of(client) == 0


def use(server: Server, started: threading.Barrier, stopped: threading.Event, outcomes: Counter[str]) -> None:
    """Refreshes and asks, again and again."""
    with server.client() as client:
        tokens = client.log_in(ADA)  # Before the clock is touched.
        started.wait()
        while not stopped.is_set():
            try:
                tokens = client.refresh(tokens.refresh_token)
                client.me(tokens.access_token)
                outcomes["fine"] += 1
            except grpc.RpcError as error:
                outcomes[refusal_of(error).reason or error.code().name] += 1

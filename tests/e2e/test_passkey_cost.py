"""What a sign-in by a passkey costs the server: no slow hash, and little of a processor."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from support.client import SECONDS, Client
from support.contract import auth_pb2
from support.passkey import Passkey, register
from support.server import Server

# What else a machine does only adds to the cost, so that the cheapest round tells it.
ROUNDS, SIGN_INS, PASSWORDS = 3, 150, 20
# Two milliseconds of a processor on which a sign-in by a password takes 14, most of it for the hash.
MOST_OF_A_PASSWORD = 1 / 4


def cpu_seconds(pid: int) -> float:
    """What the process has used of all processors."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(server: Server, calls: int, call: Callable[[], object]) -> tuple[float, float]:
    """The seconds of CPU that a call takes, and how many there are in a second, one after the other."""
    before, began = cpu_seconds(server.process.pid), time.perf_counter()
    for _ in range(calls):
        call()
    seconds = cpu_seconds(server.process.pid) - before
    return seconds / calls, calls / (time.perf_counter() - began)


def sign_in(client: Client, passkey: Passkey) -> None:
    asked = client.auth.BeginPasskeyLogin(auth_pb2.BeginPasskeyLoginRequest(), timeout=SECONDS)
    credential = passkey.get(asked.request_options_json)
    request = auth_pb2.CompletePasskeyLoginRequest(challenge_token=asked.challenge_token, credential_json=credential)
    assert client.auth.CompletePasskeyLogin(request, timeout=SECONDS).tokens.access_token


def test_a_sign_in_by_a_passkey_takes_no_slow_hash(tmp_path: Path) -> None:
    with Server(tmp_path) as server, server.client() as client:
        for name in ("ada", "bob"):
            client.register(f"{name}@example.com")
        passkey = register(client, client.log_in("ada@example.com").access_token)
        rounds = []
        for _ in range(ROUNDS):
            by_passkey = measure(server, SIGN_INS, lambda: sign_in(client, passkey))
            by_password = measure(server, PASSWORDS, lambda: client.log_in("bob@example.com"))
            rounds.append((by_passkey, by_password))
        (each, rate), (of_a_password, _) = min(rounds)
        print(
            f"a sign-in by a passkey: {each * 1000:.2f} ms of CPU, {rate:.0f} in a second one after the other;"
            f" by a password: {of_a_password * 1000:.2f} ms of CPU"
        )
        assert each <= MOST_OF_A_PASSWORD * of_a_password, rounds

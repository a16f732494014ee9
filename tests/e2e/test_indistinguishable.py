"""What a stranger can learn about accounts from answers and their time: nothing."""

import random
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import grpc
import pytest

from support.client import SECONDS, Client, from_address
from support.contract import auth_pb2
from support.database import Sqlite
from support.errors import Code, refused
from support.factors import enrol
from support.mail import VERIFY
from support.passkey import Passkey, register
from support.server import Server
from support.waiting import wait_until

REQUEST_ID = [("x-request-id", "the-same-for-all")]
# Four failures in a row are free of waiting times.
ACCOUNTS, FAILURES = 50, 4
# So many calls of each kind are made, whatever the first of them look like.
SAMPLES = 500
TOLERANCE = 0.05

KINDS = ("active", "suspended", "unverified", "factor")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("indistinguishable")
    settings = {"unverified_sign_in": "false", "trusted_proxies": "127.0.0.1", "log": "warn,ipse=info"}
    with Server(folder, **settings) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    with server.client() as client:
        make_accounts(server, client)
        yield client


def address(kind: str, number: int) -> str:
    return f"{kind}{number}@example.com"


def make_accounts(server: Server, client: Client) -> None:
    """Accounts of each kind."""
    numbers = range(ACCOUNTS)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(client.register, [address(kind, number) for kind in KINDS for number in numbers]))
        total = ACCOUNTS * len(KINDS)
        wait_until(lambda: len(server.mail.all()) == total, "all accounts have their mail", 60)
        tokens = server.mail.tokens(VERIFY).items()
        list(pool.map(client.verify, [token for name, token in tokens if not name.startswith("unverified")]))
        # Those of the last kind have an authenticator app.
        signed_in = list(pool.map(client.log_in, [address("factor", number) for number in numbers]))
        list(pool.map(lambda tokens: enrol(client, tokens.access_token), signed_in))
    database(server).query("UPDATE users SET state = 'suspended' WHERE email_canonical LIKE 'suspended%'")


def database(server: Server) -> Sqlite:
    return Sqlite(server.folder / "ipse-dev" / "ipse.db")


@dataclass
class Seen:
    """All that the answers of one kind looked like, and how many seconds they took."""

    answers: set = field(default_factory=set)
    seconds: list[float] = field(default_factory=list)


def look(call: Callable[[], object], seen: Seen) -> None:
    began = time.perf_counter()
    try:
        answer = call()
    except grpc.RpcError as error:
        answer = (error.code(), error.details(), everything(error))
    seen.seconds.append(time.perf_counter() - began)
    seen.answers.add(answer)


def everything(call: grpc.Call) -> tuple:
    """All metadata of an answer but the time of day."""
    both = [*(call.initial_metadata() or ()), *(call.trailing_metadata() or ())]
    return tuple(sorted((key, value) for key, value in both if key != "date"))


def compare(
    server: Server, kinds: dict[str, Callable], prepare: Callable[[int], object] = lambda number: number
) -> dict[str, Seen]:
    """Makes calls of all kinds in turn. Each is given what was prepared for it, whose time does not count."""
    dice = random.Random(20)
    seen = {kind: Seen() for kind in kinds}
    for number in range(SAMPLES):
        if number % (ACCOUNTS * FAILURES) == 0:
            database(server).query("DELETE FROM throttles")
        order = list(kinds)
        dice.shuffle(order)
        for kind in order:
            look(partial(kinds[kind], prepare(number)), seen[kind])
    return seen


def medians(seen: dict[str, Seen]) -> dict[str, float]:
    return {kind: statistics.median(one.seconds) for kind, one in seen.items()}


def spread(seen: dict[str, Seen]) -> float:
    values = medians(seen).values()
    return max(values) / min(values) - 1


def attempts(client: Client, password: str) -> Callable[[str], Callable[[int], object]]:
    """How to sign in with a wrong password to the accounts of a kind."""

    def attempt(kind: str) -> Callable[[int], object]:
        def call(number: int) -> object:
            metadata = REQUEST_ID + from_address(number)
            return client.log_in(address(kind, number // FAILURES % ACCOUNTS), password, metadata)

        return call

    return attempt


def test_failed_sign_ins_are_all_alike(server: Server, client: Client) -> None:
    attempt = attempts(client, "not the password at all")

    def right_before_the_proof(number: int) -> object:
        metadata = REQUEST_ID + from_address(number)
        return client.log_in(address("waiting", number // FAILURES % ACCOUNTS), metadata=metadata)

    for number in range(ACCOUNTS):
        client.register(address("waiting", number))
    kinds = {kind: attempt(kind) for kind in (*KINDS, "unknown")}
    seen = compare(server, kinds | {"the right password before the proof": right_before_the_proof})
    answers = set().union(*(one.answers for one in seen.values()))
    assert len(answers) == 1, answers
    code, _, metadata = answers.pop()
    assert code == grpc.StatusCode.UNAUTHENTICATED
    assert "grpc-status-details-bin" in dict(metadata)
    assert spread(seen) < TOLERANCE, medians(seen)


def test_failed_sign_ins_by_passkeys_are_all_alike(server: Server, client: Client) -> None:
    kinds = {"unknown": Passkey()}
    for kind in ("active", "suspended", "deleted"):
        name = f"{kind}-passkey@example.com"
        client.register(name)
        wait_until(lambda name=name: name in server.mail.tokens(VERIFY), "the account has its mail", 60)
        client.verify(server.mail.tokens(VERIFY)[name])
        kinds[kind] = register(client, client.log_in(name).access_token).with_another_key()
        if kind != "active":
            database(server).query(f"UPDATE users SET state = '{kind}' WHERE email_canonical = '{name}'")

    def begin(number: int) -> tuple[auth_pb2.BeginPasskeyLoginResponse, list]:
        metadata = REQUEST_ID + from_address(number)
        request = auth_pb2.BeginPasskeyLoginRequest()
        return client.auth.BeginPasskeyLogin(request, timeout=SECONDS, metadata=metadata), metadata

    def attempt(passkey: Passkey) -> Callable[[tuple], object]:
        def call(prepared: tuple[auth_pb2.BeginPasskeyLoginResponse, list]) -> object:
            begun, metadata = prepared
            request = auth_pb2.CompletePasskeyLoginRequest(
                challenge_token=begun.challenge_token, credential_json=passkey.get(begun.request_options_json)
            )
            return client.auth.CompletePasskeyLogin(request, timeout=SECONDS, metadata=metadata)

        return call

    seen = compare(server, {kind: attempt(passkey) for kind, passkey in kinds.items()}, begin)
    answers = set().union(*(one.answers for one in seen.values()))
    assert len(answers) == 1, answers
    assert answers.pop()[0] == grpc.StatusCode.UNAUTHENTICATED
    assert spread(seen) < TOLERANCE, medians(seen)


def test_passwords_that_are_tried_in_two_forms_are_all_alike(server: Server, client: Client) -> None:
    attempt = attempts(client, "not the pa\u0308ssword at all")
    seen = compare(server, {kind: attempt(kind) for kind in ("active", "unknown")})
    assert len(set().union(*(one.answers for one in seen.values()))) == 1
    assert spread(seen) < TOLERANCE, medians(seen)


def test_signing_up_with_a_taken_address_is_like_any_other(server: Server, client: Client) -> None:
    def attempt(name: Callable[[int], str]) -> Callable[[int], object]:
        def call(number: int) -> object:
            metadata = REQUEST_ID + from_address(number)
            return client.register(name(number), "another long password", metadata)

        return call

    seen = compare(
        server,
        {
            "new": attempt(lambda number: f"new{number}@example.com"),
            "taken": attempt(lambda number: address("active", number % ACCOUNTS)),
            "taken and unverified": attempt(lambda number: address("unverified", number % ACCOUNTS)),
        },
    )
    assert [one.answers for one in seen.values()] == [{None}] * 3
    assert spread(seen) < TOLERANCE, medians(seen)


def test_requests_for_mail_are_answered_alike(client: Client) -> None:
    answers = set()
    for name in (*(address(kind, 0) for kind in KINDS), "nobody@example.com"):
        request = auth_pb2.RequestPasswordResetRequest(email=name)
        answer, call = client.auth.RequestPasswordReset.with_call(request, timeout=SECONDS, metadata=REQUEST_ID)
        answers.add((answer.SerializeToString(), everything(call)))
    assert len(answers) == 1, answers


def test_the_state_shows_after_the_right_password_alone(client: Client) -> None:
    with refused(Code.PERMISSION_DENIED, "ACCOUNT_DISABLED"):
        client.log_in(address("suspended", 0))
    client.register("late@example.com")
    with refused(Code.UNAUTHENTICATED, "CREDENTIALS_INVALID"):
        client.log_in("late@example.com")
    client.log_in(address("active", 0))

"""A Python service that trusts tokens: the guard of examples/python, and the stream that it hears."""

import asyncio
import threading
import time
from collections.abc import Iterator

import grpc
import pytest
from guard import Guard, Refused
from revocations import Revocations

from support import contract
from support.client import PASSWORD, SECONDS, Client, bearer
from support.issuer import AUDIENCE, ISSUER, PERSON, Issuer
from support.waiting import wait_until

UNAUTHENTICATED, UNAVAILABLE = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNAVAILABLE
# Within which a revocation arrives.
PROMISED = 1.0


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with Issuer(tmp_path_factory.mktemp("issuer")) as issuer:
        yield issuer


@pytest.fixture(scope="module")
def client(issuer: Issuer) -> Iterator[Client]:
    with issuer.client() as client:
        yield client


class Watching:
    """Hears of revocations, beside the tests."""

    def __init__(self, issuer: Issuer) -> None:
        self.revocations = Revocations()
        self._target, self._api_key = issuer.target, issuer.api_key
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Revocations:
        self._thread.start()
        self._task = asyncio.run_coroutine_threadsafe(self._watch(), self._loop)
        wait_until(self.revocations.known, "revocations are known")
        return self.revocations

    def __exit__(self, *_: object) -> None:
        self._task.cancel()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS)

    async def _watch(self) -> None:
        async with grpc.aio.insecure_channel(self._target) as channel:
            await self.revocations.watch(contract.token_grpc.TokenServiceStub(channel), self._api_key)


@pytest.fixture(scope="module")
def guard(issuer: Issuer) -> Iterator[Guard]:
    with Watching(issuer) as revocations:
        yield guarding(issuer, revocations)


def guarding(issuer: Issuer, revocations: Revocations, name: str = ISSUER, audience: str = AUDIENCE) -> Guard:
    return Guard(issuer.environment["IPSE_JWKS_URL"], name, audience, revocations)


def refusal(guard: Guard, token: str) -> grpc.StatusCode | None:
    """The code with which a guard refuses a token, if it does."""
    try:
        guard.check(token)
    except Refused as refused:
        return refused.code
    return None


def sign_in(client: Client, audience: str = AUDIENCE):
    request = contract.auth_pb2.LoginRequest(identifier=PERSON, password=PASSWORD, audience=audience)
    return client.auth.Login(request, timeout=SECONDS).tokens


def test_a_token_is_verified_offline(guard: Guard, client: Client) -> None:
    tokens = sign_in(client)
    claims = guard.check(tokens.access_token)
    # That token is for the service alone: Ipse itself takes another one.
    me = client.me(sign_in(client, audience="").access_token)
    assert (claims["sub"], claims["sid"]) == (me.user.id, tokens.session_id)
    assert claims["exp"] == tokens.access_expire_time.seconds


def test_no_tampered_token_is_trusted(guard: Guard, client: Client) -> None:
    token = sign_in(client).access_token
    assert refusal(guard, token) is None
    for at, character in enumerate(token):
        # So different that it shows even where the last bits of a part say nothing.
        tampered = token[:at] + ("Z" if character < "E" else "A") + token[at + 1 :]
        assert refusal(guard, tampered) == UNAUTHENTICATED, at


@pytest.mark.parametrize(("name", "audience"), [("https://other.example", AUDIENCE), (ISSUER, "billing")])
def test_a_token_of_or_for_somebody_else_is_not_trusted(
    issuer: Issuer, client: Client, name: str, audience: str
) -> None:
    guard = guarding(issuer, Revocations(), name, audience)
    assert refusal(guard, sign_in(client).access_token) == UNAUTHENTICATED


def test_no_token_is_trusted_before_revocations_are_known(issuer: Issuer, client: Client) -> None:
    guard = guarding(issuer, Revocations())
    assert refusal(guard, sign_in(client).access_token) == UNAVAILABLE


def test_a_logged_out_token_is_not_trusted(guard: Guard, client: Client) -> None:
    tokens = sign_in(client)
    assert refusal(guard, tokens.access_token) is None
    client.log_out(tokens.refresh_token)
    wait_until(lambda: refusal(guard, tokens.access_token) == UNAUTHENTICATED, "the token is refused", PROMISED)


class Stream:
    """Revocations, as a test reads them by itself."""

    def __init__(self, issuer: Issuer, client: Client, resume_token: str = "") -> None:
        key = contract.token_pb2.ExchangeApiKeyRequest(api_key=issuer.api_key)
        metadata = bearer(client.tokens.ExchangeApiKey(key, timeout=SECONDS).access_token)
        request = contract.token_pb2.WatchRevocationsRequest(resume_token=resume_token)
        self.call = client.tokens.WatchRevocations(request, timeout=SECONDS, metadata=metadata)
        self.resume_token = resume_token

    def next(self):
        """The next message, whose resume token is kept."""
        message = next(self.call)
        self.resume_token = message.resume_token
        return message

    def sessions(self) -> list[str]:
        """Those that the stream tells of before it says that this was all."""
        found = []
        while (message := self.next()).WhichOneof("revoked"):
            found.append(message.session_id)
        return found


def test_a_revocation_arrives_within_a_second(issuer: Issuer, client: Client) -> None:
    tokens = sign_in(client)
    stream = Stream(issuer, client)
    stream.sessions()
    begin = time.monotonic()
    client.log_out(tokens.refresh_token)
    while stream.next().session_id != tokens.session_id:
        pass
    assert time.monotonic() - begin < PROMISED
    stream.call.cancel()


def test_a_watch_goes_on_without_loss(issuer: Issuer, client: Client) -> None:
    before, meanwhile = sign_in(client), sign_in(client)
    client.log_out(before.refresh_token)
    stream = Stream(issuer, client)
    assert before.session_id in stream.sessions()
    stream.call.cancel()
    client.log_out(meanwhile.refresh_token)
    assert meanwhile.session_id in Stream(issuer, client, stream.resume_token).sessions()

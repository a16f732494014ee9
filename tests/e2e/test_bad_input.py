"""Whatever message a caller sends, the answer is a clear error of the caller's, and the server goes on."""

import gzip
import itertools
from collections.abc import Iterator

import grpc
import pytest

from support.client import SECONDS, Client, bearer
from support.contract import account_pb2
from support.errors import Code, Refusal, refusal_of
from support.http2 import Connection
from support.requests import Field, Method, methods
from support.server import Server

FIELDS = [
    pytest.param(method, field, id=f"{method.name}.{field.path}") for method in methods() for field in method.strings
]
by_field = pytest.mark.parametrize(("method", "field"), FIELDS)
by_method = pytest.mark.parametrize("method", methods(), ids=lambda method: method.name)
numbers = itertools.count()
NEW_PASSWORDS = (
    "AuthService/Register.password",
    "AuthService/ResetPassword.new_password",
    "AccountService/ChangePassword.new_password",
)
LIMIT = 64 * 1024


def new_session(client: Client) -> str:
    """The access token of a new person: what one test does wrong does not count against the next."""
    email = f"user{next(numbers)}@example.com"
    client.register(email)
    return client.log_in(email).access_token


@pytest.fixture(scope="module", autouse=True)
def _nothing_panics(server: Server) -> Iterator[None]:
    yield
    assert "panicked" not in server.log()
    with server.client() as client:
        assert client.health() == "SERVING"


class Caller:
    """Sends bytes as they are."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def outcome(self, method: Method, message: bytes) -> Refusal | None:
        """How the message was refused; None: it was not. Whatever happened, it was the caller's doing."""
        metadata = () if method.public else bearer(new_session(self._client))
        call = self._client.channel.unary_unary(method.path, lambda message: message, lambda answer: answer)
        try:
            call(message, timeout=SECONDS, metadata=metadata)
        except grpc.RpcError as error:
            refusal = refusal_of(error)
            assert refusal.reason and refusal.kinds.count("ErrorInfo") == 1, refusal
            assert refusal.code not in (Code.INTERNAL, Code.UNKNOWN, Code.UNAVAILABLE), refusal
            return refusal
        return None

    def refusal(self, method: Method, message: bytes) -> Refusal:
        outcome = self.outcome(method, message)
        assert outcome, "not refused"
        return outcome


@pytest.fixture
def caller(client: Client) -> Caller:
    return Caller(client)


def with_text(method: Method, field: Field, text: str) -> bytes:
    return method.complete(**{field.path: text}).SerializeToString()


def invalid(field: Field) -> str:
    """The reason for a field without its form."""
    return "PAGE_TOKEN_INVALID" if field.path == "page_token" else "FIELD_INVALID"


@by_field
def test_more_than_the_stated_maximum_is_refused(method: Method, field: Field, caller: Caller) -> None:
    refusal = caller.refusal(method, with_text(method, field, field.of_length(field.maximum + 1)))
    reason = "PASSWORD_TOO_LONG" if f"{method.name}.{field.path}" in NEW_PASSWORDS else invalid(field)
    assert (refusal.code, refusal.reason, refusal.fields) == (Code.INVALID_ARGUMENT, reason, [field.path])


@by_field
def test_the_stated_maximum_itself_is_not_too_much(method: Method, field: Field, caller: Caller) -> None:
    outcome = caller.outcome(method, with_text(method, field, field.of_length(field.maximum)))
    assert outcome is None or outcome.reason not in ("FIELD_INVALID", "PASSWORD_TOO_LONG"), outcome


@by_field
def test_no_text_holds_a_nul(method: Method, field: Field, caller: Caller) -> None:
    refusal = caller.refusal(method, with_text(method, field, "some text\0and a little more of it"))
    assert (refusal.code, refusal.reason, refusal.fields) == (Code.INVALID_ARGUMENT, invalid(field), [field.path])


@by_field
def test_text_is_utf_8(method: Method, field: Field, caller: Caller) -> None:
    for text in (b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xc0\x80"):
        refusal = caller.refusal(method, field.encode(text))
        assert (refusal.code, refusal.reason) == (Code.INVALID_ARGUMENT, "REQUEST_MALFORMED")


@by_method
def test_an_empty_message_is_a_message(method: Method, caller: Caller) -> None:
    outcome = caller.outcome(method, b"")
    if method.name == "AuthService/Logout":
        # Nothing is required, and without a refresh token the session is that of the access token, which is not there.
        assert outcome.reason == "TOKEN_MISSING"
    elif method.name == "FactorService/RegenerateRecoveryCodes":
        # There are none without a second factor.
        assert outcome.reason == "RESOURCE_NOT_FOUND"
    elif missing := method.missing():
        assert (outcome.code, sorted(outcome.fields)) == (Code.INVALID_ARGUMENT, missing)
    else:
        assert outcome is None


@by_method
def test_unknown_fields_are_passed_over(method: Method, caller: Caller) -> None:
    message = method.complete().SerializeToString()
    unknown = b"\xc2\x3e\x03abc" + b"\xc8\x3e\x01"
    with_unknown, without = caller.outcome(method, unknown + message), caller.outcome(method, message)
    assert (with_unknown and with_unknown.reason) == (without and without.reason)
    assert without is None or without.reason != "REQUEST_MALFORMED"


@by_method
def test_bytes_that_are_no_message_are_malformed(method: Method, caller: Caller) -> None:
    for message in (b"\xff\xff\xff", b"\x0a\x05ab", b"\x0b", b"\x00\x00", b"\x0a" + b"\xff" * 10):
        refusal = caller.refusal(method, message)
        assert (refusal.code, refusal.reason) == (Code.INVALID_ARGUMENT, "REQUEST_MALFORMED"), message


@by_method
def test_a_message_is_64_kib_at_most(method: Method, caller: Caller) -> None:
    def message(length: int) -> bytes:
        """A message of this length: one unknown field, so that nothing but the size is wrong."""
        text = length - 5
        head = bytes([0xC2, 0x3E, text & 0x7F | 0x80, text >> 7 & 0x7F | 0x80, text >> 14])
        return head + b"x" * text

    refusal = caller.refusal(method, message(LIMIT + 1))
    assert (refusal.code, refusal.reason) == (Code.RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE")
    assert refusal.metadata["max_bytes"] == str(LIMIT)
    outcome = caller.outcome(method, message(LIMIT))
    assert outcome is None or outcome.reason not in ("REQUEST_TOO_LARGE", "REQUEST_MALFORMED")


def test_a_compressed_bomb_does_not_explode(server: Server) -> None:
    bomb = gzip.compress(bytes(32 * 1024 * 1024))
    assert len(bomb) < LIMIT
    before = server.memory("VmHWM")
    with Connection(server.port) as connection:
        stream = connection.begin("/ipse.v1.AuthService/Login", ("grpc-encoding", "gzip"))
        message = b"\1" + len(bomb).to_bytes(4, "big") + bomb
        connection.send(stream, message)
        refusal = connection.answer(stream).refusal()
    assert (refusal.code, refusal.reason) == (Code.UNIMPLEMENTED, "FEATURE_DISABLED")
    assert server.memory("VmHWM") - before < 4 * 1024


def test_page_sizes_are_bounded(client: Client) -> None:
    access_token = new_session(client)

    def listed(size: int) -> object:
        request = account_pb2.ListMySessionsRequest(page_size=size)
        return client.account.ListMySessions(request, timeout=SECONDS, metadata=bearer(access_token))

    for size in (0, 1, 1001, 2**31 - 1):
        assert len(listed(size).sessions) == 1
    for size in (-1, -(2**31)):
        with pytest.raises(grpc.RpcError) as error:
            listed(size)
        assert refusal_of(error.value).fields == ["page_size"]

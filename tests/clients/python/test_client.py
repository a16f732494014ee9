"""A client that plain protoc generated: what a Python service would do with it."""

import json
from collections.abc import Iterator
from uuid import uuid4

import jwt
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from support import contract, factors
from support.client import PASSWORD, SECONDS, Client, bearer
from support.errors import Code, refused
from support.server import Server

EMAIL = "ada@example.com"


@pytest.fixture(scope="module", params=["ES256", "EdDSA"])
def algorithm(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def server(algorithm: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("client")
    with Server(folder, signing_algorithm=algorithm, audiences="orders,billing") as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    with server.client() as client:
        client.register(EMAIL)
        client.verify(server.mail.token(EMAIL))
        yield client


def verified(client: Client, access_token: str, audience: str = "https://ipse.localhost") -> dict:
    """The claims of a token, checked without a call for this token: only the public keys were fetched."""
    keys = client.keys.ListSigningKeys(contract.key_pb2.ListSigningKeysRequest(), timeout=SECONDS).keys
    header = jwt.get_unverified_header(access_token)
    assert header["typ"] == "at+jwt"
    key = next(key for key in keys if key.kid == header["kid"])
    assert key.algorithm == header["alg"]
    public = jwt.PyJWK(json.loads(key.jwk))
    required = ["iss", "sub", "aud", "exp", "iat", "jti", "sid", "auth_time", "acr", "amr", "client_id"]
    return jwt.decode(
        access_token,
        public,
        algorithms=[key.algorithm],
        audience=audience,
        issuer="https://ipse.localhost",
        options={"require": required},
    )


def test_sign_in_look_and_refresh(client: Client) -> None:
    tokens = client.log_in(EMAIL)
    me = client.me(tokens.access_token)
    assert (me.user.email, me.user.email_verified) == (EMAIL, True)
    assert (me.session.id, me.session.current, list(me.session.amr)) == (tokens.session_id, True, ["pwd"])
    assert me.session.user_agent.startswith("grpc-python/")
    assert isinstance(me.user.create_time, Timestamp) and me.user.create_time.seconds > 0

    fresh = client.refresh(tokens.refresh_token)
    assert fresh.session_id == tokens.session_id
    assert fresh.access_token != tokens.access_token
    assert client.me(fresh.access_token).user == me.user


def test_a_token_can_be_verified_offline(client: Client, algorithm: str) -> None:
    tokens = client.log_in(EMAIL)
    claims = verified(client, tokens.access_token)
    user = client.me(tokens.access_token).user
    assert jwt.get_unverified_header(tokens.access_token)["alg"] == algorithm
    assert (claims["sub"], claims["sid"]) == (user.id, tokens.session_id)
    assert claims["exp"] == tokens.access_expire_time.seconds
    assert claims["exp"] - claims["iat"] == 15 * 60
    assert (claims["amr"], claims["acr"]) == (["pwd"], "urn:ipse:aal:1")
    assert EMAIL not in json.dumps(claims)


def test_a_token_for_a_service_names_it(client: Client) -> None:
    request = contract.auth_pb2.LoginRequest(identifier=EMAIL, password=PASSWORD, audience="orders")
    access_token = client.auth.Login(request, timeout=SECONDS).tokens.access_token
    assert "orders" in verified(client, access_token, "orders")["aud"]
    with pytest.raises(jwt.InvalidAudienceError):
        verified(client, access_token, "billing")
    with refused(Code.INVALID_ARGUMENT, "AUDIENCE_UNKNOWN") as refusal:
        client.auth.Login(contract.auth_pb2.LoginRequest(identifier=EMAIL, password=PASSWORD, audience="x"))
    assert refusal.fields == ["audience"]


def test_a_person_signs_in_with_an_app(client: Client) -> None:
    email = f"{uuid4()}@example.com"
    client.register(email)
    app = factors.enrol(client, client.log_in(email).access_token)
    assert len(app.recovery_codes) == 10
    request = contract.auth_pb2.LoginRequest(identifier=email, password=PASSWORD)
    challenge = client.auth.Login(request, timeout=SECONDS).mfa_challenge
    kinds = contract.auth_pb2.MFA_FACTOR_TOTP, contract.auth_pb2.MFA_FACTOR_RECOVERY_CODE
    assert tuple(challenge.factors) == kinds
    wrong = {"challenge_token": challenge.challenge_token, "totp_code": "nocode"}
    with refused(Code.UNAUTHENTICATED, "MFA_CODE_INVALID"):
        client.auth.CompleteMfa(contract.auth_pb2.CompleteMfaRequest(**wrong), timeout=SECONDS)
    claims = verified(client, factors.sign_in(client, email, app).access_token)
    assert (claims["acr"], claims["amr"]) == ("urn:ipse:aal:2", ["pwd", "otp", "mfa"])


def test_published_keys_are_public_halves_alone(client: Client, algorithm: str) -> None:
    keys = client.keys.ListSigningKeys(contract.key_pb2.ListSigningKeysRequest(), timeout=SECONDS).keys
    assert contract.key_pb2.SIGNING_KEY_STATE_ACTIVE in [key.state for key in keys]
    public = {"ES256": {"kty", "crv", "x", "y"}, "EdDSA": {"kty", "crv", "x"}}[algorithm]
    for key in keys:
        members = json.loads(key.jwk)
        assert set(members) == public | {"kid", "use", "alg"}
        assert (members["kid"], members["use"], members["alg"]) == (key.kid, "sig", algorithm)


def test_a_wrong_password_is_a_typed_error(client: Client) -> None:
    with refused(Code.UNAUTHENTICATED, "CREDENTIALS_INVALID") as refusal:
        client.log_in(EMAIL, "not the password")
    assert refusal.kinds == ["ErrorInfo"]
    assert refusal.metadata["request_id"]
    # What the service calls a reason is a name of the published enum.
    assert f"ERROR_REASON_{refusal.reason}" in contract.error_pb2.ErrorReason.keys()


def test_wrong_fields_are_named_all_at_once(client: Client) -> None:
    request = contract.auth_pb2.RegisterRequest(email="nobody", password=PASSWORD, username="?", locale="!")
    with refused(Code.INVALID_ARGUMENT, "FIELD_INVALID") as refusal:
        client.auth.Register(request, timeout=SECONDS)
    assert sorted(refusal.fields) == ["email", "locale", "username"]


def test_a_throttled_sign_in_says_when_to_try_again(client: Client) -> None:
    for _ in range(5):
        with refused(Code.UNAUTHENTICATED, "CREDENTIALS_INVALID"):
            client.log_in("ghost@example.com", "not the password")
    with refused(Code.RESOURCE_EXHAUSTED, "RATE_LIMITED") as refusal:
        client.log_in("ghost@example.com", "not the password")
    assert 0 < refusal.retry_seconds <= 1


def test_calls_without_a_token_and_with_a_bad_one_differ(client: Client) -> None:
    request = contract.account_pb2.GetMeRequest()
    with refused(Code.UNAUTHENTICATED, "TOKEN_MISSING"):
        client.account.GetMe(request, timeout=SECONDS)
    with refused(Code.UNAUTHENTICATED, "TOKEN_INVALID"):
        client.account.GetMe(request, timeout=SECONDS, metadata=bearer("no.such.token"))

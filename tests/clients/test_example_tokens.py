"""The services in examples/ and tokens that Ipse would never sign, under a key that they take for one of Ipse's."""

import hmac
import json
import time
from collections.abc import Iterator
from uuid import uuid4

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from support.errors import refusal_of
from support.factors import AAL0, AAL1, AAL2
from support.issuer import AUDIENCE, ISSUER, Issuer
from support.key_front import KID, KeyFront
from support.mutations import encode
from support.orders import COMMANDS, Orders

ABSENT = None


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyFront]:
    with Issuer(tmp_path_factory.mktemp("issuer")) as issuer, KeyFront(issuer) as front:
        yield front


@pytest.fixture(scope="module", params=COMMANDS)
def orders(
    request: pytest.FixtureRequest, front: KeyFront, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Orders]:
    orders = Orders(request.param, front.environment, tmp_path_factory.mktemp("orders"))
    try:
        orders.await_start(signed(front.key))
        yield orders
    finally:
        orders.close()


def signed(key: object, algorithm: str = "ES256", header: dict | None = None, **changes: object) -> str:
    """A token that is good but for the changes. The key is a private one, a shared secret, or none at all."""
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": [AUDIENCE], "sub": str(uuid4()), "sid": str(uuid4()), "jti": str(uuid4())}
    claims |= {"client_id": "ipse", "iat": now, "exp": now + 60} | changes
    header = {"typ": "at+jwt", "kid": KID, "alg": algorithm} | (header or {})
    members = [{name: value for name, value in part.items() if value is not ABSENT} for part in (header, claims)]
    text = ".".join(encode(json.dumps(part).encode()) for part in members)
    if isinstance(key, bytes):
        signature = hmac.digest(key, text.encode(), "sha256")
    else:
        signature = jwt.get_algorithm_by_name(algorithm).sign(text.encode(), key) if key else b""
    return f"{text}.{encode(signature)}"


def test_only_an_access_token_for_this_service_that_is_good_now_is_let_in(orders: Orders, front: KeyFront) -> None:
    past, other = int(time.time()) - 1, "https://other.example"
    bad = {
        "has expired": {"exp": past},
        "has expired before it was issued": {"exp": past, "iat": past + 3600},
        "is of another issuer": {"iss": other},
        "is for another service": {"aud": ["billing"]},
        "is for a service of a longer name": {"aud": f"{AUDIENCE}-archive"},
        "is for nobody": {"aud": []},
        "is another kind of token": {"header": {"typ": "JWT"}},
        "is an ID token": {"header": {"typ": "id+jwt"}},
        "does not say what kind it is": {"header": {"typ": ABSENT}},
        "does not name its key": {"header": {"kid": ABSENT}},
        "names another key": {"header": {"kid": "another"}},
    } | {f"has no {name}": {name: ABSENT} for name in ("iss", "aud", "exp", "iat", "sub", "sid", "jti")}
    for what, changes in bad.items():
        assert orders.refusal(signed(front.key, **changes)) == grpc.StatusCode.UNAUTHENTICATED, what
    for typ in ("at+jwt", "at+JWT"):
        assert orders.refusal(signed(front.key, header={"typ": typ})) is None, typ


def test_only_a_signature_of_that_key_and_algorithm_is_trusted(orders: Orders, front: KeyFront) -> None:
    stranger = ec.generate_private_key(ec.SECP256R1())
    own = jwt.algorithms.ECAlgorithm.to_jwk(stranger.public_key(), as_dict=True)
    public = front.key.public_key()
    secrets = [
        public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint),
        public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
    ]
    bad = {
        "of another key": signed(stranger),
        "of a key that the token brings along": signed(stranger, header={"jwk": own}),
        "of another kind of key": signed(rsa.generate_private_key(65537, 2048), "RS256"),
        "none": signed(None, "none"),
    } | {f"of a public key as a secret, {len(secret)}": signed(secret, "HS256") for secret in secrets}
    for what, token in bad.items():
        assert orders.refusal(token) == grpc.StatusCode.UNAUTHENTICATED, what
    assert orders.refusal(signed(front.key)) is None


def test_an_order_is_cancelled_after_a_fresh_sign_in_with_two_factors_alone(orders: Orders, front: KeyFront) -> None:
    now = int(time.time())
    good = {"acr": AAL2, "auth_time": now - 270}
    for what, changes in {
        "of one factor": {"acr": AAL1},
        "of a level that does not exist": {"acr": "2"},
        "an old one": {"auth_time": now - 301},
        "of no level, such as a service": {"acr": ABSENT, "auth_time": ABSENT},
        "of a time that the token does not tell": {"auth_time": ABSENT},
    }.items():
        token = signed(front.key, **good | changes)
        assert orders.refusal(token) is None, what
        assert orders.step_up(token) == {"acr_values": AAL2, "max_age": "300"}, what
    assert orders.step_up(signed(front.key, **good)) is None


def test_who_has_yet_to_enrol_a_second_factor_is_let_in_nowhere(orders: Orders, front: KeyFront) -> None:
    token = signed(front.key, acr=AAL0, auth_time=int(time.time()))
    assert orders.refusal(token) == grpc.StatusCode.UNAUTHENTICATED
    with pytest.raises(grpc.RpcError) as refused:
        orders.cancel(token)
    assert refusal_of(refused.value).code == grpc.StatusCode.UNAUTHENTICATED
    assert refusal_of(refused.value).reason == ""

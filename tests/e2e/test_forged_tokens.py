"""Access tokens that this service did not issue in this form."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from support import contract
from support.client import SECONDS, Client, bearer
from support.contract import account_pb2, key_pb2
from support.errors import Code, refusal_of, refused
from support.people import administrator
from support.server import Server

EMAIL = "ada@example.com"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def encode(content: bytes | dict) -> str:
    if isinstance(content, dict):
        content = json.dumps(content, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class Genuine:
    """A token of the service, in its parts, and the public key it can be checked with."""

    def __init__(self, client: Client) -> None:
        self.tokens = client.log_in(EMAIL)
        self.token = self.tokens.access_token
        self.header_part, self.claims_part, self.signature_part = self.token.split(".")
        self.header, self.claims = json.loads(decode(self.header_part)), json.loads(decode(self.claims_part))
        self.signature = decode(self.signature_part)
        keys = client.keys.ListSigningKeys(key_pb2.ListSigningKeysRequest(), timeout=SECONDS).keys
        jwk = next(key.jwk for key in keys if key.kid == self.header["kid"])
        self.public = jwt.PyJWK(json.loads(jwk)).key

    def unsigned(self) -> str:
        return jwt.encode(self.claims, None, "none", headers=self.header | {"alg": "none"})

    def symmetric(self) -> str:
        """Signed with what is public, taken for a shared secret, which PyJWT itself refuses to do."""
        key = self.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        text = f"{encode(self.header | {'alg': 'HS256'})}.{self.claims_part}"
        return f"{text}.{encode(hmac.new(key, text.encode(), hashlib.sha256).digest())}"

    def signed_by_a_stranger(self) -> str:
        stranger = ec.generate_private_key(ec.SECP256R1())
        jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(stranger.public_key()))
        return jwt.encode(self.claims, stranger, "ES256", headers=self.header | {"jwk": jwk})

    def with_claims(self, **changes: object) -> str:
        return f"{self.header_part}.{encode(self.claims | changes)}.{self.signature_part}"

    def mirrored(self) -> str:
        """The other signature that verifies: (r, n − s)."""
        r, s = self.signature[:32], int.from_bytes(self.signature[32:], "big")
        return f"{self.header_part}.{self.claims_part}.{encode(r + (ORDER - s).to_bytes(32, 'big'))}"


@pytest.fixture(scope="module")
def genuine(client: Client) -> Genuine:
    client.register(EMAIL)
    return Genuine(client)


@pytest.fixture(scope="module")
def service(server: Server, client: Client) -> str:
    """The access token of somebody who may ask about tokens."""
    return administrator(server, client)


def introspected(client: Client, service: str, token: str):
    request = contract.token_pb2.IntrospectTokenRequest(token=token)
    return client.tokens.IntrospectToken(request, timeout=SECONDS, metadata=bearer(service))


FORGERIES: dict[str, Callable[[Genuine], str]] = {
    "no signature": Genuine.unsigned,
    "the public key as a shared secret": Genuine.symmetric,
    "another key": Genuine.signed_by_a_stranger,
    "other claims": lambda genuine: genuine.with_claims(exp=4102444800),
}


@pytest.mark.parametrize("kind", FORGERIES)
def test_a_forged_token_is_refused_by_all_alike(kind: str, genuine: Genuine, service: str, client: Client) -> None:
    client.me(genuine.token)
    assert client.check(genuine.token).status.code == 0
    assert introspected(client, service, genuine.token).active
    answers, verdicts = set(), set()
    for forged in (FORGERIES[kind](genuine), "garbage"):
        metadata = [*bearer(forged), ("x-request-id", "the-same-for-all")]
        with pytest.raises(grpc.RpcError) as error:
            client.account.GetMe(account_pb2.GetMeRequest(), timeout=SECONDS, metadata=metadata)
        refusal = refusal_of(error.value)
        assert (refusal.code, refusal.reason) == (Code.UNAUTHENTICATED, "TOKEN_INVALID"), forged
        trailers = sorted(item for item in error.value.trailing_metadata() if item[0] != "date")
        answers.add((refusal.message, tuple(trailers)))
        verdicts.add(client.check(forged).SerializeToString(deterministic=True))
        assert introspected(client, service, forged) == contract.token_pb2.IntrospectTokenResponse(), forged
    assert (len(answers), len(verdicts)) == (1, 1)


def test_tokens_of_other_kinds_are_not_access_tokens(client: Client) -> None:
    tokens = client.log_in(EMAIL)
    with refused(Code.UNAUTHENTICATED, "TOKEN_INVALID"):
        client.me(tokens.refresh_token)
    with refused(Code.UNAUTHENTICATED, "REFRESH_TOKEN_INVALID"):
        client.refresh(tokens.access_token[:256])
    with refused(Code.FAILED_PRECONDITION, "ACTION_TOKEN_INVALID"):
        client.verify(tokens.refresh_token)


def test_a_mirrored_signature_does_not_escape_the_end_of_its_session(client: Client) -> None:
    genuine = Genuine(client)
    # ECDSA allows it, so whoever lists ended tokens by their text has a hole.
    client.me(genuine.mirrored())
    client.log_out(genuine.tokens.refresh_token)
    for token in (genuine.token, genuine.mirrored()):
        with refused(Code.UNAUTHENTICATED, "TOKEN_INVALID"):
            client.me(token)

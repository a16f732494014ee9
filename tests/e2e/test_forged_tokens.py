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
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
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
        self.jwk = next(key.jwk for key in keys if key.kid == self.header["kid"])
        self.public = jwt.PyJWK(json.loads(self.jwk)).key

    def with_header(self, **changes: object) -> str:
        """The token with another header over the same signature."""
        header = {name: value for name, value in (self.header | changes).items() if value is not ...}
        return self.with_raw_header(json.dumps(header).encode())

    def with_raw_header(self, header: bytes) -> str:
        return f"{encode(header)}.{self.claims_part}.{self.signature_part}"

    def with_claims(self, **changes: object) -> str:
        return f"{self.header_part}.{encode(self.claims | changes)}.{self.signature_part}"

    def with_signature(self, signature: bytes) -> str:
        return f"{self.header_part}.{self.claims_part}.{encode(signature)}"

    def unsigned(self, algorithm: object) -> str:
        return f"{encode(self.header | {'alg': algorithm})}.{self.claims_part}."

    def symmetric(self, key: bytes, algorithm: str = "HS256") -> str:
        """Signed with what is public, taken for a shared secret."""
        text = f"{encode(self.header | {'alg': algorithm})}.{self.claims_part}"
        digest = {"HS256": hashlib.sha256, "HS512": hashlib.sha512}[algorithm]
        return f"{text}.{encode(hmac.new(key, text.encode(), digest).digest())}"

    def signed_by_a_stranger(self, **header: object) -> str:
        stranger = ec.generate_private_key(ec.SECP256R1())
        jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(stranger.public_key()))
        changes = {name: (jwk if value == "jwk" else value) for name, value in header.items()}
        return jwt.encode(self.claims, stranger, "ES256", headers=self.header | changes)

    def mirrored(self) -> str:
        """The other signature that verifies: (r, n − s)."""
        r, s = self.signature[:32], int.from_bytes(self.signature[32:], "big")
        return self.with_signature(r + (ORDER - s).to_bytes(32, "big"))


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


ALGORITHMS = ["none", "noNE", "None", "NONE", "", None, 5, ["ES256"], "es256", "ES384", "ES256K", "RS256", "EdDSA"]

FORGERIES: dict[str, Callable[[Genuine], list[str]]] = {
    "no signature": lambda t: [t.unsigned(name) for name in [*ALGORITHMS, "ES256"]],
    "another algorithm over the signature": lambda t: [t.with_header(alg=name) for name in [*ALGORITHMS, ...]],
    "the public key as a shared secret": lambda t: [
        t.symmetric(key, algorithm)
        for algorithm in ("HS256", "HS512")
        for key in (
            b"",
            t.jwk.encode(),
            t.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            t.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            t.public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
        )
    ],
    "another key": lambda t: [
        t.signed_by_a_stranger(),
        t.signed_by_a_stranger(jwk="jwk"),
        t.signed_by_a_stranger(jku="http://127.0.0.1:1/jwks.json"),
        t.signed_by_a_stranger(x5u="http://127.0.0.1:1/x.pem", x5c=["AAAA"]),
        t.signed_by_a_stranger(kid="x"),
    ],
    "a key id": lambda t: [
        t.with_header(kid=kid) for kid in ("../../etc/passwd", "' OR 1=1--", "", "x" * 2000, 5, None, [], "\0", ...)
    ],
    "header members": lambda t: [
        t.with_header(**members)
        for members in (
            {"crit": ["x"]},
            {"crit": []},
            {"b64": False, "crit": ["b64"]},
            {"cty": "JWT"},
            {"zip": "DEF"},
            {"typ": "JWT"},
            {"typ": ...},
            {"typ": "id+jwt"},
            {"enc": "A128GCM", "alg": "dir"},
            {"alg": "PBES2-HS256+A128KW", "p2c": 2147483647},
        )
    ],
    "claims": lambda t: [
        t.with_claims(**{name: value})
        for name, value in (("exp", 4102444800), ("sub", "x"), ("aud", []), ("iss", "x"), ("sid", t.claims["sub"]))
    ],
    "a signature": lambda t: [
        t.with_signature(signature)
        for signature in (
            b"",
            bytes(64),
            t.signature[:-1],
            t.signature + b"\0",
            t.signature[::-1],
            b"\xff" * 64,
            encode_dss_signature(int.from_bytes(t.signature[:32], "big"), int.from_bytes(t.signature[32:], "big")),
        )
    ],
    "the form": lambda t: [
        "x",
        ".",
        "..",
        "...",
        "a.b.c",
        t.header_part,
        f"{t.header_part}.{t.claims_part}",
        f"{t.token}.",
        f".{t.token}",
        f"{t.token}.x.y",
        f"{t.token}=",
        f"{t.token}==",
        f"{t.header_part}..{t.signature_part}",
        f".{t.claims_part}.{t.signature_part}",
        f" {t.token}",
        t.token.replace(".", " "),
        f"{t.token} x",
        t.token[:-1] + ("A" if t.token[-1] != "A" else "B"),
        '{"payload":"x","signatures":[]}',
        f"{encode(b'{}')}.{encode(b'{}')}.{t.signature_part}",
        f"{encode(b'[' * 3000)}.{t.claims_part}.x",
        t.with_raw_header(b"\xef\xbb\xbf" + decode(t.header_part)),
        t.with_raw_header(decode(t.header_part) + b" {}"),
        t.with_raw_header(decode(t.header_part)[:-1] + b',"alg":"none"}'),
        "x" * 7000,
    ],
}


@pytest.mark.parametrize("kind", FORGERIES)
def test_a_forged_token_is_refused_by_all_alike(kind: str, genuine: Genuine, service: str, client: Client) -> None:
    client.me(genuine.token)
    assert client.check(genuine.token).status.code == 0
    assert introspected(client, service, genuine.token).active
    answers, verdicts = set(), set()
    for forged in FORGERIES[kind](genuine):
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
    assert verdicts == {client.check("garbage").SerializeToString(deterministic=True)}


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

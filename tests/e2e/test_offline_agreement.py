"""A service that checks tokens by itself, one that asks Ipse and one behind Envoy come to the same verdicts."""

import json
import urllib.request
from collections import Counter
from collections.abc import Iterator

import jwt
import pytest

from support import contract
from support.client import PASSWORD, SECONDS, Client, bearer, question_about
from support.mutations import Mutator
from support.people import administrator
from support.server import Server, free_port

MUTATIONS = 10_000
SEED = 20_260_301
AT_A_TIME = 100
# For each person.
GENUINE = 100
EMAILS = ("ada@example.com", "grace@example.com")


@pytest.fixture(scope="module")
def side_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def server(side_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with Server(folder, audiences="orders", http_listen=f"127.0.0.1:{side_port}") as server:
        yield server


def genuine_tokens(client: Client, email: str) -> Iterator[str]:
    """Many access tokens of somebody."""
    client.register(email)
    request = contract.auth_pb2.LoginRequest(identifier=email, password=PASSWORD, audience="orders")
    tokens = client.auth.Login(request, timeout=SECONDS).tokens
    for _ in range(GENUINE):
        yield tokens.access_token
        tokens = client.refresh(tokens.refresh_token)


class Verifier:
    """PyJWT as the example for Python sets it up: algorithm, key set, issuer, audience, required claims and type."""

    def __init__(self, side_port: int) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{side_port}/.well-known/jwks.json", timeout=SECONDS) as answer:
            self._keys = jwt.PyJWKSet.from_dict(json.load(answer))

    def accepts(self, token: str) -> bool:
        """Whether a token is good, as far as can be told without Ipse."""
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys[header["kid"]]
            options = {"require": ["exp", "iat", "sub", "sid", "jti"], "verify_iat": False}
            jwt.decode(
                token,
                key,
                algorithms=["ES256"],
                issuer="https://ipse.localhost",
                audience="orders",
                options=options,
            )
            return header["typ"].lower() == "at+jwt"
        except (jwt.PyJWTError, KeyError):
            return False


def verdicts_of_ipse(client: Client, service: str, tokens: list[str]) -> Iterator[bool]:
    """Whether Ipse takes each of these tokens for good, which it tells a service as it tells Envoy."""
    for start in range(0, len(tokens), AT_A_TIME):
        asked = []
        for token in tokens[start : start + AT_A_TIME]:
            request = contract.token_pb2.IntrospectTokenRequest(token=token, audience="orders")
            question = question_about(token, audience="orders")
            told = client.tokens.IntrospectToken.future(request, timeout=SECONDS, metadata=bearer(service))
            asked.append((token, told, client.gateway.Check.future(question, timeout=SECONDS)))
        for token, told, check in asked:
            assert told.result().active == (check.result().status.code == 0), token
            yield told.result().active


def test_both_come_to_the_same_verdict_on_random_mutations(server: Server, client: Client, side_port: int) -> None:
    genuine = [token for email in EMAILS for token in genuine_tokens(client, email)]
    tokens = Mutator(SEED, genuine).draw(MUTATIONS)
    verifier = Verifier(side_port)
    alone = [verifier.accepts(token) for token in tokens]
    asked = list(verdicts_of_ipse(client, administrator(server, client), tokens))

    counts = Counter(zip(alone, asked, strict=True))
    print({f"alone {a}, asked {b}": count for (a, b), count in counts.items()})
    # The one difference: PyJWT takes a genuine signature with its padding too, which RFC 7515 leaves out.
    for token, by_itself, by_ipse in zip(tokens, alone, asked, strict=True):
        assert by_ipse == (by_itself and not token.endswith("==")), token
    # Each verdict was there, the good one for tokens with another signature too.
    assert counts[True, True] > len(genuine) and counts[False, False] > MUTATIONS / 2 and counts[True, False] > 0

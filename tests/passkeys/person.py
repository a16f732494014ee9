"""Somebody with passkeys, as a client of the service that talks to a browser."""

import json
import secrets

import jwt

from support import contract
from support.ceremonies import create, get
from support.chromium import Page
from support.client import PASSWORD, SECONDS, Client, bearer
from support.database import Sqlite
from support.server import Server

PASSKEY = contract.auth_pb2.MFA_FACTOR_PASSKEY
TWO_FACTORS = "urn:ipse:aal:2"


class Person:
    """A new person, signed in by password."""

    def __init__(self, client: Client, server: Server) -> None:
        self.email = f"ada-{secrets.token_hex(6)}@example.com"
        self.client = client
        self._database = Sqlite(server.folder / "ipse-dev" / "ipse.db")
        client.register(self.email)
        self.token = client.log_in(self.email).access_token

    def begin(self) -> tuple[str, dict]:
        """A registration that has begun, and what to ask the authenticator."""
        pb = contract.factor_pb2
        request = pb.BeginPasskeyRequest(display_name="mine")
        answer = self.client.factors.BeginPasskey(request, timeout=SECONDS, metadata=bearer(self.token))
        return answer.factor_id, json.loads(answer.creation_options_json)

    def finish(self, factor_id: str, credential: dict):
        request = contract.factor_pb2.FinishPasskeyRequest(factor_id=factor_id, credential_json=json.dumps(credential))
        return self.client.factors.FinishPasskey(request, timeout=SECONDS, metadata=bearer(self.token))

    def add_passkey(self, page: Page):
        """Registers a passkey of a device of the page."""
        factor_id, options = self.begin()
        return self.finish(factor_id, create(page, options))

    def passkeys(self) -> list:
        """What the service says of the person's passkeys."""
        request = contract.factor_pb2.ListMyFactorsRequest()
        answer = self.client.factors.ListMyFactors(request, timeout=SECONDS, metadata=bearer(self.token))
        return [factor for factor in answer.factors if factor.HasField("passkey")]

    def challenge(self) -> str:
        """A sign-in by password that waits for a second factor."""
        request = contract.auth_pb2.LoginRequest(identifier=self.email, password=PASSWORD)
        answer = self.client.auth.Login(request, timeout=SECONDS).mfa_challenge
        assert PASSKEY in answer.factors
        return answer.challenge_token

    def question(self, challenge_token: str) -> dict:
        request = contract.auth_pb2.BeginMfaPasskeyRequest(challenge_token=challenge_token)
        return json.loads(self.client.auth.BeginMfaPasskey(request, timeout=SECONDS).request_options_json)

    def answer(self, challenge_token: str, credential: dict) -> dict:
        """Completes the sign-in, and says what the token says."""
        proof = {"passkey_credential_json": json.dumps(credential)}
        request = contract.auth_pb2.CompleteMfaRequest(challenge_token=challenge_token, **proof)
        return self._take(self.client.auth.CompleteMfa(request, timeout=SECONDS).tokens)

    def sign_in_with_both(self, page: Page) -> dict:
        """Signs in by password and passkey."""
        challenge_token = self.challenge()
        return self.answer(challenge_token, get(page, self.question(challenge_token)))

    def step_up(self, page: Page) -> dict:
        request = contract.auth_pb2.BeginStepUpRequest(acr=TWO_FACTORS)
        begun = self.client.auth.BeginStepUp(request, timeout=SECONDS, metadata=bearer(self.token))
        credential = get(page, json.loads(begun.request_options_json))
        proof = {"passkey_credential_json": json.dumps(credential)}
        request = contract.auth_pb2.CompleteStepUpRequest(challenge_token=begun.challenge_token, **proof)
        metadata = bearer(self.token)
        return self._take(self.client.auth.CompleteStepUp(request, timeout=SECONDS, metadata=metadata).tokens)

    def sign_in_alone(self, page: Page, **more: object) -> dict:
        """Signs in by a passkey alone."""
        challenge_token, options = begin_alone(self.client)
        return self._take(finish_alone(self.client, challenge_token, get(page, options, **more)))

    def _take(self, tokens) -> dict:
        self.token = tokens.access_token
        return claims(self.token)

    def refusals(self) -> list[str]:
        """Why the service has refused passkeys, as operators read it: the newest last."""
        query = "SELECT reason FROM audit_events WHERE outcome = 'failure' ORDER BY sequence"
        return [reason for (reason,) in self._database.query(query)]


def claims(access_token: str) -> dict:
    """What a token says."""
    return jwt.decode(access_token, options={"verify_signature": False})


def begin_alone(client: Client) -> tuple[str, dict]:
    """A sign-in by a passkey alone that has begun."""
    answer = client.auth.BeginPasskeyLogin(contract.auth_pb2.BeginPasskeyLoginRequest(), timeout=SECONDS)
    return answer.challenge_token, json.loads(answer.request_options_json)


def finish_alone(client: Client, challenge_token: str, credential: dict):
    request = contract.auth_pb2.CompletePasskeyLoginRequest(
        challenge_token=challenge_token, credential_json=json.dumps(credential)
    )
    return client.auth.CompletePasskeyLogin(request, timeout=SECONDS).tokens

"""Authenticator apps, as people have them, and signing in with one."""

import base64
import hmac
import json
import struct
import time

from support import contract
from support.client import PASSWORD, SECONDS, Client, bearer

AAL0, AAL1, AAL2 = (f"urn:ipse:aal:{level}" for level in range(3))
STEP_SECONDS = 30
# How long a code stays good after it was read off, at the least.
MARGIN_SECONDS = 5


def totp(secret: str, step: int) -> str:
    """The code of a secret for one span of 30 seconds (RFC 6238, with SHA-1 and six digits)."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", step), "sha1")
    offset = digest[-1] & 0xF
    return f"{(struct.unpack_from('>I', digest, offset)[0] & 0x7FFFFFFF) % 1_000_000:06}"


class App:
    """An authenticator app with a person's secret, and the sheet of recovery codes.

    The server takes each code once, those of the span before and after the present one too. A test that wants more of
    them at a time takes recovery codes: none waits.
    """

    def __init__(self, secret: str) -> None:
        self.recovery_codes: list[str] = []
        self._secret = secret
        self._last_step = 0

    def code(self) -> str | None:
        """The next code that the server has not seen, if it takes one now."""
        earliest = int((time.time() + MARGIN_SECONDS) // STEP_SECONDS) - 1
        latest = int(time.time() // STEP_SECONDS) + 1
        step = max(earliest, self._last_step + 1)
        if step > latest:
            return None
        self._last_step = step
        return totp(self._secret, step)

    def proof(self) -> dict[str, str]:
        """What answers a challenge."""
        if code := self.code():
            return {"totp_code": code}
        return {"recovery_code": self.recovery_codes.pop()}


def enrol(client: Client, access_token: str) -> App:
    """Enrols an app for whoever has this token."""
    factors, metadata = contract.factor_pb2, bearer(access_token)
    begun = client.factors.BeginTotp(factors.BeginTotpRequest(), timeout=SECONDS, metadata=metadata)
    app = App(begun.secret)
    request = factors.ConfirmTotpRequest(factor_id=begun.factor_id, code=app.code())
    confirmed = client.factors.ConfirmTotp(request, timeout=SECONDS, metadata=metadata)
    app.recovery_codes += confirmed.recovery_codes
    return app


def sign_in(client: Client, identifier: str, app: App, password: str = PASSWORD, audience: str = ""):
    """Signs in with the password and the app, and returns the tokens."""
    auth = contract.auth_pb2
    request = auth.LoginRequest(identifier=identifier, password=password, audience=audience)
    challenge = client.auth.Login(request, timeout=SECONDS).mfa_challenge
    answer = auth.CompleteMfaRequest(challenge_token=challenge.challenge_token, **app.proof())
    return client.auth.CompleteMfa(answer, timeout=SECONDS).tokens


def step_up(client: Client, access_token: str, app: App, acr: str = AAL2):
    """Proves again who one is, with the app, and returns the tokens of the session that continues."""
    auth, metadata = contract.auth_pb2, bearer(access_token)
    begun = client.auth.BeginStepUp(auth.BeginStepUpRequest(acr=acr), timeout=SECONDS, metadata=metadata)
    answer = auth.CompleteStepUpRequest(challenge_token=begun.challenge_token, **app.proof())
    return client.auth.CompleteStepUp(answer, timeout=SECONDS, metadata=metadata).tokens


def claims(access_token: str) -> dict:
    """What a token says, taken at its word."""
    payload = access_token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))

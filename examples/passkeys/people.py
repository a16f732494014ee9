"""What people do at the page, as RPCs of Ipse. Tokens and challenges stay here: the page has none of them."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import grpc
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status
from ipse.v1.account_service_pb2 import GetMeRequest
from ipse.v1.account_service_pb2_grpc import AccountServiceStub
from ipse.v1.auth_service_pb2 import (
    BeginMfaPasskeyRequest,
    BeginPasskeyLoginRequest,
    BeginStepUpRequest,
    CompleteMfaRequest,
    CompletePasskeyLoginRequest,
    CompleteStepUpRequest,
    LoginRequest,
    LogoutRequest,
    MfaFactor,
    RefreshRequest,
    RegisterRequest,
)
from ipse.v1.auth_service_pb2_grpc import AuthServiceStub
from ipse.v1.factor_service_pb2 import BeginPasskeyRequest, FinishPasskeyRequest, ListMyFactorsRequest
from ipse.v1.factor_service_pb2_grpc import FactorServiceStub
from ipse.v1.session_pb2 import Tokens

SECONDS = 10
# What a second factor can be answered with.
PROOFS = {"totp_code", "recovery_code", "passkey_credential_json", "password"}


class Refused(Exception):
    """Ipse has said no, for a reason of `ipse.v1.ErrorReason`; of STEP_UP_REQUIRED, with the level that will do."""

    def __init__(self, reason: str, acr: str = "") -> None:
        super().__init__(reason)
        self.told = {"reason": reason, "acr": acr}


@dataclass
class Session:
    """What the server keeps of one browser."""

    tokens: Tokens | None = None
    # The sign-ins and registrations that have begun.
    mfa: str = ""
    passkey_login: str = ""
    step_up: str = ""
    factor_id: str = ""
    # One request of a browser after the other: a refresh token is good for one use.
    lock: threading.Lock = field(default_factory=threading.Lock)


class Ipse:
    """The RPCs that the page needs."""

    def __init__(self, target: str) -> None:
        channel = grpc.insecure_channel(target)  # in production: grpc.secure_channel
        self._auth = AuthServiceStub(channel)
        self._account = AccountServiceStub(channel)
        self._factors = FactorServiceStub(channel)
        self.actions: dict[str, Callable[..., dict]] = {
            "/sign-up": self._sign_up,
            "/sign-in": self._sign_in,
            "/mfa/begin": self._begin_mfa,
            "/mfa/finish": self._finish_mfa,
            "/passkey-login/begin": self._begin_passkey_login,
            "/passkey-login/finish": self._finish_passkey_login,
            "/passkeys/begin": self._begin_passkey,
            "/passkeys/finish": self._finish_passkey,
            "/step-up/begin": self._begin_step_up,
            "/step-up/finish": self._finish_step_up,
            "/me": self._me,
            "/sign-out": self._sign_out,
        }

    def _sign_up(self, _: Session, email: str, password: str) -> dict:
        ask(self._auth.Register, RegisterRequest(email=email, password=password))
        return {}

    def _sign_in(self, session: Session, email: str, password: str) -> dict:
        answer = ask(self._auth.Login, LoginRequest(identifier=email, password=password))
        if answer.HasField("tokens"):
            session.tokens = answer.tokens
            return {"factors": []}
        session.mfa = answer.mfa_challenge.challenge_token
        return {"factors": names(answer.mfa_challenge.factors)}

    def _begin_mfa(self, session: Session) -> dict:
        answer = ask(self._auth.BeginMfaPasskey, BeginMfaPasskeyRequest(challenge_token=session.mfa))
        return {"options": answer.request_options_json}

    def _finish_mfa(self, session: Session, **proof: str) -> dict:
        request = CompleteMfaRequest(challenge_token=session.mfa, **only_proofs(proof))
        session.tokens = ask(self._auth.CompleteMfa, request).tokens
        return {}

    def _begin_passkey_login(self, session: Session) -> dict:
        answer = ask(self._auth.BeginPasskeyLogin, BeginPasskeyLoginRequest())
        session.passkey_login = answer.challenge_token
        return {"options": answer.request_options_json}

    def _finish_passkey_login(self, session: Session, credential: str) -> dict:
        request = CompletePasskeyLoginRequest(challenge_token=session.passkey_login, credential_json=credential)
        session.tokens = ask(self._auth.CompletePasskeyLogin, request).tokens
        return {}

    def _begin_passkey(self, session: Session, name: str) -> dict:
        answer = self._ask_as(session, self._factors.BeginPasskey, BeginPasskeyRequest(display_name=name))
        session.factor_id = answer.factor_id
        return {"options": answer.creation_options_json}

    def _finish_passkey(self, session: Session, credential: str) -> dict:
        request = FinishPasskeyRequest(factor_id=session.factor_id, credential_json=credential)
        answer = self._ask_as(session, self._factors.FinishPasskey, request)
        return {"recovery_codes": list(answer.recovery_codes)}

    def _begin_step_up(self, session: Session, acr: str = "") -> dict:
        answer = self._ask_as(session, self._auth.BeginStepUp, BeginStepUpRequest(acr=acr))
        session.step_up = answer.challenge_token
        return {"factors": names(answer.factors), "options": answer.request_options_json}

    def _finish_step_up(self, session: Session, **proof: str) -> dict:
        request = CompleteStepUpRequest(challenge_token=session.step_up, **only_proofs(proof))
        session.tokens = self._ask_as(session, self._auth.CompleteStepUp, request).tokens
        return {}

    def _me(self, session: Session) -> dict:
        """Who is signed in, how, and with which factors."""
        me = self._ask_as(session, self._account.GetMe, GetMeRequest())
        factors = self._ask_as(session, self._factors.ListMyFactors, ListMyFactorsRequest()).factors
        return {
            "email": me.user.email,
            "acr": me.session.acr,
            "amr": list(me.session.amr),
            "factors": [MessageToDict(factor, always_print_fields_with_no_presence=True) for factor in factors],
        }

    def _sign_out(self, session: Session) -> dict:
        if session.tokens:
            ask(self._auth.Logout, LogoutRequest(refresh_token=session.tokens.refresh_token))
            session.tokens = None
        return {}

    def _ask_as(self, session: Session, rpc: Callable, request: Message) -> Message:
        """Asks as the person of the session, with a new access token if the old one ends."""
        if session.tokens is None:
            raise Refused("TOKEN_MISSING")
        if session.tokens.access_expire_time.seconds - SECONDS < time.time():
            refresh = RefreshRequest(refresh_token=session.tokens.refresh_token)
            session.tokens = ask(self._auth.Refresh, refresh).tokens
        return ask(rpc, request, [("authorization", f"Bearer {session.tokens.access_token}")])


def ask(rpc: Callable, request: Message, metadata: list | None = None) -> Message:
    try:
        return rpc(request, timeout=SECONDS, metadata=metadata)
    except grpc.RpcError as error:
        raise refusal_of(error) from None


def refusal_of(error: grpc.RpcError) -> Refused:
    """What Ipse tells, or the code of what went wrong on the way to it."""
    status, info = rpc_status.from_call(error), ErrorInfo()
    for detail in status.details if status else []:
        if detail.Unpack(info):
            return Refused(info.reason, info.metadata.get("acr_values", "").partition(" ")[0])
    return Refused(error.code().name)


def names(factors: list[int]) -> list[str]:
    """PASSKEY, TOTP, RECOVERY_CODE, PASSWORD."""
    return [MfaFactor.Name(factor).removeprefix("MFA_FACTOR_") for factor in factors]


def only_proofs(proof: dict[str, str]) -> dict[str, str]:
    """The one proof that the page sends."""
    if len(proof) != 1 or not proof.keys() <= PROOFS:
        raise Refused("FIELD_INVALID")
    return proof

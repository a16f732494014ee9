"""Lets calls in that bring a valid access token of Ipse. It asks Ipse for nothing while it does so: it has the keys
that sign tokens, and knows what has been revoked."""

import asyncio
import time
from collections.abc import Callable
from contextvars import ContextVar

import grpc
import jwt
from google.rpc.code_pb2 import UNAUTHENTICATED
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status
from revocations import Revocations

# The levels of a sign-in, as tokens tell them: two factors; and one of somebody who must have two and has not.
AAL2, ENROLMENT = "urn:ipse:aal:2", "urn:ipse:aal:0"

# What the token of the caller says, within a call that was let in.
caller: ContextVar[dict] = ContextVar("caller")


class Refused(Exception):
    """Why a call is not let in."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class Guard(grpc.aio.ServerInterceptor):
    """Checks the access tokens of an issuer for an audience."""

    def __init__(self, jwks_url: str, issuer: str, audience: str, revocations: Revocations) -> None:
        self._keys = jwt.PyJWKClient(jwks_url)
        self._expected = {"algorithms": ["ES256"], "issuer": issuer, "audience": audience}
        self._expected["options"] = {"require": ["exp", "iat", "sub", "sid", "jti"], "verify_iat": False}
        self._revocations = revocations

    def check(self, token: str) -> dict:
        """What a token says if it is valid."""
        invalid = Refused(grpc.StatusCode.UNAUTHENTICATED, "the access token is missing or not valid")
        try:
            whole = jwt.decode_complete(token, self._keys.get_signing_key_from_jwt(token), **self._expected)
        except jwt.PyJWTError:
            raise invalid from None
        header, claims = whole["header"], whole["payload"]
        if header.get("typ", "").lower() != "at+jwt" or claims.get("acr") == ENROLMENT:
            raise invalid
        if not self._revocations.known():
            raise Refused(grpc.StatusCode.UNAVAILABLE, "it is not known at the moment which tokens are revoked")
        if self._revocations.include([claims["sid"], claims["jti"], header["kid"], claims["sub"]], claims["iat"]):
            raise invalid
        return claims

    async def intercept_service(self, continuation: Callable, details: grpc.HandlerCallDetails):
        tokens = [value for name, value in details.invocation_metadata if name == "authorization"]
        # One or more spaces follow the scheme, which has no case (RFC 9110, section 11.4).
        scheme, _, token = tokens[0].strip().partition(" ") if len(tokens) == 1 else ("", "", "")
        token = token.lstrip(" ") if scheme.lower() == "bearer" else ""
        try:
            caller.set(await asyncio.to_thread(self.check, token))  # in a thread, as it fetches the keys now and then
        except Refused as refused:
            return refusing(refused)
        return await continuation(details)


async def require_sign_in(context: grpc.aio.ServicerContext, acr: str, max_age: int) -> None:
    """Refuses a caller who did not sign in at this level, or did so more seconds ago. The client has the person prove
    it again, for what the error names, and comes back with the new token (RFC 9470)."""
    claims = caller.get()
    if claims.get("acr") == acr and time.time() - claims.get("auth_time", 0) <= max_age:
        return
    info = ErrorInfo(reason="STEP_UP_REQUIRED", domain="orders.v1")
    info.metadata.update({"acr_values": acr, "max_age": str(max_age)})
    status = Status(code=UNAUTHENTICATED, message="this takes a fresh sign-in with a second factor")
    status.details.add().Pack(info)
    await context.abort(*rpc_status.to_status(status))


def refusing(refused: Refused) -> grpc.RpcMethodHandler:
    async def refuse(_: object, context: grpc.aio.ServicerContext) -> None:
        await context.abort(refused.code, str(refused))

    return grpc.unary_unary_rpc_method_handler(refuse)

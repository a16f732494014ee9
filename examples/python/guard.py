"""Lets calls in that bring a valid access token of Ipse. It asks Ipse for nothing while it does so: it has the keys
that sign tokens, and knows what has been revoked."""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar

import grpc
import jwt
from revocations import Revocations

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
        if header.get("typ", "").lower() != "at+jwt":
            raise invalid
        if not self._revocations.known():
            raise Refused(grpc.StatusCode.UNAVAILABLE, "it is not known at the moment which tokens are revoked")
        if self._revocations.include([claims["sid"], claims["jti"], header["kid"], claims["sub"]], claims["iat"]):
            raise invalid
        return claims

    async def intercept_service(self, continuation: Callable, details: grpc.HandlerCallDetails):
        tokens = [value for name, value in details.invocation_metadata if name == "authorization"]
        token = tokens[0][7:] if len(tokens) == 1 and tokens[0].startswith("Bearer ") else ""
        try:
            caller.set(await asyncio.to_thread(self.check, token))  # in a thread, as it fetches the keys now and then
        except Refused as refused:
            return refusing(refused)
        return await continuation(details)


def refusing(refused: Refused) -> grpc.RpcMethodHandler:
    async def refuse(_: object, context: grpc.aio.ServicerContext) -> None:
        await context.abort(refused.code, str(refused))

    return grpc.unary_unary_rpc_method_handler(refuse)

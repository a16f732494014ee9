"""Lets calls in that bring a valid access token of Ipse. It asks Ipse for nothing while it does so: it knows the keys that
sign tokens, and hears of what has been revoked."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar

import grpc
import jwt
from ipse.v1.token_service_pb2 import WatchRevocationsRequest, WatchRevocationsResponse
from ipse.v1.token_service_pb2_grpc import TokenServiceStub

# How long the stream of revocations may be silent before no token is trusted. It says every second that it is alive.
PATIENCE_SECONDS = 3

# What the token of the caller says, within a call that was let in.
caller: ContextVar[dict] = ContextVar("caller")


class Refused(Exception):
    """Why a call is not let in."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def invalid() -> Refused:
    return Refused(grpc.StatusCode.UNAUTHENTICATED, "the access token is missing or not valid")


class Guard(grpc.aio.ServerInterceptor):
    """Checks the access tokens of an issuer for an audience. It trusts none until `watch` runs."""

    def __init__(self, jwks_url: str, issuer: str, audience: str) -> None:
        self._keys = jwt.PyJWKClient(jwks_url)
        self._expected = {"algorithms": ["ES256"], "issuer": issuer, "audience": audience}
        self._expected["options"] = {"require": ["exp", "iat", "sub", "sid", "jti"], "verify_iat": False}
        self._revoked: dict[str, WatchRevocationsResponse] = {}  # by the id of the session, subject, token or key
        self._current = float("-inf")  # when all was known last

    def check(self, token: str) -> dict:
        """What a token says if it is valid."""
        if time.monotonic() - self._current > PATIENCE_SECONDS:
            raise Refused(grpc.StatusCode.UNAVAILABLE, "it is not known at the moment which tokens are revoked")
        try:
            header = jwt.get_unverified_header(token)
            claims = jwt.decode(token, self._keys.get_signing_key_from_jwt(token), **self._expected)
        except jwt.PyJWTError:
            raise invalid() from None
        if header.get("typ", "").lower() != "at+jwt":
            raise invalid()
        for name in (claims["sid"], claims["jti"], header["kid"], claims["sub"]):
            entry = self._revoked.get(name)
            if entry and (not entry.HasField("revoked_before") or claims["iat"] <= entry.revoked_before.seconds):
                raise invalid()
        return claims

    async def intercept_service(self, continuation: Callable, details: grpc.HandlerCallDetails):
        values = [value for name, value in details.invocation_metadata if name == "authorization"]
        try:
            if len(values) != 1 or not values[0].startswith("Bearer "):
                raise invalid()
            # In a thread of its own, as it fetches the keys now and then.
            caller.set(await asyncio.to_thread(self.check, values[0].removeprefix("Bearer ")))
        except Refused as refused:
            return refusing(refused)
        return await continuation(details)

    async def watch(self, ipse: TokenServiceStub, sign_in: Callable[[], Awaitable[str]]) -> None:
        """Hears of revocations for ever. Calls with what `sign_in` returns, an access token whose subject holds the
        permission tokens.introspect, and begins anew where the stream broke off."""
        resume_token = ""
        while True:
            try:
                metadata = [("authorization", f"Bearer {await sign_in()}")]
                request = WatchRevocationsRequest(resume_token=resume_token)
                async for message in ipse.WatchRevocations(request, metadata=metadata):
                    self._learn(message)
                    resume_token = message.resume_token
            except grpc.aio.AioRpcError as error:
                logging.warning("the stream of revocations broke off: %s", error.details())
            await asyncio.sleep(0.5)

    def _learn(self, message: WatchRevocationsResponse) -> None:
        kind = message.WhichOneof("revoked")
        if kind:
            name = getattr(message, kind)
            known = self._revoked.get(name, message)
            if known.revoked_before.seconds <= message.revoked_before.seconds:
                self._revoked[name] = message
            return
        self._current = time.monotonic()
        now = time.time()
        self._revoked = {k: entry for k, entry in self._revoked.items() if entry.forget_after.seconds > now}


def refusing(refused: Refused) -> grpc.RpcMethodHandler:
    async def refuse(_: object, context: grpc.aio.ServicerContext) -> None:
        await context.abort(refused.code, str(refused))

    return grpc.unary_unary_rpc_method_handler(refuse)

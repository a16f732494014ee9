"""What Ipse has revoked, heard from a stream."""

import asyncio
import logging
import time

import grpc
from ipse.v1.token_service_pb2 import ExchangeApiKeyRequest, WatchRevocationsRequest, WatchRevocationsResponse
from ipse.v1.token_service_pb2_grpc import TokenServiceStub

# How long the stream may be silent before nothing is known any more. It says every second that it is alive.
PATIENCE_SECONDS = 3


class Revocations:
    """Knows nothing until `watch` runs."""

    def __init__(self) -> None:
        self._entries: dict[str, WatchRevocationsResponse] = {}  # by the id of the session, subject, token or key
        self._current = float("-inf")  # when they were complete last

    def known(self) -> bool:
        """Whether it is known what is revoked."""
        return time.monotonic() - self._current <= PATIENCE_SECONDS

    def include(self, ids: list[str], issued: int) -> bool:
        """Whether a token with one of these ids that was issued then is revoked."""
        entries = [self._entries[id] for id in ids if id in self._entries]
        return any(not entry.HasField("revoked_before") or issued <= entry.revoked_before.seconds for entry in entries)

    async def watch(self, ipse: TokenServiceStub, api_key: str) -> None:
        """Hears of revocations for ever, as the service whose key this is. It holds the permission tokens.introspect.
        Goes on where the stream broke off."""
        resume_token = ""
        while True:
            try:
                token = (await ipse.ExchangeApiKey(ExchangeApiKeyRequest(api_key=api_key))).access_token
                request = WatchRevocationsRequest(resume_token=resume_token)
                async for message in ipse.WatchRevocations(request, metadata=[("authorization", f"Bearer {token}")]):
                    resume_token = message.resume_token
                    self._learn(message)
            except grpc.aio.AioRpcError as error:
                logging.warning("the stream of revocations broke off: %s", error.details())
            await asyncio.sleep(0.5)

    def _learn(self, message: WatchRevocationsResponse) -> None:
        if kind := message.WhichOneof("revoked"):
            known = self._entries.get(id := getattr(message, kind), message)
            if known.revoked_before.seconds <= message.revoked_before.seconds:
                self._entries[id] = message
        else:
            now = time.time()
            self._entries = {id: entry for id, entry in self._entries.items() if entry.forget_after.seconds >= now}
            self._current = time.monotonic()

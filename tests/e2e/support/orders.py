"""The services in examples/, each started as its README says."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import grpc

from support import contract
from support.client import OPTIONS, SECONDS, bearer
from support.contract import ROOT
from support.errors import refusal_of
from support.server import free_port
from support.waiting import wait_until

EXAMPLES = ROOT / "examples"
COMMANDS = {
    "rust": ["cargo", "run", "--locked", "--quiet", "--example", "orders"],
    "python": [sys.executable, "main.py"],
    "go": ["go", "run", "."],
    "typescript": ["npm", "start"],
}
# Compilers may have to work first.
START_SECONDS = 300


class Orders:
    """A guarded service in a process group of its own."""

    def __init__(self, language: str, environment: dict[str, str], folder: Path) -> None:
        self.target = f"127.0.0.1:{free_port()}"
        self.log = folder / f"{language}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                COMMANDS[language],
                cwd=EXAMPLES / language,
                env=os.environ | environment | {"ORDERS_LISTEN": self.target, "PYTHONPATH": "gen"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.channel = grpc.insecure_channel(self.target, OPTIONS)
        self._stub = contract.orders_grpc.OrdersServiceStub(self.channel)

    def await_start(self, good_token: str) -> None:
        """Waits until the service runs and knows what is revoked, and so lets this token in."""
        wait_until(self._runs, "the example runs", START_SECONDS)
        wait_until(lambda: self.refusal(good_token) is None, "it knows what is revoked")

    def close(self) -> None:
        self.channel.close()
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)

    def _runs(self) -> bool:
        """Whether somebody answers."""
        assert self._process.poll() is None, self.log.read_text()
        return self.refusal("") == grpc.StatusCode.UNAUTHENTICATED

    def greet(self, access_token: str):
        metadata = bearer(access_token) if access_token else None
        return self._stub.Greet(contract.orders_pb2.GreetRequest(), timeout=SECONDS, metadata=metadata)

    def cancel(self, access_token: str) -> None:
        """Calls what takes two factors and a fresh sign-in."""
        self._stub.CancelOrder(contract.orders_pb2.CancelOrderRequest(), timeout=SECONDS, metadata=bearer(access_token))

    def step_up(self, access_token: str) -> dict[str, str] | None:
        """What a step-up is asked for before an order is cancelled, if one is."""
        try:
            self.cancel(access_token)
        except grpc.RpcError as error:
            refusal = refusal_of(error)
            assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAUTHENTICATED, "STEP_UP_REQUIRED"), refusal
            assert (refusal.domain, refusal.kinds) == ("orders.v1", ["ErrorInfo"]), refusal
            return refusal.metadata
        return None

    def refusal(self, access_token: str) -> grpc.StatusCode | None:
        """The code with which a call is refused, if it is."""
        try:
            self.greet(access_token)
        except grpc.RpcError as error:
            return error.code()
        return None

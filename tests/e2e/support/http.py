"""Requests to the HTTP side port."""

import http.client
import json
from dataclasses import dataclass

from support.client import SECONDS
from support.server import Server


@dataclass
class Answer:
    """An answer with the names of its headers in lower case, and without the time of day."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict:
        return json.loads(self.body)


def ask(server: Server, path: str, method: str = "GET", **headers: str) -> Answer:
    """The answer of the side port; `if_none_match` is the header If-None-Match."""
    connection = http.client.HTTPConnection("127.0.0.1", server.side_port, timeout=SECONDS)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders() if name.lower() != "date"}
        return Answer(answer.status, found, answer.read())
    finally:
        connection.close()

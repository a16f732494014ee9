"""An HTTP/2 connection that may break the rules of gRPC."""

import base64
import socket
from dataclasses import dataclass, field
from typing import TypeVar

from google.rpc import status_pb2
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset, TrailersReceived

from support.errors import Code, Refusal, add_details

FRAME = 16_384
T = TypeVar("T")
CODES = {code.value[0]: code for code in Code}


@dataclass
class Answer:
    """What came back on a stream."""

    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""
    reset: bool = False

    def refusal(self) -> Refusal:
        """The gRPC status in the headers or trailers."""
        refusal = Refusal(CODES[int(self.headers["grpc-status"])], self.headers.get("grpc-message", ""))
        details = self.headers.get("grpc-status-details-bin", "")
        status = status_pb2.Status.FromString(base64.b64decode(details + "=" * (-len(details) % 4)))
        return add_details(refusal, status)


class Connection:
    """One connection: in plaintext, unless there is one already."""

    def __init__(self, port: int, opened: socket.socket | None = None) -> None:
        self.socket = opened or socket.create_connection(("127.0.0.1", port), timeout=15)
        unchecked = {"validate_outbound_headers": False, "normalize_outbound_headers": False}
        self.h2 = H2Connection(H2Configuration(header_encoding="latin-1", **unchecked))
        self.h2.initiate_connection()
        self.closed = False
        self.flush()

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def flush(self) -> None:
        self.socket.sendall(self.h2.data_to_send())

    def begin(self, path: str, *headers: tuple[str, str]) -> int:
        """Sends the headers of a gRPC call and returns the number of its stream."""
        stream = self.h2.get_next_available_stream_id()
        fixed = [(":method", "POST"), (":scheme", "http"), (":authority", "localhost"), (":path", path)]
        fixed += [("content-type", "application/grpc"), ("te", "trailers")]
        self.h2.send_headers(stream, [*fixed, *headers])
        return stream

    def call(self, path: str, *headers: tuple[str, str], message: bytes = b"") -> Answer:
        """Makes a call and waits for its end."""
        stream = self.begin(path, *headers)
        self.send(stream, b"\0" + len(message).to_bytes(4, "big") + message)
        return self.answer(stream)

    def message(self, path: str, kind: type[T], message: bytes, *headers: tuple[str, str]) -> T:
        """The message that a call is answered with."""
        answer = self.call(path, *headers, message=message)
        assert answer.headers["grpc-status"] == "0", answer.headers
        return kind.FromString(answer.content[5:])

    def send(self, stream: int, content: bytes) -> None:
        """Sends the rest of a call. Fits in the window that every connection begins with."""
        for start in range(0, len(content), FRAME):
            self.h2.send_data(stream, content[start : start + FRAME])
        self.h2.end_stream(stream)
        self.flush()

    def answer(self, stream: int) -> Answer:
        """Reads until the stream or the connection ends."""
        answer = Answer()
        while not self.closed:
            for event in self.events():
                if getattr(event, "stream_id", stream) != stream:
                    continue
                if isinstance(event, ResponseReceived | TrailersReceived):
                    answer.headers |= dict(event.headers)
                if isinstance(event, DataReceived):
                    answer.content += event.data
                answer.reset |= isinstance(event, StreamReset)
                if isinstance(event, StreamEnded | StreamReset):
                    return answer
        return answer

    def events(self) -> list:
        """The next events; none if the connection was closed."""
        content = self.socket.recv(65_536)
        if not content:
            self.closed = True
            return []
        events = self.h2.receive_data(content)
        for event in events:
            if isinstance(event, DataReceived):
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            self.closed |= isinstance(event, ConnectionTerminated)
        self.flush()
        return events

"""A relay in front of a server, which can fall silent like a cut wire: it takes what it gets and passes nothing on. It can
also stand for a server that is further away.

In front of a PostgreSQL without TLS, it can do so right behind a COMMIT.
"""

import queue
import socket
import threading
import time
from contextlib import suppress


# As a query of the simple protocol.
COMMIT = b"COMMIT\0"


class Relay:
    """A relay on a port of its own, to one on this machine."""

    def __init__(self, port: int) -> None:
        self.target = port
        # How much longer everything is on its way to the server, and on its way back, in seconds.
        self.delay = 0.0
        self.is_silent = False
        self._commits_left: int | None = None
        self._turn = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> "Relay":
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def fall_silent_after(self, commits: int) -> None:
        """Passes so many more COMMITs on, and nothing after the last of them, either way."""
        self._commits_left = commits

    def pass_all(self) -> None:
        """Passes everything on."""
        self._commits_left = None
        self.is_silent = False

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with suppress(OSError):
                    server = socket.create_connection(("127.0.0.1", self.target))
                    for source, sink in ((client, server), (server, client)):
                        # What is small does not wait for an acknowledgement of what came before.
                        sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        on_the_way: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        threading.Thread(target=self._deliver, args=(on_the_way, sink), daemon=True).start()
        with suppress(OSError):
            while content := source.recv(65_536):
                with self._turn:
                    is_silent = self.is_silent
                    if self._commits_left is not None and not is_silent and COMMIT in content:
                        self._commits_left -= 1
                        self.is_silent = self._commits_left == 0
                if not is_silent:
                    on_the_way.put((time.monotonic() + self.delay, content))
        on_the_way.put((time.monotonic() + self.delay, b""))
        with suppress(OSError):
            source.shutdown(socket.SHUT_RDWR)
        source.close()

    @staticmethod
    def _deliver(on_the_way: "queue.SimpleQueue[tuple[float, bytes]]", sink: socket.socket) -> None:
        with suppress(OSError):
            while (parcel := on_the_way.get())[1]:
                time.sleep(max(0.0, parcel[0] - time.monotonic()))
                sink.sendall(parcel[1])
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
        sink.close()

"""How soon a revocation reaches another process, and those who watch for revocations in great numbers."""

import random
import selectors
import socket
import struct
import threading
import time
from contextlib import suppress

import grpc

from support.client import Client
from support.http2 import Connection

WATCH = "/ipse.v1.TokenService/WatchRevocations"
STREAMS = 200
LARGEST = 2**31 - 1
NOTIFICATION = b"A"


def delays(here: Client, there: Client, email: str, count: int) -> list[float]:
    """The milliseconds from the answer to a revocation at one server until another one refuses the token.

    The revocations come at random within the time that passes between two looks of the other server."""
    dice, found = random.Random(1), []
    for _ in range(count):
        token = here.log_in(email).access_token
        there.me(token)
        time.sleep(dice.uniform(0, 0.25))
        here.revoke(token)
        began = time.perf_counter()
        while accepts(there, token):
            pass
        found.append((time.perf_counter() - began) * 1000)
        assert not accepts(here, token)
    return found


def accepts(client: Client, token: str) -> bool:
    """Whether a token is good, to a server."""
    try:
        client.me(token)
    except grpc.RpcError as refused:
        assert refused.code() is grpc.StatusCode.UNAUTHENTICATED, refused
        return False
    return True


class Relay:
    """A way to PostgreSQL on which announcements get lost: all messages pass but notifications."""

    def __init__(self, port: int) -> None:
        self.lost = 0
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._server))
            for side in (client, server):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._to_server, args=(client, server), daemon=True).start()
            threading.Thread(target=self._to_client, args=(server, client), daemon=True).start()

    @staticmethod
    def _to_server(client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while content := client.recv(65_536):
                server.sendall(content)
            server.shutdown(socket.SHUT_WR)

    def _to_client(self, server: socket.socket, client: socket.socket) -> None:
        """Every message is a letter, a length that counts itself, and the rest."""
        waiting = b""
        with suppress(OSError):
            while content := server.recv(65_536):
                waiting += content
                passed = b""
                while len(waiting) >= 5 and len(waiting) > (length := struct.unpack("!I", waiting[1:5])[0]):
                    message, waiting = waiting[: length + 1], waiting[length + 1 :]
                    if message[:1] == NOTIFICATION:
                        self.lost += 1
                    else:
                        passed += message
                client.sendall(passed)
        client.close()


class Watchers:
    """Readers of the stream of revocations: they take in what comes as fast as they can, and only count the bytes."""

    def __init__(self, port: int, token: str, count: int) -> None:
        self.bytes = 0
        self._stop = False
        self._selector = selectors.DefaultSelector()
        for begun in range(0, count, STREAMS):
            connection = Connection(port)
            # So large that no window has to be opened again.
            connection.h2.update_settings({4: LARGEST})
            connection.h2.increment_flow_control_window(LARGEST - 65_535)
            for _ in range(min(STREAMS, count - begun)):
                stream = connection.begin(WATCH, ("authorization", f"Bearer {token}"))
                connection.send(stream, bytes(5))
            connection.socket.setblocking(False)
            self._selector.register(connection.socket, selectors.EVENT_READ)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def have_heard(self, count: int) -> bool:
        """Whether so many bytes have come in all."""
        return self.bytes >= count

    def close(self) -> None:
        self._stop = True
        self._reader.join(10)
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()

    def _read(self) -> None:
        while not self._stop:
            for key, _ in self._selector.select(0.1):
                content = key.fileobj.recv(1 << 20)
                assert content, "a connection of watchers was closed"
                self.bytes += len(content)

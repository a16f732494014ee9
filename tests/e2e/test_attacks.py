"""What one client can hold: connections that say nothing, calls without a body, work without a right to it. The others
come from another address of the loopback network and must not notice."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import grpc
import pytest

from support.contract import auth_pb2
from support.http2 import Connection
from support.latency import Latency
from support.server import Server
from support.waiting import wait_until

ATTACKER = "127.0.0.2"
LOGIN = "/ipse.v1.AuthService/Login"
# Each of its characters may stand for a letter: the estimator of passwords takes half a second for all of it.
SLOW_PASSWORD = ("4@8({[<369!1|0$5+7%2" * 4)[:62]


@contextmanager
def silent(port: int, count: int, addresses: list[str], first: bytes = b"") -> Iterator[list[socket.socket]]:
    """Connections that say no more than this."""
    with ExitStack() as stack:
        sockets = []
        for number in range(count):
            one = socket.socket()
            stack.callback(one.close)
            one.bind((addresses[number % len(addresses)], 0))
            one.settimeout(5)
            one.connect(("127.0.0.1", port))
            one.sendall(first)
            sockets.append(one)
        yield sockets


def answers_at_once(server: Server) -> bool:
    """Whether a new client is served within a second."""
    with server.client() as client:
        try:
            grpc.channel_ready_future(client.channel).result(timeout=1)
        except grpc.FutureTimeoutError:
            return False
        return client.health() == "SERVING"


def closed(one: socket.socket) -> bool:
    """Whether the server has closed the connection."""
    one.setblocking(False)
    try:
        return one.recv(4096) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def test_one_address_cannot_take_all_connections(tmp_path: Path) -> None:
    with Server(tmp_path, max_connections="20") as server, silent(server.port, 25, [ATTACKER]):
        assert answers_at_once(server)


@pytest.mark.parametrize("first", [b"", b"PRI * HTTP/2.0\r\n"], ids=["silence", "half a preface"])
def test_silent_connections_are_closed_after_ten_seconds(tmp_path: Path, first: bytes) -> None:
    addresses = [f"127.0.0.{number}" for number in range(2, 10)]
    with Server(tmp_path, max_connections="20") as server, silent(server.port, 25, addresses, first) as sockets:
        began = time.monotonic()
        wait_until(lambda: answers_at_once(server), "somebody else is served", 15)
        wait_until(lambda: sum(map(closed, sockets)) >= 20, "the silent ones are gone", 15)
        assert time.monotonic() - began < 13


def test_the_side_port_is_there_for_others(tmp_path: Path) -> None:
    with Server(tmp_path) as server, silent(server.side_port, 130, [ATTACKER]):
        with socket.create_connection(("127.0.0.1", server.side_port), timeout=2) as probe:
            probe.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert probe.recv(100).startswith(b"HTTP/1.1 200")


def test_calls_without_a_body_take_no_room(tmp_path: Path) -> None:
    with Server(tmp_path, max_in_flight="64") as server, server.client() as client, Connection(server.port) as attack:
        client.register("ada@example.com")
        for _ in range(3):
            streams = [attack.begin(LOGIN) for _ in range(70)]
            attack.flush()
            client.log_in("ada@example.com")
            began = time.monotonic()
            # The last one is refused as soon as its time is over.
            refusal = attack.answer(streams[-1]).refusal()
            assert (refusal.reason, time.monotonic() - began < 4) == ("SERVER_TIMEOUT", True)


def test_strength_is_judged_after_what_costs_less(tmp_path: Path) -> None:
    """Made-up tokens and passwords that take long to judge, from four clients at once."""
    with Server(tmp_path) as server, Latency(server) as latency:
        over = time.monotonic() + 4

        def loop() -> None:
            with server.client() as client:
                while time.monotonic() < over:
                    with pytest.raises(grpc.RpcError, match="the token is not valid"):
                        client.reset("A" * 43, SLOW_PASSWORD)

        threads = [threading.Thread(target=loop) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert latency.p99() < 100, latency.p99()


def test_sign_ups_with_slow_passwords_leave_the_others_alone(tmp_path: Path) -> None:
    with Server(tmp_path) as server, Latency(server) as latency:
        over = time.monotonic() + 4

        def loop(name: str) -> None:
            number = 0
            with server.client() as client:
                while time.monotonic() < over:
                    number += 1
                    request = auth_pb2.RegisterRequest(email=f"{name}{number}@example.com", password=SLOW_PASSWORD)
                    try:
                        client.auth.Register(request, timeout=10)
                    except grpc.RpcError as refused:
                        assert refused.details() == "the password is too common"

        threads = [threading.Thread(target=loop, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert latency.p99() < 100, latency.p99()


def test_a_stop_does_not_wait_for_whoever_says_nothing(tmp_path: Path) -> None:
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
    with Server(tmp_path) as server:
        with silent(server.port, 5, [ATTACKER]), silent(server.port, 5, [ATTACKER], preface):
            time.sleep(0.5)
            began = time.monotonic()
            assert server.terminate() == 0
            assert time.monotonic() - began < 5


def test_memory_is_as_before(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        with server.client() as client:
            client.register("ada@example.com")
            client.log_in("ada@example.com")
        quiet = server.memory()
        for _ in range(3):
            with silent(server.port, 300, [ATTACKER]), Connection(server.port) as attack:
                for _ in range(150):
                    attack.begin(LOGIN)
                attack.flush()
                time.sleep(0.5)
                assert server.memory() - quiet < 30 * 1024
        assert answers_at_once(server)

"""Floods of HTTP/2 frames: memory stays as it was, and those who call from elsewhere hardly notice."""

import itertools
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.contract import ROOT
from support.floods import CONTINUATION, DATA, END_HEADERS, FLOODS, HEADERS, PREFACE, SETTINGS, frame, head
from support.latency import Latency
from support.server import Server

SECONDS = 3
# What the server answers with the end of the connection, rather than with patience.
CLOSED = {"continuations", "empty_continuations", "header_bombs", "resets", "made_resets"}
# More than any of the limits of a connection, in KiB.
MEMORY = 16 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    with Server(tmp_path_factory.mktemp("floods")) as server:
        # What the first calls take is not the flood's.
        with Latency(server):
            time.sleep(1)
        yield server


def processor_time(server: Server) -> float:
    """Of the server, in seconds."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("flood", [flood.__name__ for flood in FLOODS])
def test_a_flood_costs_the_others_little(flood: str, server: Server, capsys: pytest.CaptureFixture) -> None:
    with Latency(server) as quiet:
        time.sleep(1)
    memory, worked = server.memory(), processor_time(server)
    command = [sys.executable, "-m", "support.floods", str(server.port), flood, str(SECONDS)]
    with Latency(server) as meanwhile:
        done = subprocess.run(
            command, cwd=ROOT / "tests/e2e", capture_output=True, text=True, timeout=60, check=True
        )
    closed, sent, longest = (float(word) for word in done.stdout.split())
    grown, worked = server.memory() - memory, processor_time(server) - worked
    with capsys.disabled():
        print(
            f"\n{flood}: {sent:.0f} frames, {closed:.0f} connections closed, the longest held {longest} s; memory "
            f"{grown:+d} KiB, processor {worked / SECONDS:.2f}, health p99 {quiet.p99():.1f} -> {meanwhile.p99():.1f} ms"
        )
    assert grown < MEMORY
    assert meanwhile.p99() < max(100, 4 * quiet.p99())
    assert closed > 0 or flood not in CLOSED
    assert "panicked" not in server.log()


def has_answer(received: bytes) -> bool:
    """Whether a head is among the frames that came."""
    while len(received) >= 9:
        if received[3] == HEADERS:
            return True
        received = received[9 + int.from_bytes(received[:3], "big") :]
    return False


def ends_after(port: int, pieces: list[bytes], seconds: float) -> float:
    """When the server ends a connection, or its one call, on which a piece comes every half second."""
    with socket.create_connection(("127.0.0.1", port)) as one:
        one.sendall(PREFACE + frame(SETTINGS) + frame(SETTINGS, 1))
        one.settimeout(0.5)
        began, received = time.monotonic(), b""
        for piece in itertools.chain(pieces, itertools.repeat(b"")):
            if (passed := time.monotonic() - began) > seconds:
                return passed
            try:
                one.sendall(piece)
                content = one.recv(65_536)
            except TimeoutError:
                continue
            except ConnectionError:
                return passed
            received += content
            if not content or has_answer(received):
                return passed


# What never becomes a call is cut off as soon as a ping goes unanswered.
SLOW = {
    "a head in pieces": ([frame(HEADERS, 0, 1, head()), *[frame(CONTINUATION, 0, 1, b"\0\x01a\x01b")] * 100], 10),
    "a message byte by byte": ([frame(HEADERS, END_HEADERS, 1, head()), *[frame(DATA, 0, 1, b"\0")] * 100], 10),
}


@pytest.mark.parametrize(("pieces", "seconds"), SLOW.values(), ids=SLOW)
def test_who_never_gets_to_the_end_is_cut_off(pieces: list[bytes], seconds: int, server: Server) -> None:
    assert ends_after(server.port, pieces, seconds) < seconds

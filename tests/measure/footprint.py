#!/usr/bin/env python3
"""Measures the release binary: memory when idle and under a storm of sign-ins, time to start, sign-ins a second.

usage: tests/measure/footprint.py, after `tests/run tools build`

Exits with 1 if a bound is broken. SQLite, plaintext on the loopback address, client and server on the same machine.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import virtual_environment

virtual_environment.enter()

from support.client import PASSWORD, Client
from support.contract import auth_pb2
from support.server import Server

MIB = 1024
STARTS, SIGN_INS = 5, 200
# Three quarters of it are pages of the program, of which the kernel maps more or fewer around each that is used.
MAX_IDLE = 38 * MIB
# What one hash takes, and what may come on top for connections and calls.
MEMORY_OF_A_HASH, MAX_EXTRA = 19 * MIB, 30 * MIB
MAX_START_MILLISECONDS = 150


def start_seconds(server: Server) -> float:
    """From the start of the process until the health service says SERVING. The time that its threads and this program
    were ready to run while others had the processors does not count; what its threads did always does."""
    began, waited_before = time.perf_counter(), processor_seconds("self")[1]
    server.start(wait=False)
    while not server.accepts():
        time.sleep(0.0005)
    with server.client() as client:
        while client.health() != "SERVING":
            time.sleep(0.0005)
    seconds = time.perf_counter() - began
    at_work, waited = processor_seconds(server.process.pid)
    return max(at_work, seconds - waited - (processor_seconds("self")[1] - waited_before))


def processor_seconds(process: int | str) -> tuple[float, float]:
    """For how long the threads of a process have run, and have waited for a processor, by the kernel's account."""
    accounts = [path.read_text().split() for path in Path(f"/proc/{process}/task").glob("*/schedstat")]
    return sum(int(one[0]) for one in accounts) / 1e9, sum(int(one[1]) for one in accounts) / 1e9


def storm_seconds(client: Client) -> float:
    """The time of all sign-ins, begun at once."""
    request = auth_pb2.LoginRequest(identifier="ada@example.com", password=PASSWORD)
    began = time.perf_counter()
    calls = [client.auth.Login.future(request, timeout=60) for _ in range(SIGN_INS)]
    for call in calls:
        call.result()
    return time.perf_counter() - began


def measure(folder: Path) -> Iterator[tuple[str, float, float | None, str]]:
    """What was measured: name, value, greatest allowed value if there is one, unit."""
    threads = len(os.sched_getaffinity(0))
    server = Server(folder, hashing_threads=str(threads), request_timeout="60s")
    with server, server.client() as client:
        client.register("ada@example.com")
        client.log_in("ada@example.com")

    starts = []
    for _ in range(STARTS):
        try:
            starts.append(start_seconds(server))
        finally:
            server.kill()
    yield "start on an existing database, median", statistics.median(starts) * 1000, MAX_START_MILLISECONDS, "ms"

    with server, server.client() as client:
        idle = server.memory()
        yield "resident memory, idle", idle / MIB, MAX_IDLE / MIB, "MiB"
        seconds = storm_seconds(client)
        peak = idle + threads * MEMORY_OF_A_HASH + MAX_EXTRA
        name = f"resident memory, greatest during {SIGN_INS} parallel sign-ins"
        yield name, server.memory("VmHWM") / MIB, peak / MIB, "MiB"
        yield f"sign-ins with {threads} hashing threads", SIGN_INS / seconds, None, "/s"


def main() -> int:
    broken = False
    with tempfile.TemporaryDirectory() as folder:
        for name, value, most, unit in measure(Path(folder)):
            bound = f"(at most {most:.0f})" if most else ""
            print(f"{name:60} {value:8.1f} {unit:4} {bound}", flush=True)
            broken |= most is not None and value > most
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())

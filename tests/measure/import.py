#!/usr/bin/env python3
"""Measures the release binary with many people: the speed of an import, the memory it takes, and whether finding people
takes as long as among few.

usage: tests/measure/import.py [--rows N], after `tests/run tools build`
       tests/measure/import.py --systems [--rows N]: as many people of each other system, into SQLite

Exits with 1 if a bound is broken. Client, service and database share the machine. PostgreSQL has its default settings,
so that every batch that was answered for is on the disk.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import virtual_environment

virtual_environment.enter()

from support import people, systems
from support.client import SECONDS, Client, bearer
from support.contract import user_pb2
from support.database import Postgres, Sqlite
from support.postgres import Cluster
from support.server import Server, migrated

FEW, PAGE, CALLS = 10_000, 100, 300
MAX_MEMORY_MIB = 150
# What PostgreSQL has without a configuration of its own, in place of what makes the cluster of the tests quick.
DEFAULTS = {
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_level": "replica",
    "max_wal_senders": "10",
    "max_wal_size": "1GB",
}


class Installation:
    """A server on an empty database, and an administrator."""

    def __init__(self, folder: Path, database: Sqlite | Postgres) -> None:
        # The administrator signs in again after hours of import, which no code of an app is to get in the way of.
        self.server = migrated(Server(folder, dev=False, database_url=database.url, mfa="optional"))
        self.database = database

    def __enter__(self) -> "Installation":
        self.server.start()
        self.client = self.server.client()
        self.token = people.administrator(self.server, self.client)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.channel.close()
        self.server.kill()

    def take_in(self, file: Path, rows: int) -> float:
        """Imports a file: how many rows a second."""
        began = time.monotonic()
        done = people.users(self.server, self.token, "import", file)
        seconds = time.monotonic() - began
        assert f"accepted: {rows}, of which 0 " in done.stdout, done.stdout
        if isinstance(self.database, Postgres):
            # What autovacuum does within a minute, which would disturb what is measured next.
            self.database.query("VACUUM ANALYZE")
        return rows / seconds

    def lookups(self, emails: list[str]) -> dict[str, Callable[[int], object]]:
        """The calls to measure, each with a number that chooses the person."""
        self.token = self.client.log_in("root@example.com").access_token
        users, metadata = self.client.users, bearer(self.token)
        ids = [self.find(users, metadata, email).user.id for email in emails]
        last = self.token_of_the_last_page(users, metadata)

        def page(token: str) -> Callable[[int], object]:
            request = user_pb2.ListUsersRequest(page_size=PAGE, page_token=token)
            return lambda _: users.ListUsers(request, timeout=SECONDS, metadata=metadata)

        return {
            "GetUser": lambda number: users.GetUser(
                user_pb2.GetUserRequest(id=ids[number % len(ids)]), timeout=SECONDS, metadata=metadata
            ),
            "LookupUser": lambda number: self.find(users, metadata, emails[number % len(emails)]),
            "first page": page(""),
            "last page": page(last),
        }

    @staticmethod
    def find(users: object, metadata: list, email: str) -> object:
        return users.LookupUser(user_pb2.LookupUserRequest(email=email), timeout=SECONDS, metadata=metadata)

    @staticmethod
    def token_of_the_last_page(users: object, metadata: list) -> str:
        """The token of the last page: page 10,000 of a million people."""
        token = ""
        for size in (1000, PAGE):
            while True:
                request = user_pb2.ListUsersRequest(page_size=size, page_token=token)
                answer = users.ListUsers(request, timeout=SECONDS, metadata=metadata)
                # The last page of this size is walked through again in smaller steps.
                if not answer.next_page_token:
                    break
                token = answer.next_page_token
        return token


def medians(small: dict[str, Callable], large: dict[str, Callable]) -> Iterator[tuple[str, float, float]]:
    """The median times in milliseconds among few and among many people, measured in turns."""
    for name, few, many in (
        ("GetUser", "GetUser", "GetUser"),
        ("LookupUser", "LookupUser", "LookupUser"),
        ("ListUsers, page 1", "first page", "first page"),
        ("ListUsers, last page and page 1", "first page", "last page"),
    ):
        times: tuple[list[float], list[float]] = ([], [])
        for number in range(CALLS):
            for call, taken in zip((small[few], large[many]), times, strict=True):
                began = time.perf_counter()
                call(number)
                taken.append((time.perf_counter() - began) * 1000)
        yield name, statistics.median(times[0]), statistics.median(times[1])


def measure(
    kind: str, databases: list[Sqlite | Postgres], files: tuple[Path, Path], options: argparse.Namespace
) -> bool:
    """Prints what was measured. Whether all bounds hold."""
    holds = True
    folders = files[0].parent / f"{kind} few", files[0].parent / f"{kind} many"
    with Installation(folders[0], databases[0]) as few, Installation(folders[1], databases[1]) as many:
        few.take_in(files[0], FEW)
        speed = many.take_in(files[1], options.rows)
        memory = many.server.memory("VmHWM") / 1024
        print(f"{kind}: {options.rows} rows imported, {speed:.0f} rows/s; service at most {memory:.0f} MiB", flush=True)
        holds &= memory <= MAX_MEMORY_MIB and (kind == "SQLite" or speed >= options.least_rows_per_second)
        emails = [row["user"]["email"] for row in islice(people.rows(FEW), 0, FEW, 97)]
        for name, small, large in medians(few.lookups(emails), many.lookups(emails)):
            ratio = large / small
            print(f"{kind}: {name:32} {small:6.2f} ms among {FEW}, {large:6.2f} ms here: {ratio:.2f} times", flush=True)
            holds &= ratio <= options.most_ratio
    return holds


def most_memory(process: subprocess.Popen) -> float:
    """Waits for a process to end: how many MiB it had at the most, as far as it was seen."""
    most = 0
    while process.poll() is None:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
        most = max(most, int(found[1]) if found else 0)
        time.sleep(0.05)
    return most / 1024


def measure_systems(folder: Path, rows: int) -> bool:
    """Prints what imports of other systems took. Whether all people came and the memory stayed within its bound."""
    holds = True
    for system in systems.SYSTEMS:
        file = folder / f"export.{system}"
        arguments = systems.write(system, file, map(systems.Person, range(rows)))
        with Installation(folder / system, Sqlite(folder / f"{system}.db")) as place:
            began = time.monotonic()
            process = people.start_users(place.server, place.token, "import", file, *arguments)
            client = most_memory(process)
            output, _ = process.communicate()
            seconds = time.monotonic() - began
            service = place.server.memory("VmHWM") / 1024
        size = file.stat().st_size / 2**20
        counts = next(line for line in output.splitlines() if line.startswith("accepted"))
        print(f"{system}: {size:.0f} MiB, {rows / seconds:.0f} rows/s; {counts}; ", end="")
        print(f"service at most {service:.0f} MiB, client at most {client:.0f} MiB", flush=True)
        holds &= f"accepted: {rows}, " in counts and max(service, client) <= MAX_MEMORY_MIB
        file.unlink()
    return holds


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--least-rows-per-second", type=float, default=20_000, help="on PostgreSQL")
    parser.add_argument("--most-ratio", type=float, default=1.3)
    parser.add_argument("--systems", action="store_true", help="import the people of other systems")
    options = parser.parse_args()
    if options.systems:
        with tempfile.TemporaryDirectory() as name:
            return 0 if measure_systems(Path(name), options.rows) else 1
    cluster = Cluster()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = folder / "few.ndjson", folder / "many.ndjson"
        people.write(files[0], people.rows(FEW))
        people.write(files[1], people.rows(options.rows))
        cluster.configure(DEFAULTS)
        holds = measure("PostgreSQL", [cluster.new_database(), cluster.new_database()], files, options)
        holds &= measure("SQLite", [Sqlite(folder / "few.db"), Sqlite(folder / "many.db")], files, options)
    cluster.close()
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())

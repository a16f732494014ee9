#!/usr/bin/env python3
"""Measures two servers on one PostgreSQL: the time until a token that one revoked is refused by the other, with and
without announcements, and whether a thousand watchers slow down those who end sessions.

usage: tests/measure/revocation.py [--times N], after `tests/run tools build`

Exits with 1 if a bound is broken. Servers, clients and database share the machine, on the loopback address.
"""

import argparse
import re
import statistics
import sys
import tempfile
import time
import uuid
from functools import partial
from pathlib import Path

import virtual_environment

virtual_environment.enter()

import jwt

from support import people
from support.client import Client, bearer
from support.contract import account_pb2
from support.database import Postgres
from support.postgres import Cluster
from support.revocations import Relay, Watchers, delays
from support.server import Server
from support.waiting import wait_until

MAX_MILLISECONDS = 1000
WATCHERS, AT_A_TIME = 1000, 8
# Nobody may end more than 600 sessions in an hour, so each round has people of its own.
PEOPLE, SESSIONS = 3, 500
# Watchers have work of their own to do on the machine that all share.
MIN_RATIO = 0.6
# The least that a watcher has to hear for each session: its id and the frame around it.
LEAST_BYTES = 40


def measure_delays(database: Postgres, folder: Path, times: int, relay: Relay | None) -> bool:
    """Prints the delays; whether they are within the bound."""
    far = re.sub(r"(?<=127\.0\.0\.1:)\d+", str(relay.port), database.url) if relay else database.url
    with Server(folder / "here", database_url=database.url) as first:
        key = (first.folder / "ipse-dev" / "master.key").read_text().strip()
        second = Server(folder / "there", database_url=far, master_key=key)
        with second, first.client() as here, second.client() as there:
            here.register("ada@example.com")
            found = delays(here, there, "ada@example.com", times)
    how = f"announcements lost: {relay.lost}" if relay else "with announcements"
    middle = statistics.median(found)
    print(f"{times} revocations, {how}: {min(found):.1f} ms, {middle:.1f} ms, {max(found):.1f} ms (min, median, max)")
    return max(found) < MAX_MILLISECONDS and (relay is None or relay.lost > 0)


def put_sessions(database: Postgres, user_id: str, count: int) -> list[str]:
    """Stores sessions, more than anybody could begin, and tells their ids."""
    ids = [str(uuid.UUID(int=uuid.uuid4().int & ~(0xF << 76) | 7 << 76)) for _ in range(count)]
    columns = "SELECT column_name FROM information_schema.columns WHERE table_name = 'sessions'"
    stored = database.query(f"{columns} AND is_generated = 'NEVER'")
    others = ", ".join(name for (name,) in stored if name not in ("id", "refresh_digest"))
    values = ", ".join(f"('{one}'::uuid)" for one in ids)
    database.query(
        f"INSERT INTO sessions (id, refresh_digest, {others}) SELECT new.id, sha256(uuid_send(new.id)), {others} "
        f"FROM (VALUES {values}) AS new (id), "
        f"(SELECT * FROM sessions WHERE user_id = '{user_id}' AND end_time IS NULL LIMIT 1) AS model"
    )
    return ids


def sessions_of_new_people(database: Postgres, client: Client) -> list[tuple[str, str]]:
    """The tokens of a few people, and the sessions that they may end."""
    found = []
    for _ in range(PEOPLE):
        email = f"{uuid.uuid4().hex}@example.com"
        client.register(email)
        token = client.log_in(email).access_token
        user_id = jwt.decode(token, options={"verify_signature": False})["sub"]
        found += [(token, one) for one in put_sessions(database, user_id, SESSIONS)]
    return found


def ends_per_second(client: Client, sessions: list[tuple[str, str]]) -> float:
    """How many sessions end in a second, a few at a time."""
    waiting = []
    began = time.perf_counter()
    for token, one in sessions:
        request = account_pb2.RevokeMySessionRequest(session_id=one)
        waiting.append(client.account.RevokeMySession.future(request, timeout=60, metadata=bearer(token)))
        if len(waiting) == AT_A_TIME:
            waiting.pop(0).result()
    for call in waiting:
        call.result()
    return len(sessions) / (time.perf_counter() - began)


def measure_watchers(database: Postgres, folder: Path) -> bool:
    """Prints how many sessions end in a second without and with watchers; whether the ratio is within the bound."""
    with Server(folder, database_url=database.url) as server, server.client() as client:
        root = people.administrator(server, client)
        rates = {0: [], WATCHERS: []}
        for _ in range(2):
            for count, found in rates.items():
                sessions = sessions_of_new_people(database, client)
                watchers = Watchers(server.port, root, count)
                time.sleep(3)
                before = watchers.bytes
                found.append(ends_per_second(client, sessions))
                due = before + count * len(sessions) * LEAST_BYTES
                wait_until(partial(watchers.have_heard, due), "every watcher hears of every session", 120)
                watchers.close()
    alone, watched = (max(found) for found in rates.values())
    print(f"sessions ended: {alone:.0f}/s alone, {watched:.0f}/s with {WATCHERS} watchers: ratio {watched / alone:.2f}")
    return watched / alone >= MIN_RATIO


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=200)
    times = parser.parse_args().times
    cluster = Cluster()
    try:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            for name in ("heard", "lost", "watched"):
                (place / name).mkdir()
            database = cluster.new_database()
            is_good = measure_delays(database, place / "heard", times, None)
            database = cluster.new_database()
            relay = Relay(int(re.search(r"127\.0\.0\.1:(\d+)", database.url)[1]))
            is_good &= measure_delays(database, place / "lost", times, relay)
            relay.close()
            is_good &= measure_watchers(cluster.new_database(), place / "watched")
    finally:
        cluster.close()
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())

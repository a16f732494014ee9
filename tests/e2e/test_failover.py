"""A primary that is lost under load, and the synchronous standby that takes its place: nothing acknowledged is gone."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from support.client import Client
from support.mail import VERIFY
from support.postgres import Cluster
from support.server import Server
from support.standby import Standby
from support.waiting import wait_until

WORKERS = 4
# Within which people are served again after the standby was told to take over, and mail goes out.
BACK, MAIL = 5, 10


@pytest.fixture
def pair() -> Iterator[tuple[Cluster, Standby]]:
    primary = Cluster()
    try:
        standby = Standby(primary)
        try:
            yield primary, standby
        finally:
            standby.close()
    finally:
        primary.close()


class Load:
    """People who sign up, sign in and refresh, each one after the other, and what they were told."""

    def __init__(self, server: Server) -> None:
        self.server, self.over = server, threading.Event()
        self.people: list[str] = []
        self.sessions: dict[str, str] = {}
        self.ended: list[str] = []
        self.threads = [threading.Thread(target=self._live, args=(number,)) for number in range(WORKERS)]

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def _live(self, worker: int) -> None:
        number = 0
        with self.server.client() as client:
            while not self.over.is_set():
                number += 1
                name = f"person{worker}-{number}@example.com"
                try:
                    self._one(client, name, number)
                except grpc.RpcError as error:
                    # What is answered so may have happened or not. Anything else would be an answer.
                    assert error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNKNOWN), error
                    time.sleep(0.05)

    def _one(self, client: Client, name: str, number: int) -> None:
        client.register(name)
        self.people.append(name)
        tokens = client.log_in(name)
        self.sessions[name] = tokens.refresh_token
        # From here on only the next token is sure to be good.
        del self.sessions[name]
        tokens = client.refresh(tokens.refresh_token)
        self.sessions[name] = tokens.refresh_token
        if number % 4 == 0:
            del self.sessions[name]
            client.log_out(tokens.refresh_token)
            self.ended.append(tokens.access_token)


def test_a_primary_is_lost_under_load(pair: tuple[Cluster, Standby], tmp_path: Path) -> None:
    primary, standby = pair
    location, name = primary.new_database().url.split("?")[0].rsplit("/", 1)
    url = f"{location},127.0.0.1:{standby.port}/{name}?sslmode=disable&target_session_attrs=read-write"
    with Server(tmp_path, database_url=url) as server, server.client() as client:
        with Load(server) as load:
            wait_until(lambda: len(load.sessions) >= 20 and load.ended, "there is something to lose", 30)
            primary.kill()
            wait_until(lambda: client.health() != "SERVING", "health says so", 5)
            standby.promote()
            began = time.monotonic()
            known = len(load.people)
            wait_until(lambda: len(load.people) > known + WORKERS, "people are served again", 30)
            assert time.monotonic() - began <= BACK
            wait_until(lambda: client.health() == "SERVING", "health says so", 3)
            time.sleep(1)
        for person, token in load.sessions.items():
            assert client.refresh(token).access_token, person
        for person in load.people:
            client.log_in(person)
        for token in load.ended:
            with pytest.raises(grpc.RpcError, match="the access token is not valid"):
                client.me(token)
        client.register("late@example.com")
        expected = {*load.people, "late@example.com"}
        wait_until(lambda: expected <= set(server.mail.tokens(VERIFY)), "each has their mail", MAIL)

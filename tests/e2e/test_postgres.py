"""PostgreSQL instead of the file: one setting, and a server that may go away."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from support.client import Client
from support.database import Postgres
from support.errors import Refusal
from support.postgres import Cluster
from support.http import ask
from support.races import attempt, together
from support.server import Server, run
from support.story import live_through
from support.waiting import wait_until


@pytest.fixture
def database(cluster: Cluster) -> Postgres:
    return cluster.new_database()


@pytest.fixture
def server(tmp_path: Path, database: Postgres) -> Iterator[Server]:
    with Server(tmp_path, database_url=database.url) as server:
        yield server


def test_one_setting_is_all_it_takes(server: Server, database: Postgres) -> None:
    live_through(server)
    assert database.query("SELECT state FROM users") == [("active",)]
    assert not list(server.folder.rglob("*.db"))


def test_migrating_is_a_step_of_its_own(database: Postgres, tmp_path: Path) -> None:
    server = Server(tmp_path, dev=False, database_url=database.url, log="error")
    refused = run("serve", cwd=tmp_path, settings=server.settings)
    assert refused.returncode != 0
    assert len(refused.stderr.splitlines()) == 1 and "ipse migrate" in refused.stderr, refused.stderr

    def migrate(*words: str) -> list[str]:
        done = run("migrate", *words, cwd=tmp_path, settings={"IPSE_DATABASE_URL": database.url})
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    pending = migrate("status")
    assert pending and all(line.startswith("pending ") for line in pending)
    applied = [line.replace("pending", "applied") for line in pending]
    assert migrate() == applied
    assert (migrate("status"), migrate()) == (applied, [])
    with server, server.client() as client:
        client.register("ada@example.com")
    assert database.query("SELECT email_canonical FROM users") == [("ada@example.com",)]


def test_two_migrations_at_once_make_one_schema(database: Postgres, tmp_path: Path) -> None:
    settings = {"IPSE_DATABASE_URL": database.url}
    done = together([partial(run, "migrate", cwd=tmp_path, settings=settings)] * 4)
    assert [one.returncode for one in done] == [0] * 4, [one.stderr for one in done]
    names = database.query("SELECT name FROM schema_migrations")
    status = run("migrate", "status", cwd=tmp_path, settings=settings).stdout.splitlines()
    assert status == [f"applied {name}" for (name,) in names]


def test_two_servers_share_everything_but_their_process(server: Server, database: Postgres, tmp_path: Path) -> None:
    key = (server.folder / "ipse-dev" / "master.key").read_text().strip()
    other = Server(tmp_path / "other", database_url=database.url, master_key=key)
    with other, server.client() as here, other.client() as there:
        here.register("ada@example.com")
        tokens = there.log_in("ada@example.com")
        assert here.me(tokens.access_token).user.email == "ada@example.com"
        fresh = here.refresh(tokens.refresh_token)
        there.log_out(fresh.refresh_token)

        def is_refused() -> bool:
            outcome = attempt(lambda: here.me(fresh.access_token))
            return isinstance(outcome, Refusal) and outcome.reason == "TOKEN_INVALID"

        wait_until(is_refused, "the other server refuses the token", 1)


def test_the_service_outlives_an_absence_of_the_database(server: Server, cluster: Cluster) -> None:
    with server.client() as client:
        client.register("ada@example.com")
        tokens = client.log_in("ada@example.com")
        cluster.stop()
        try:
            check_absence(client, tokens)
            check_side_port(server)
        finally:
            cluster.start()
        wait_until(lambda: client.health() == "SERVING", "the service is back")
        wait_until(lambda: not isinstance(attempt(lambda: client.log_in("ada@example.com")), Refusal), "sign-ins work")
        tokens = client.refresh(tokens.refresh_token)
        assert client.me(tokens.access_token).user.email == "ada@example.com"
        for _ in range(20):
            client.log_in("ada@example.com")
    assert server.process.poll() is None


def check_side_port(server: Server) -> None:
    """The process is not restarted, gets no more work, and others can still verify tokens."""
    places = ("/healthz", "/readyz", "/metrics", "/.well-known/jwks.json", "/.well-known/openid-configuration")
    assert [ask(server, place).status for place in places] == [200, 503, 200, 200, 200]


def check_absence(client: Client, tokens) -> None:
    """Everything that needs the database is refused, and the health service says so."""
    calls = [
        lambda: client.log_in("ada@example.com"),
        lambda: client.register("eve@example.com"),
        lambda: client.refresh(tokens.refresh_token),
        lambda: client.me(tokens.access_token),
    ]
    for call in calls:
        outcome = attempt(call)
        assert isinstance(outcome, Refusal)
        assert (outcome.code.name, outcome.reason) == ("UNAVAILABLE", "STORAGE_UNAVAILABLE"), outcome
        assert outcome.retry_seconds > 0
    wait_until(lambda: client.health() == "NOT_SERVING", "the service says that it does not serve")
    assert client.health("ipse.v1.AuthService") == "NOT_SERVING"

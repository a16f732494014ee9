"""Fixtures of the tests that run against the release binary."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.client import Client
from support.database import Postgres, Sqlite
from support.postgres import Cluster
from support.server import Server, binary

LOG_TAIL = 60


def pytest_configure() -> None:
    if not Path(binary()).is_file():
        pytest.exit(f"there is no {binary()}: cargo build --release", returncode=2)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    report = yield
    if report.failed:
        for server in Server.started:
            lines = server.log().splitlines()[-LOG_TAIL:]
            report.sections.append((f"log of {server.target}", "\n".join(lines)))
    return report


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server for all tests of the run."""
    cluster = Cluster()
    yield cluster
    cluster.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server in --dev for the tests of one file."""
    with Server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    """A client of that server."""
    with server.client() as client:
        yield client


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Sqlite | Postgres:
    """A new database, of each kind in turn."""
    if request.param == "sqlite":
        return Sqlite(tmp_path / "ipse.db")
    return request.getfixturevalue("cluster").new_database()

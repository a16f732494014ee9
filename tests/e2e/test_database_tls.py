"""TLS to a real PostgreSQL: who is trusted, and what somebody who says that there is no TLS gets to read."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.certificates import Authority
from support.database import Postgres
from support.postgres import Cluster
from support.server import Server, run

HOST = "db.example"
# What a client sends first to ask for TLS.
SSL_REQUEST = bytes.fromhex("0000000804d2162f")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def cluster(authority: Authority) -> Iterator[Cluster]:
    cluster = Cluster()
    try:
        secure(cluster, authority)
        yield cluster
    finally:
        cluster.close()


def secure(cluster: Cluster, authority: Authority) -> None:
    """Gives the server a certificate for its name. It takes a key of its own user alone."""
    data = Path(cluster.new_database().query("SHOW data_directory")[0][0])
    owner = data.stat()
    for source, name in zip(authority.issue(HOST, "postgres"), ("server.crt", "server.key"), strict=True):
        target = data / name
        target.write_bytes(source.read_bytes())
        os.chown(target, owner.st_uid, owner.st_gid)
        target.chmod(0o600)
    cluster.configure({"ssl": "on"})


def url(database: Postgres, host: str, mode: str) -> str:
    """The same database by a name, which is looked for on this machine."""
    location, _ = database.url.split("?")
    return f"{location.replace('127.0.0.1', host)}?hostaddr=127.0.0.1&sslmode={mode}"


def migrate(location: str, authority: Authority, folder: Path):
    settings = {"IPSE_DATABASE_URL": location, "IPSE_DATABASE_TLS_CA_FILE": str(authority.file)}
    return run("migrate", cwd=folder, settings=settings)


def password(database: Postgres) -> str:
    return database.url.split("@")[0].rsplit(":", 1)[1]


@pytest.mark.parametrize("mode", ["verify-full", "verify-ca", "require"])
def test_a_server_is_trusted_by_authority_and_name(
    cluster: Cluster, authority: Authority, tmp_path: Path, mode: str
) -> None:
    database = cluster.new_database()
    done = migrate(url(database, HOST, mode), authority, tmp_path)
    assert done.returncode == 0, done.stderr
    settings = {"database_url": url(database, HOST, mode), "database_tls_ca_file": str(authority.file)}
    with Server(tmp_path / "ipse", dev=False, **settings) as server, server.client() as client:
        client.register("ada@example.com")
        name = database.url.split("?")[0].rsplit("/", 1)[1]
        seen = "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'ipse'"
        assert database.query(f"{seen} AND datname = '{name}'") == [("t",)]


@pytest.mark.parametrize("mode", ["verify-full", "verify-ca", "require"])
def test_another_authority_or_another_name_is_refused(
    cluster: Cluster, authority: Authority, tmp_path: Path, mode: str
) -> None:
    database = cluster.new_database()
    stranger = Authority(tmp_path)
    for host, trusted in ((HOST, stranger), ("other.example", authority)):
        done = migrate(url(database, host, mode), trusted, tmp_path)
        assert done.returncode != 0 and "IPSE_DATABASE_URL" in done.stderr, done.stderr
        assert password(database) not in done.stderr + done.stdout
    assert database.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [("0",)]


@contextmanager
def without_tls() -> Iterator[tuple[int, list[bytes]]]:
    """Somebody on the way who says that the server has no TLS, and reads on."""
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def listen() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                heard.append(connection.recv(8))
                connection.sendall(b"N")
                try:
                    while more := connection.recv(4096):
                        heard.append(more)
                except OSError:
                    pass

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], heard
    finally:
        listener.close()
        thread.join(10)


@pytest.mark.parametrize("mode", ["verify-full", "verify-ca", "require"])
def test_whoever_says_that_there_is_no_tls_gets_no_password(authority: Authority, tmp_path: Path, mode: str) -> None:
    with without_tls() as (port, heard):
        location = f"postgres://ipse:canary@{HOST}:{port}/ipse?hostaddr=127.0.0.1&sslmode={mode}"
        done = migrate(location, authority, tmp_path)
    assert done.returncode != 0 and "canary" not in done.stderr
    assert set(heard) == {SSL_REQUEST}, heard

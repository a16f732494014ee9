"""Backups of a running server, and what goes on after they are restored."""

import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import pytest

from support.client import from_address
from support.database import Postgres, Sqlite
from support.life import Life
from support.postgres import Cluster
from support.server import Server, free_port, migrated, run
from support.waiting import wait_until
from test_crash import HALF_STATES


def production(folder: Path, mail_port: int, **settings: str) -> Server:
    url = f"smtp+plaintext://127.0.0.1:{mail_port}"
    return Server(folder, dev=False, smtp_url=url, unverified_sign_in="true", **settings)


def back_up(server: Server, target: Path | str) -> subprocess.CompletedProcess[str]:
    return run("backup", str(target), cwd=server.folder, settings=server.settings)


@contextmanager
def busy(server: Server) -> Iterator[list[str]]:
    """People who sign up and in, four at a time: the addresses whose sign-up was answered well."""
    answered, numbers, stop = [], count(), threading.Event()
    failed: list[Exception] = []

    def work() -> None:
        with server.client() as client:
            while not stop.is_set():
                number = next(numbers)
                email, place = f"user{number}@example.com", from_address(number)
                try:
                    client.register(email, metadata=place)
                    answered.append(email)
                    client.refresh(client.log_in(email, metadata=place).refresh_token)
                except Exception as error:
                    failed.append(error)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    try:
        yield answered
    finally:
        stop.set()
        for worker in workers:
            worker.join(60)
    assert failed == [], "nobody notices a backup"


def test_a_busy_server_is_backed_up_whole(tmp_path: Path) -> None:
    with migrated(production(tmp_path / "ipse", free_port(), trusted_proxies="127.0.0.1")) as server:
        with busy(server) as answered:
            for number in range(5):
                before, target = list(answered), tmp_path / f"backup{number}.db"
                done = back_up(server, target)
                assert done.returncode == 0, done.stderr
                size = target.stat().st_size
                assert f"{size} bytes" in done.stdout and "master key" in done.stdout
                assert (target.stat().st_mode & 0o777, target.stat().st_nlink) == (0o600, 1)
                check_whole(target, before)
                wait_until(lambda so_far=len(before): len(answered) > so_far, "people go on signing up", 60)
    assert {path.name for path in tmp_path.iterdir()} == {"ipse", *(f"backup{number}.db" for number in range(5))}


def check_whole(target: Path, before: list[str]) -> None:
    with closing(sqlite3.connect(f"file:{target}?mode=ro&immutable=1", uri=True)) as backup:
        assert backup.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert backup.execute("PRAGMA foreign_key_check").fetchall() == []
        stored = {email for (email,) in backup.execute("SELECT email_canonical FROM users")}
        assert set(before) <= stored, "what was answered before the backup began is in it"
        for half in HALF_STATES:
            assert backup.execute(f"SELECT count(*) FROM {half}").fetchone() == (0,), half


def test_all_goes_on_from_a_restored_sqlite_file(tmp_path: Path) -> None:
    mail_port = free_port()
    with migrated(production(tmp_path / "ipse", mail_port)) as server, server.client() as client:
        life = Life(server, client, mail_port)
        assert back_up(server, tmp_path / "backup.db").returncode == 0
        client.register("after@example.com")
    restored = production(tmp_path / "restored", mail_port)
    (tmp_path / "backup.db").rename(restored.folder / "ipse.db")
    with migrated(restored), restored.client() as client:
        life.goes_on(client, Sqlite(restored.folder / "ipse.db"))
        assert Sqlite(restored.folder / "ipse.db").query("SELECT 1 FROM users WHERE email_canonical LIKE 'after%'") == []


def test_all_goes_on_from_a_restored_postgresql_dump(cluster: Cluster, tmp_path: Path) -> None:
    database, empty, mail_port = cluster.new_database(), cluster.new_database(), free_port()
    programs, dump = Path(database.psql).parent, tmp_path / "dump"
    with migrated(production(tmp_path / "ipse", mail_port, database_url=database.url)) as server, server.client() as client:
        life = Life(server, client, mail_port)
        command = [programs / "pg_dump", "--format=custom", "--no-owner", "--no-acl", f"--file={dump}", database.url]
        subprocess.run(command, check=True)
        client.register("after@example.com")
    command = [programs / "pg_restore", "--exit-on-error", "--no-owner", "--no-acl", f"--dbname={empty.url}", dump]
    subprocess.run(command, check=True)
    with migrated(production(tmp_path / "restored", mail_port, database_url=empty.url)) as server, server.client() as client:
        life.goes_on(client, Postgres(empty.url, empty.psql))
        assert empty.query("SELECT 1 FROM users WHERE email_canonical LIKE 'after%'") == []


def test_nothing_that_exists_is_replaced(tmp_path: Path) -> None:
    server = migrated(production(tmp_path / "ipse", free_port()))
    database = server.folder / "ipse.db"
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    (tmp_path / "elsewhere").symlink_to(server.folder)
    before = database.read_bytes()
    for name, why in {
        "file": "exists already",
        "folder": "exists already",
        "link": "exists already",
        "ipse/ipse.db": "exists already",
        "elsewhere/ipse.db": "exists already",
        "/dev/null": "exists already",
        "ipse/ipse.db-wal": "belongs to the database",
        "ipse/ipse.db-shm": "belongs to the database",
        "ipse/../ipse/ipse.db-journal": "belongs to the database",
        "elsewhere/ipse.db-wal": "belongs to the database",
        "missing/backup.db": "cannot be written",
        "file/backup.db": "cannot be written",
    }.items():
        done = back_up(server, tmp_path / name)
        assert (done.returncode, why in done.stderr, done.stdout) == (1, True, ""), f"{name}: {done.stderr}"
    assert (tmp_path / "file").read_text() == "mine" and not (tmp_path / "nothing").exists()
    assert database.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"ipse", "file", "folder", "link", "elsewhere"}
    assert {path.name for path in server.folder.iterdir()} == {"ipse.db"}


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("sqlite:none.db", "there is no database"),
        ("sqlite:empty.db", "holds no database of this program"),
        ("sqlite:foreign.db", "holds no database of this program"),
        ("sqlite:text.db", "file is not a database"),
        ("postgres://ipse@127.0.0.1:9/ipse", "pg_dump"),
    ],
)
def test_what_is_no_database_of_ours_is_not_backed_up(tmp_path: Path, url: str, why: str) -> None:
    (tmp_path / "empty.db").touch()
    (tmp_path / "text.db").write_text("no database at all " * 100)
    with closing(sqlite3.connect(tmp_path / "foreign.db")) as foreign:
        foreign.execute("CREATE TABLE users (id integer)")
    names = {path.name for path in tmp_path.iterdir()}
    done = run("backup", "backup.db", cwd=tmp_path, settings={"IPSE_DATABASE_URL": url})
    assert (done.returncode, why in done.stderr) == (1, True), done.stderr
    assert {path.name for path in tmp_path.iterdir()} == names


def test_the_options_of_other_programs_do_not_become_a_file_name(tmp_path: Path) -> None:
    for path in ("x.db?mode=rwc", "//x.db", "///x.db", ":memory:", "file:x.db", "my%20x.db", "~/x.db"):
        for command in (["migrate"], ["migrate", "status"], ["backup", "backup.db"]):
            done = run(*command, cwd=tmp_path, settings={"IPSE_DATABASE_URL": f"sqlite:{path}"})
            assert (done.returncode, "IPSE_DATABASE_URL: must have a plain path" in done.stderr) == (2, True), done.stderr
    assert list(tmp_path.iterdir()) == []

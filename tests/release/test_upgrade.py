"""The upgrade from the version of the commit before, with data, on both kinds of databases."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import server as servers
from support.contract import ROOT
from support.database import Postgres, Sqlite
from support.life import Life
from support.server import Server, free_port, migrated, run


@pytest.fixture(scope="module")
def old_binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """IPSE_OLD_BIN, or what the commit before makes."""
    if given := os.environ.get("IPSE_OLD_BIN"):
        return Path(given)
    folder = tmp_path_factory.mktemp("before") / "sources"
    git = ["git", "-C", str(ROOT)]
    subprocess.run([*git, "worktree", "add", "--detach", str(folder), "HEAD~1"], check=True, capture_output=True)
    try:
        target = folder.parent / "target"
        command = ["cargo", "build", "--release", "--locked", "--bin", "ipse"]
        subprocess.run(command, cwd=folder, env=os.environ | {"CARGO_TARGET_DIR": str(target)}, check=True)
        return target / "release/ipse"
    finally:
        subprocess.run([*git, "worktree", "remove", "--force", str(folder)], check=True)


@pytest.fixture
def as_before(old_binary: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Servers and commands are of the version before, until it is undone."""
    monkeypatch.setattr(servers, "binary", lambda: str(old_binary))
    return monkeypatch


def test_all_goes_on_with_the_new_version(
    as_before: pytest.MonkeyPatch, database: Sqlite | Postgres, tmp_path: Path
) -> None:
    mail_port = free_port()
    server = Server(
        tmp_path / "ipse",
        dev=False,
        database_url=database.url,
        smtp_url=f"smtp+plaintext://127.0.0.1:{mail_port}",
        unverified_sign_in="true",
    )
    with migrated(server), server.client() as client:
        life = Life(server, client, mail_port)
        assert server.terminate() == 0
        as_before.undo()
        status = run("migrate", "status", cwd=server.folder, settings=server.settings)
        assert status.returncode == 0 and "applied 0001_initial" in status.stdout, status.stderr
        migrated(server).start()
        life.goes_on(client, database)

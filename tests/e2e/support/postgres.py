"""A throw-away PostgreSQL cluster, which the shell script of the integration tests makes, runs and erases."""

import os
import pwd
import shutil
import signal
import subprocess
from itertools import count
from pathlib import Path

from support.contract import ROOT
from support.database import Postgres
from support.server import free_port

MISSING = "PostgreSQL is needed: apt-get install postgresql"
_numbers = count(1)


def programs() -> Path:
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    for folder in [*debian, *([Path(on_path).resolve().parent] if on_path else [])]:
        if all((folder / name).exists() for name in ("initdb", "pg_ctl", "postgres", "psql")):
            return folder
    raise RuntimeError(MISSING)


def unprivileged() -> list[str]:
    """PostgreSQL refuses to run as root, so root hands over to another user."""
    if os.geteuid() != 0:
        return []
    names = {user.pw_name: user for user in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    return ["setpriv", "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"]


class Cluster:
    """A server that can be stopped and started again on the same port. It goes away with this process."""

    def __init__(self) -> None:
        folder, port = programs(), free_port()
        script = (ROOT / "tests/it/support/cluster.sh").read_text()
        self._keeper = subprocess.Popen(
            [*unprivileged(), "sh", "-c", script, "cluster.sh", str(folder), str(port)],
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        password = self._keeper.stdout.readline().strip()
        if not password:
            raise RuntimeError("initdb failed")
        self._psql = str(folder / "psql")
        self._location = f"postgres://ipse:{password}@127.0.0.1:{port}"
        self.start()

    def start(self) -> None:
        self._obey("start")

    def stop(self) -> None:
        self._obey("stop")

    def kill(self) -> None:
        """Kills the server as the loss of its machine would: nothing is written or sent any more."""
        pid = self._database("postgres").query("SELECT pg_read_file('postmaster.pid')")[0][0]
        os.kill(int(pid), signal.SIGKILL)

    def configure(self, settings: dict[str, str]) -> None:
        """Restarts with these settings."""
        for name, value in settings.items():
            self._database("postgres").query(f"ALTER SYSTEM SET {name} = '{value}'")
        self.stop()
        self.start()

    def close(self) -> None:
        self._keeper.stdin.close()
        self._keeper.wait(30)

    def new_database(self) -> Postgres:
        """A new, empty database."""
        name = f"test{next(_numbers)}"
        self._database("postgres").query(f"CREATE DATABASE {name}")
        return self._database(name)

    @property
    def location(self) -> str:
        """Where it is and who may do everything, without the database."""
        return self._location

    def query(self, sql: str) -> list[tuple[str, ...]]:
        """Runs one statement in the database that is always there."""
        return self._database("postgres").query(sql)

    def _database(self, name: str) -> Postgres:
        return Postgres(f"{self._location}/{name}?sslmode=disable", self._psql)

    def _obey(self, command: str) -> None:
        self._keeper.stdin.write(f"{command}\n")
        self._keeper.stdin.flush()
        if self._keeper.stdout.readline().strip() != "done":
            raise RuntimeError(f"PostgreSQL did not {command}")

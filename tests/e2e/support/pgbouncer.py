"""A pooler in front of the cluster."""

import re
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from support.database import Postgres
from support.postgres import Cluster, unprivileged
from support.server import free_port
from support.waiting import wait_until

MISSING = "PgBouncer is needed: apt-get install pgbouncer"


class PgBouncer:
    """Pools the connections to all databases of a cluster."""

    def __init__(self, cluster: Cluster, mode: str, **options: str) -> None:
        program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
        assert program, MISSING
        self.port = free_port()
        location = re.fullmatch(r"postgres://(\w+):(\w+)@([\d.]+):(\d+)", cluster.location)
        user, password, host, port = location.groups()
        options = {"pool_mode": mode, "auth_type": "any", "default_pool_size": "8", "max_client_conn": "200"} | options
        options |= {"listen_addr": "127.0.0.1", "listen_port": str(self.port), "unix_socket_dir": ""}
        lines = ["[databases]", f"* = host={host} port={port} user={user} password={password}", "[pgbouncer]"]
        self._folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
        self._folder.chmod(0o755)
        settings = self._folder / "pgbouncer.ini"
        settings.write_text("\n".join([*lines, *(f"{name} = {value}" for name, value in options.items())]))
        self.log_file = self._folder / "log"
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen([*unprivileged(), program, str(settings)], stdout=log, stderr=log, cwd="/")
        wait_until(self._listens, f"PgBouncer listens\n{self.log_file.read_text()}")

    def __enter__(self) -> "PgBouncer":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(10)
        shutil.rmtree(self._folder)

    def before(self, database: Postgres) -> Postgres:
        """The same database, by way of the pooler."""
        return Postgres(re.sub(r"(?<=127\.0\.0\.1:)\d+", str(self.port), database.url), database.psql)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

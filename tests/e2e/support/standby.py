"""A synchronous standby of a cluster, which can be promoted."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from support.postgres import Cluster, programs, unprivileged
from support.server import free_port
from support.waiting import wait_until


class Standby:
    """Has all that the cluster has acknowledged since this was made."""

    def __init__(self, primary: Cluster) -> None:
        primary.configure({"wal_level": "replica", "max_wal_senders": "5", "synchronous_commit": "on"})
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="ipse-standby.", dir="/tmp"))
        original = Path(primary.query("SHOW data_directory")[0][0])
        owner = original.stat()
        os.chown(self._folder, owner.st_uid, owner.st_gid)
        # The words and the order of the cluster's languages, which lie beside its data.
        languages = [str(folder) for folder in original.parent.glob("*.UTF-8")]
        self._run("cp", "-r", *languages, str(self._folder))
        self._data = self._folder / "data"
        self._do("pg_basebackup", "-D", str(self._data), "-R", "-X", "stream", "-c", "fast", "-d", primary.location)
        with (self._data / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"port = {self.port}\nunix_socket_directories = '{self._folder}'\n")
        self._do("pg_ctl", "-D", str(self._data), "-l", str(self._folder / "log"), "-w", "start")
        primary.query("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.query("SELECT pg_reload_conf()")
        wait_until(lambda: primary.query("SELECT sync_state FROM pg_stat_replication") == [("sync",)], "it follows")

    def promote(self) -> None:
        self._do("pg_ctl", "-D", str(self._data), "-w", "promote")

    def close(self) -> None:
        self._do("pg_ctl", "-D", str(self._data), "-m", "immediate", "stop")
        shutil.rmtree(self._folder)

    def _do(self, program: str, *arguments: str) -> None:
        self._run(str(programs() / program), *arguments)

    def _run(self, *command: str) -> None:
        environment = os.environ | {"LOCPATH": str(self._folder)}
        command = [*unprivileged(), *command]
        subprocess.run(command, cwd="/", env=environment, check=True, stdout=subprocess.DEVNULL, timeout=60)

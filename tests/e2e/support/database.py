"""Looking into the database behind the server's back."""

import re
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Sqlite:
    """A database file."""

    path: Path

    @property
    def url(self) -> str:
        return f"sqlite:{self.path}"

    def query(self, sql: str) -> list[tuple[str, ...]]:
        """Runs one statement and returns its rows as text."""
        with closing(sqlite3.connect(self.path, timeout=10)) as connection, connection:
            return [tuple(str(value) for value in row) for row in connection.execute(sql)]

    def make_all_mail_due(self) -> None:
        """Ends the lease that a killed server holds on mail, which is minutes long."""
        self.query("UPDATE jobs SET run_time = 0 WHERE lane LIKE 'mail.%'")


@dataclass
class Postgres:
    """A database on a PostgreSQL server."""

    url: str
    psql: str

    @property
    def port(self) -> int:
        """The port of the server."""
        return int(re.search(r"@127\.0\.0\.1:(\d+)/", self.url)[1])

    def query(self, sql: str) -> list[tuple[str, ...]]:
        """Runs one statement and returns its rows as text."""
        command = [self.psql, self.url, "-X", "-A", "-t", "-q", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", sql]
        output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout
        return [tuple(line.split("\t")) for line in output.splitlines()]

    def make_all_mail_due(self) -> None:
        """Ends the lease that a killed server holds on mail, which is minutes long."""
        self.query("UPDATE jobs SET run_time = 'epoch' WHERE lane LIKE 'mail.%'")


def count(database: Sqlite | Postgres, what: str) -> int:
    """How many rows there are in `what`: a table, with a condition if need be."""
    return int(database.query(f"SELECT count(*) FROM {what}")[0][0])

#!/usr/bin/env python3
"""Runs a command with a throw-away PostgreSQL and a PgBouncer before it: tests/with_pgbouncer.py MODE COMMAND…

Stores of the integration tests go through the pooler, and what prepares their databases does not."""

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "e2e"))

from support.pgbouncer import PgBouncer
from support.postgres import Cluster


def main(mode: str, *command: str) -> int:
    cluster = Cluster()
    try:
        with PgBouncer(cluster, mode, default_pool_size="20", max_client_conn="1000") as pooler:
            direct = f"{cluster.location}/postgres?sslmode=disable"
            pooled = direct.replace(cluster.location.rsplit(":", 1)[1] + "/", f"{pooler.port}/")
            urls = {"IPSE_TEST_POSTGRES_URL": direct, "IPSE_TEST_POOLER_URL": pooled}
            return subprocess.run(command, env=os.environ | urls, check=False).returncode
    finally:
        cluster.close()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

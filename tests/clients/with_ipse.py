#!/usr/bin/env python3
"""Starts the release binary with what a client needs, and runs a command that finds it in its environment.

usage: tests/clients/with_ipse.py COMMAND…
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from support.issuer import Issuer  # noqa: E402

SECONDS = 600
LOG_TAIL = 60


def main(command: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="ipse-") as folder, Issuer(Path(folder)) as issuer:
        code = subprocess.run(command, env=os.environ | issuer.environment, timeout=SECONDS).returncode
        if code != 0:
            print("log of the server:", *issuer.log().splitlines()[-LOG_TAIL:], sep="\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

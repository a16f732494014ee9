"""Commands that build packages and look into them."""

import os
import subprocess
from pathlib import Path

from support.contract import ROOT


def output(*command: object, cwd: Path = ROOT, umask: int = 0o022, **environment: str) -> str:
    """What a command prints, which must not fail; it finds the tools of the tests."""
    tools = {"PATH": f"{ROOT}/.tools/bin:{os.environ['PATH']}"}
    settings = {"cwd": cwd, "env": os.environ | tools | environment, "umask": umask}
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def extract(package: Path, folder: Path) -> Path:
    output("dpkg-deb", "--extract", package, folder)
    output("dpkg-deb", "--control", package, folder / "DEBIAN")
    return folder

"""Lets the measuring scripts find what they need, however they are started."""

import os
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".tools/venv"


def enter() -> None:
    """Continues in the virtual environment of the tests, where `support` can be imported."""
    if sys.prefix == sys.base_prefix:
        # The last file that tests/run puts there.
        if not (FOLDER / "requirements.txt").is_file():
            _end(f"there is no virtual environment in {FOLDER}: `tests/run tools build` makes it")
        python = str(FOLDER / "bin/python")
        os.execv(python, [python, *sys.argv])
    sys.path.insert(0, str(ROOT / "tests/e2e"))
    from support.server import binary

    if not Path(binary()).is_file():
        _end(f"there is no {binary()}: `tests/run tools build` makes it")


def _end(why: str) -> NoReturn:
    print(f"{sys.argv[0]}: {why}", file=sys.stderr)
    sys.exit(2)

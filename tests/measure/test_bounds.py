"""Every script here holds its bounds, in a form that takes minutes."""

import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
# A tenth of the people that the script takes by itself. The least speed is low, as a busy machine halves it, and an
# import that hashes what it takes in, or commits every row, is slower by more than ten times.
PEOPLE = ["--rows", "100000", "--least-rows-per-second", "3000", "--most-ratio", "1.6"]
FORMS = {
    "import": [PEOPLE, ["--systems", "--rows", "10000"]],
    "revocation": [["--times", "60"]],
}


def commands() -> list[list[str]]:
    scripts = [path for path in sorted(FOLDER.glob("*.py")) if path.stat().st_mode & 0o100]
    return [[path.name, *form] for path in scripts for form in FORMS.get(path.stem, [[]])]


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_the_bounds_hold(command: list[str]) -> None:
    script, *arguments = command
    print(f"\n{' '.join(command)}", flush=True)
    assert subprocess.run([FOLDER / script, *arguments], timeout=1800).returncode == 0

"""The bounds that the README names, as measured by the script that it names."""

import subprocess

from support.contract import ROOT


def test_the_bounds_hold() -> None:
    script = str(ROOT / "tests/measure/footprint.py")
    done = subprocess.run([script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)

"""Four verifiers of ceremonies, each a program that answers each line."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
# `tests/run passkeys` has built them all.
COMMANDS = {
    "ipse": [str(TARGET / "debug/examples/passkey_verdicts")],
    "fido2": [sys.executable, str(HERE / "with_fido2.py")],
    "simplewebauthn": ["node", str(HERE / "typescript/verify.js")],
    "go-webauthn": [str(ROOT / ".tools/bin/passkey-verdicts")],
}
SECONDS = 600


@dataclass(frozen=True)
class Verdict:
    """Whether a verifier accepts, and why not."""

    accepts: bool
    why: str


def judge(questions: list[dict]) -> list[dict[str, Verdict]]:
    """What each of the verifiers says to each of the questions."""
    asked = "".join(f"{json.dumps(question)}\n" for question in questions).encode()

    def ask(command: list[str]) -> list[Verdict]:
        done = subprocess.run(command, input=asked, capture_output=True, timeout=SECONDS)
        assert done.returncode == 0, f"{command}\n{done.stderr.decode()[-2000:]}"
        verdicts = [Verdict(**json.loads(line)) for line in done.stdout.splitlines()]
        assert len(verdicts) == len(questions), command
        return verdicts

    with ThreadPoolExecutor() as pool:
        columns = list(pool.map(ask, COMMANDS.values()))
    return [dict(zip(COMMANDS, row, strict=True)) for row in zip(*columns, strict=True)]

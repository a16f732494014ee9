"""The commands that documents show, and a shell that runs them as they are written."""

import os
import re
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from support.contract import ROOT
from support.server import binary, free_port

BLOCK = re.compile(r"^(?P<indent> *)```sh\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
NOT_RUN = re.compile(r"<!-- not run: (?P<reason>[^>]+) -->\s*$")


@dataclass
class Block:
    """Commands in one block of code."""

    document: str
    line: int
    text: str
    not_run: str | None

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def blocks(document: str) -> list[Block]:
    """All blocks of commands in a document."""
    text = (ROOT / document).read_text()
    found = []
    for match in BLOCK.finditer(text):
        before = text[: match.start()]
        excuse = NOT_RUN.search(before)
        commands = re.sub(f"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
        found.append(Block(document, before.count("\n") + 1, commands, excuse and excuse["reason"]))
    return found


def documents() -> list[str]:
    """The documents that show commands to readers."""
    files = [file for places in ("*.md", "docs/*.md", "examples/*.md", "examples/*/*.md") for file in ROOT.glob(places)]
    return sorted(str(file.relative_to(ROOT)) for file in files)


class Terminal:
    """A shell in a folder of its own. What a block sets, later blocks know.

    `ipse` and `cargo run --release --` are the binary under test, places of a production machine are below the folder,
    and the usual ports are free ones: nothing else differs from what a reader types.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ports = {usual: free_port() for usual in (50051, 50052, 8080)}
        self.target = self.place_of(50051)
        self.replaced = {f":{usual}": f":{port}" for usual, port in self._ports.items()}
        for place in ("/var/lib/ipse", "/var/backups", "/run/secrets", "/etc/ipse"):
            self.replaced[place] = f"{folder}{place}"
            (folder / place[1:]).mkdir(parents=True)
        self.environment = {
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PATH": f"{self._programs()}:{os.environ['PATH']}",
            "IPSE_HTTP_LISTEN": self.place_of(8080),
        }
        self._state = folder / ".state"
        self._state.touch()
        self._background: list[subprocess.Popen] = []

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def place_of(self, port: int) -> str:
        """Where that is found here which documents have on a usual port."""
        return f"127.0.0.1:{self._ports[port]}"

    def set(self, **variables: object) -> None:
        """Sets variables as a reader would."""
        with self._state.open("a") as state:
            state.writelines(f"export {name}={_quoted(str(value))}\n" for name, value in variables.items())

    def run(self, block: Block) -> str:
        """Runs a block to its end, each command of which must succeed, and returns what it printed on either output."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self._script(block)],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, f"{block} ended with {done.returncode}:\n{done.stdout}\n{self.log()}"
        return done.stdout

    def start(self, block: Block) -> None:
        """Runs a block that goes on until it is stopped."""
        with (self.folder / "log").open("ab") as log:
            script = f"exec bash -euo pipefail -c {_quoted(self._script(block))}"
            process = subprocess.Popen(
                ["bash", "-c", script],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._background.append(process)

    def stop(self) -> None:
        """Stops what runs in the background, as a service manager does."""
        for process in self._background:
            if process.poll() is None:
                os.killpg(process.pid, 15)
            process.wait(30)
        self._background.clear()

    def log(self) -> str:
        """What the processes in the background have written."""
        log = self.folder / "log"
        return log.read_text(errors="replace") if log.exists() else ""

    def _script(self, block: Block) -> str:
        text = block.text
        for written, real in self.replaced.items():
            text = text.replace(written, real)
        keep = f"trap '{{ export -p; declare -f; }} > {self._state}' EXIT"
        return f"shopt -s expand_aliases\nset +u; source {self._state}; set -u\n{keep}\nset -a\n{text}"

    def _programs(self) -> Path:
        folder = self.folder / "bin"
        folder.mkdir(parents=True)
        (folder / "ipse").symlink_to(binary())
        cargo = folder / "cargo"
        cargo.write_text('#!/bin/sh\n[ "$1 $2 $3" = "run --release --" ] || exit 1\nshift 3\nexec ipse "$@"\n')
        cargo.chmod(cargo.stat().st_mode | stat.S_IXUSR)
        return folder


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"

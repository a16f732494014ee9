"""The example in examples/passkeys, and somebody in front of its page."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from support.chromium import Page
from support.contract import ROOT
from support.server import free_port
from support.waiting import wait_until


class Example:
    """The server of the page in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.origin = f"http://localhost:{self.port}"
        self._log = folder / "passkeys.log"
        self._process: subprocess.Popen | None = None

    def start(self, target: str) -> None:
        listen = {"IPSE_TARGET": target, "PASSKEYS_ORIGIN": self.origin, "PASSKEYS_LISTEN": f"127.0.0.1:{self.port}"}
        generated = ":".join(path for path in sys.path if "ipse-client" in path)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "server.py"],
                cwd=ROOT / "examples/passkeys",
                env=os.environ | listen | {"PYTHONPATH": generated},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self._runs, "the example runs")

    def _runs(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def close(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait(10)


class Visitor:
    """Somebody who reads the page, types and clicks."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def type(self, form: str, **values: str) -> "Visitor":
        script = "for (const [name, value] of Object.entries(a[1])) document.getElementById(a[0]).elements[name].value = value"
        self.page.run(script, form, values)
        return self

    def click(self, selector: str) -> "Visitor":
        self.page.run("document.querySelector(a[0]).click()", selector)
        return self

    def sees(self, section: str) -> bool:
        """Whether this is the section that is shown."""
        return (
            self.page.run("return [...document.querySelectorAll('section')].filter(s => !s.hidden)[0]?.id") == section
        )

    def text(self, selector: str) -> str:
        return self.page.run("return document.querySelector(a[0]).textContent", selector)

    def items(self, selector: str) -> list[str]:
        return self.page.run("return [...document.querySelectorAll(a[0])].map(item => item.textContent)", selector)

    def await_section(self, section: str) -> "Visitor":
        wait_until(lambda: self.sees(section), f"{section} is shown, not: {self.text('#message')}")
        return self

    def await_message(self, message: str) -> "Visitor":
        wait_until(lambda: self.text("#message") == message, f"{message} is shown, not: {self.text('#message')}")
        return self

"""A real Chromium without a window, by its DevTools protocol over a pipe, with authenticators that are software."""

import fcntl
import itertools
import json
import os
import queue
import signal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

SECONDS = 30
# Beyond those that the shell below names itself.
FIRST_DESCRIPTOR = 10
OPTIONS = [
    "--headless",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
]
if os.geteuid() == 0:
    OPTIONS.append("--no-sandbox")  # as root there can be none


class ProtocolError(Exception):
    """What the browser refuses to do."""


class ScriptError(Exception):
    """What a script in a page has thrown."""


class Chromium:
    """A browser in a process group of its own, with a new profile in a folder."""

    def __init__(self, folder: Path) -> None:
        to_browser, self._to = _pipe()
        self._from, from_browser = _pipe()
        command = ["bash", "-c", f'exec chromium "$@" 3<&{to_browser} 4>&{from_browser}', "bash", *OPTIONS]
        with (folder / "chromium.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, f"--user-data-dir={folder}/profile", "about:blank"],
                pass_fds=(to_browser, from_browser),
                env=os.environ | {"HOME": str(folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        os.close(to_browser)
        os.close(from_browser)
        self._ids = itertools.count(1)
        self._answers: dict[int, queue.Queue] = {}
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> "Chromium":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        os.close(self._to)

    def call(self, method: str, session: str | None = None, **parameters: object) -> dict:
        """Has the browser do something, and returns its answer."""
        number = next(self._ids)
        answer = self._answers[number] = queue.Queue()
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        _write_all(self._to, json.dumps(message).encode() + b"\0")
        try:
            told = answer.get(timeout=SECONDS)
        except queue.Empty:
            raise ProtocolError(f"{method}: no answer") from None
        finally:
            del self._answers[number]
        if "error" in told:
            raise ProtocolError(f"{method}: {told['error']['message']}")
        return told["result"]

    def new_page(self, url: str) -> "Page":
        """A page that shares nothing with other pages but the network."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Page(self, session, context).open(url)

    def _read(self) -> None:
        rest = b""
        while part := os.read(self._from, 1 << 16):
            *messages, rest = (rest + part).split(b"\0")
            for message in map(json.loads, messages):
                if waiting := self._answers.get(message.get("id")):
                    waiting.put(message)
        os.close(self._from)


class Page:
    """A page with authenticators of its own, which are attached to it until it is closed."""

    def __init__(self, browser: Chromium, session: str, context: str) -> None:
        self._browser = browser
        self._session = session
        self._context = context
        self.url = ""
        self.call("Page.enable")
        self.call("WebAuthn.enable", enableUI=False)

    def __enter__(self) -> "Page":
        return self

    def __exit__(self, *_: object) -> None:
        self._browser.call("Target.disposeBrowserContext", browserContextId=self._context)

    def call(self, method: str, **parameters: object) -> dict:
        return self._browser.call(method, self._session, **parameters)

    def open(self, url: str) -> "Page":
        """Goes there, and waits until all of it is there."""
        told = self.call("Page.navigate", url=url)
        if "errorText" in told:
            raise ProtocolError(f"{url}: {told['errorText']}")
        self.url = url
        self.run(
            "await new Promise(done => document.readyState == 'complete' ? done() : addEventListener('load', done))"
        )
        return self

    def run(self, script: str, *arguments: object, **where: object) -> object:
        """Runs a script as if the person had just clicked, and returns what it returns. `a` has the arguments."""
        expression = f"(async (...a) => {{ {script} }})(...{json.dumps(arguments)})"
        how = {"awaitPromise": True, "returnByValue": True, "userGesture": True}
        told = self.call("Runtime.evaluate", expression=expression, **how, **where)
        if problem := told.get("exceptionDetails"):
            raise ScriptError(problem.get("exception", {}).get("description", problem["text"]))
        return told["result"].get("value")

    def in_frame(self, url: str, allow: str) -> "Frame":
        """A frame in this page that may do something which pages have to allow."""
        script = """
        const frame = Object.assign(document.createElement('iframe'), {src: a[0], allow: a[1]});
        await new Promise(done => { frame.onload = done; document.documentElement.append(frame); });
        """
        self.run(script, url, allow)
        [child] = self.call("Page.getFrameTree")["frameTree"]["childFrames"]
        world = self.call("Page.createIsolatedWorld", frameId=child["frame"]["id"])
        return Frame(self, world["executionContextId"])

    def add_authenticator(self, **options: object) -> "Authenticator":
        """Attaches a device: a phone or computer that keeps passkeys and verifies its person, but for these options."""
        usual = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
        }
        told = self.call("WebAuthn.addVirtualAuthenticator", options=usual | options)
        return Authenticator(self, told["authenticatorId"])


class Frame:
    """A frame, in which scripts run as in a page."""

    def __init__(self, page: Page, context: int) -> None:
        self._page = page
        self._context = context

    def run(self, script: str, *arguments: object) -> object:
        return self._page.run(script, *arguments, contextId=self._context)


class Authenticator:
    """A device that keeps passkeys."""

    def __init__(self, page: Page, identifier: str) -> None:
        self._page = page
        self._id = identifier

    def call(self, method: str, **parameters: object) -> dict:
        return self._page.call(f"WebAuthn.{method}", authenticatorId=self._id, **parameters)

    @property
    def passkeys(self) -> list[dict]:
        """What it keeps: each with `credentialId`, `privateKey`, `signCount`, …"""
        return self.call("getCredentials")["credentials"]

    def copy(self, passkey: dict) -> None:
        """Keeps a passkey that another device has made, private half and all."""
        self.call("addCredential", credential=passkey)

    def verify_person(self, does: bool) -> None:
        """Whether it recognizes whoever is there from now on."""
        self.call("setUserVerified", isUserVerified=does)

    def answer_at_once(self, does: bool) -> None:
        """Whether somebody is there who touches it as soon as it asks."""
        self.call("setAutomaticPresenceSimulation", enabled=does)

    def remove(self) -> None:
        self.call("removeVirtualAuthenticator")


def _pipe() -> tuple[int, int]:
    """A pipe whose ends have high numbers."""
    ends = []
    for end in os.pipe():
        ends.append(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR))
        os.close(end)
    return ends[0], ends[1]


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]

"""The release binary as a process."""

import base64
import hashlib
import os
import signal
import socket
import subprocess
from pathlib import Path

from support.client import Client
from support.contract import ROOT
from support.mail import MailFolder
from support.waiting import wait_until

MASTER_KEY = base64.b64encode(hashlib.sha256(b"the master key of the tests").digest()).decode()

# What a start without --dev takes. Nobody listens on the port of the mail server.
PRODUCTION = {
    "IPSE_MASTER_KEY": MASTER_KEY,
    "IPSE_ISSUER": "https://id.example",
    "IPSE_PLAINTEXT": "true",
    "IPSE_SMTP_URL": "smtp://127.0.0.1:9",
    "IPSE_MAIL_FROM": "Ipse <no-reply@id.example>",
    "IPSE_LINK_BASE": "https://app.example",
}


def binary() -> str:
    """The path of the binary under test: IPSE_BIN, or what `cargo build --release` makes."""
    return str(Path(os.environ.get("IPSE_BIN", ROOT / "target/release/ipse")).resolve())


def environment(settings: dict[str, str]) -> dict[str, str]:
    """The settings and nothing else of the outer environment that could be one."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ} | settings


def run(*arguments: str, cwd: Path, settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs a command of the binary to its end."""
    command = [binary(), *arguments]
    return subprocess.run(command, cwd=cwd, env=environment(settings), capture_output=True, text=True, timeout=30)


_next_port = 30_000 + os.getpid() % 2_000


def free_port() -> int:
    """A port below those that the kernel hands out, so that a stopped server finds its own again."""
    global _next_port
    while True:
        _next_port = 30_000 + (_next_port + 1 - 30_000) % 2_700
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", _next_port)) != 0:
                return _next_port


def clock(file: Path) -> dict[str, str]:
    """The environment of a process whose clock is as wrong as the file says."""
    libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    assert libraries, "no libfaketime: apt-get install faketime"
    return {
        "LD_PRELOAD": str(libraries[0]),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


class Server:
    """`ipse serve` in a process group of its own, with all it keeps in one folder."""

    started: list["Server"] = []

    def __init__(self, folder: Path, *, dev: bool = True, **settings: str) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.log_file = folder / "log"
        self.port = free_port()
        self.side_port = free_port()
        self.target = f"127.0.0.1:{self.port}"
        self.arguments = ["serve", "--dev"] if dev else ["serve"]
        self.settings = {} if dev else PRODUCTION | {"IPSE_DATABASE_URL": f"sqlite:{folder}/ipse.db"}
        self.settings |= {"IPSE_GRPC_LISTEN": self.target, "IPSE_HTTP_LISTEN": f"127.0.0.1:{self.side_port}"}
        self.settings |= {f"IPSE_{key.upper()}": value for key, value in settings.items()}
        self.mail = MailFolder(folder / "ipse-dev" / "mail")
        self.process: subprocess.Popen | None = None
        # What libfaketime is told, in a file that it reads again and again; without one, the clock is right.
        self.clock_file = folder / "clock"

    def set_clock(self, offset: str) -> None:
        """Sets the clock of the process off, as in "+400d" or "-2h"; if it was off at the start, also while it runs."""
        aside = self.folder / "clock.new"
        aside.write_text(f"{offset}\n")
        aside.replace(self.clock_file)

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self, wait: bool = True) -> "Server":
        """Starts the process and waits until it serves."""
        command = [binary(), *self.arguments]
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=environment(self.settings) | (clock(self.clock_file) if self.clock_file.exists() else {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Not a session: where the kernel schedules sessions as groups, the low priority of hashing would not
                # count against the clients of the tests, and these would wait for it.
                process_group=0,
            )
        if self not in Server.started:
            Server.started.append(self)
        if wait:
            self.wait_until_serving()
        return self

    def wait_until_serving(self, seconds: float = 20) -> None:
        wait_until(self.accepts, f"the server serves\n{self.log()}", seconds)
        if "IPSE_TLS_CERT_FILE" in self.settings:
            return
        with self.client() as client:
            wait_until(lambda: client.health() == "SERVING", "the server is SERVING", seconds)

    def accepts(self) -> bool:
        """Whether somebody listens on the port."""
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode}\n{self.log()}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def terminate(self, seconds: float = 20) -> int:
        """Asks the process to stop and returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """Ends the process at once."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        if self in Server.started:
            Server.started.remove(self)

    def client(self, **options: object) -> Client:
        return Client(self.target, **options)

    def log(self) -> str:
        """All that the process has written so far."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def memory(self, field: str = "VmRSS") -> int:
        """Resident memory in KiB; `VmHWM` is its peak."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(field))

    def threads_at_work(self) -> int:
        """How many threads are hashing at the moment."""
        stats = [path.read_text() for path in Path(f"/proc/{self.process.pid}/task").glob("*/stat")]
        return sum("(ipse-hash-" in stat and stat.rpartition(")")[2].split()[0] == "R" for stat in stats)


def migrated(server: Server) -> Server:
    """The server, with its database brought to the newest schema as before every start without --dev."""
    done = run("migrate", cwd=server.folder, settings=server.settings)
    assert done.returncode == 0, done.stderr
    return server

"""The systemd unit and what is installed beside it."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from support.certificates import Authority
from support.client import PASSWORD, Client
from support.contract import ROOT, auth_pb2
from support.server import binary, free_port, run
from support.waiting import wait_until

SYSTEMD = ROOT / "deploy/systemd"
# Of 10, and what docs/operations.md says.
EXPOSURE = 1.2
ADA = "ada@example.com"


def said(*command: object) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_unit_is_well_formed(tmp_path: Path) -> None:
    unit = tmp_path / "ipse.service"
    unit.write_text((SYSTEMD / "ipse.service").read_text().replace("/usr/bin/ipse", binary()))
    assert said("systemd-analyze", "verify", "--man=no", unit) == ""
    unit.write_text(unit.read_text() + "Restrat=always\n[Service]\nType=never\n")
    assert "Restrat" in subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True).stderr


def test_little_is_exposed() -> None:
    judged = said("systemd-analyze", "security", "--offline=true", "--no-pager", SYSTEMD / "ipse.service")
    [exposure] = re.findall(r"Overall exposure level for ipse\.service: ([\d.]+)", judged)
    assert float(exposure) <= EXPOSURE
    assert f"`systemd-analyze security` gives {EXPOSURE}" in (ROOT / "docs/operations.md").read_text()


def test_a_start_that_fails_is_tried_again() -> None:
    """A database that is not there yet ends it with the exit code of a wrong setting."""
    lines = (SYSTEMD / "ipse.service").read_text().splitlines()
    assert {"Restart=on-failure", "StartLimitIntervalSec=0"} <= set(lines)
    assert not [line for line in lines if line.startswith("RestartPreventExitStatus=")]


def calls_of(*sets: str) -> set[str]:
    """The system calls in these sets of systemd's."""
    calls, left = set(), list(sets)
    while left:
        listed = said("systemd-analyze", "syscall-filter", left.pop())
        for word in re.findall(r"^    (\S+)$", listed, re.MULTILINE):
            left.append(word) if word.startswith("@") else calls.add(word)
    return calls


def allowed_calls() -> set[str]:
    allowed: set[str] = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", (SYSTEMD / "ipse.service").read_text(), re.MULTILINE):
        words = line.removeprefix("~").split()
        named = {word for word in words if not word.startswith("@")} | calls_of(*(w for w in words if w[0] == "@"))
        allowed = allowed - named if line.startswith("~") else allowed | named
    return allowed


def test_the_service_makes_no_system_call_that_the_unit_refuses(tmp_path: Path) -> None:
    """From the start over a sign-up, which hashes and writes, to the end."""
    target, trace = f"127.0.0.1:{free_port()}", tmp_path / "trace"
    command = ["strace", "-f", "-qq", "-o", trace, "-e", "signal=none", binary(), "serve", "--dev"]
    settings = {"IPSE_GRPC_LISTEN": target, "IPSE_HTTP_LISTEN": "127.0.0.1:0", "IPSE_REQUEST_TIMEOUT": "60s"}
    with subprocess.Popen(command, cwd=tmp_path, env=settings, stderr=subprocess.DEVNULL) as process:
        try:
            with Client(target) as client:
                wait_until(lambda: client.health() == "SERVING", "the server serves", 60)
                client.auth.Register(auth_pb2.RegisterRequest(email=ADA, password=PASSWORD), timeout=60)
                client.auth.Login(auth_pb2.LoginRequest(identifier=ADA, password=PASSWORD), timeout=60)
        finally:
            # Told itself: strace passes nothing on.
            [server] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            os.kill(int(server), signal.SIGTERM)
    made = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(errors="replace"), re.MULTILINE))
    assert {"openat", "write", "setpriority"} <= made
    # strace's own, and SQLite's when root runs it, who makes files for the owner of the database.
    beside = {"execve"} | ({"fchown"} if os.geteuid() == 0 else set())
    assert made - allowed_calls() - beside == set()


def test_user_and_folders_are_made(tmp_path: Path) -> None:
    etc, conf = tmp_path / "etc/ipse", SYSTEMD / "ipse.toml"
    etc.mkdir(parents=True)
    (etc / "ipse.toml").write_text(conf.read_text())
    said("systemd-sysusers", f"--root={tmp_path}", SYSTEMD / "sysusers.d/ipse.conf")
    [user] = [line for line in (tmp_path / "etc/passwd").read_text().splitlines() if line.startswith("ipse:")]
    assert user.split(":")[5:] == ["/var/lib/ipse", "/usr/sbin/nologin"]
    said("systemd-tmpfiles", "--create", f"--root={tmp_path}", SYSTEMD / "tmpfiles.d/ipse.conf")
    uid, gid = map(int, user.split(":")[2:4])
    for path, owner, mode in [("etc/ipse", 0, 0o750), ("etc/ipse/ipse.toml", 0, 0o640), ("var/lib/ipse", uid, 0o700)]:
        found = (tmp_path / path).stat()
        assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (owner, gid, mode), path


@pytest.mark.parametrize("with_examples", [False, True])
def test_the_settings_that_are_installed(tmp_path: Path, with_examples: bool) -> None:
    """As they are they lack what nobody can guess; with what stands in comments they are complete."""
    text = (SYSTEMD / "ipse.toml").read_text().replace("/etc/ipse/", f"{tmp_path}/")
    (tmp_path / "master-key").write_text("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n")
    for made, name in zip(Authority(tmp_path).issue("id.example.com"), ("tls.crt", "tls.key"), strict=True):
        made.rename(tmp_path / name)
    (tmp_path / "ipse.toml").write_text(re.sub(r"^#(\w+ = )", r"\1", text, flags=re.MULTILINE) if with_examples else text)
    done = run("config", "check", "--config", str(tmp_path / "ipse.toml"), cwd=tmp_path, settings={})
    if with_examples:
        assert (done.returncode, done.stdout) == (0, "the settings are valid\n"), done.stderr
    else:
        assert (done.returncode, "is required" in done.stderr) == (2, True), done.stderr

"""The container file, without a container: what it copies, runs and starts."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support.contract import ROOT
from support.server import Server, binary, environment, migrated

FILE = ROOT / "deploy/container/Containerfile"
# What gcr.io/distroless/cc has beside the program.
LIBRARIES = {"linux-vdso.so.1", "libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
STRANGER = 65532


def instructions(name: str) -> list[str]:
    text = FILE.read_text().replace("\\\n", " ")
    return re.findall(rf"^{name} (.*)$", text, re.MULTILINE)


def context(folder: Path) -> Path:
    """What the builder is sent: the files under version control that .dockerignore lets through."""
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *kept],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in listed.stdout.splitlines():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    return folder


def test_the_linter_finds_nothing() -> None:
    linted = subprocess.run(["hadolint", "--format", "json", FILE], capture_output=True, text=True, env=with_tools())
    assert json.loads(linted.stdout) == []


def with_tools() -> dict[str, str]:
    return os.environ | {"PATH": f"{ROOT}/.tools/venv/bin:{os.environ['PATH']}"}


def test_the_builder_is_sent_all_that_a_build_takes_and_no_secret(tmp_path: Path) -> None:
    folder = context(tmp_path)
    command = ["cargo", "metadata", "--locked", "--offline", "--no-deps", "--format-version", "1"]
    read = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert read.returncode == 0, read.stderr
    sources = (ROOT / "build.rs").read_text() + "".join(path.read_text() for path in (ROOT / "src").rglob("*.rs"))
    for folder_name in re.findall(r'fs::read_dir\("([^"]+)"\)|rerun-if-changed=([\w/]+)', sources):
        assert (folder / next(filter(None, folder_name))).exists(), folder_name
    for name in re.findall(r'include_(?:str|bytes)!\("((?:\.\./)+[^"]+)"\)', sources):
        assert (folder / name.replace("../", "")).exists(), name
    assert (folder / "deploy/build").exists()
    assert not [path for path in folder.rglob("*") if path.suffix in (".db", ".eml", ".key", ".pem") or ".git" in path.parts]


def test_it_is_built_like_every_release() -> None:
    """By the same script, with the tool of the version that the tests of the release use."""
    assert "deploy/build" in instructions("RUN")
    tested = dict(re.findall(r"(cargo_\w+)_version=(\S+)", (ROOT / "tests/tools.sh").read_text()))
    assert f"cargo-cyclonedx@{tested['cargo_cyclonedx']}" in FILE.read_text().split()


def test_the_program_needs_no_library_that_the_image_lacks() -> None:
    listed = subprocess.run(["ldd", binary()], check=True, capture_output=True, text=True).stdout
    assert {Path(line.split()[0]).name for line in listed.splitlines()} <= LIBRARIES


def test_it_is_nobodys_and_starts_the_service() -> None:
    [user], [health], [entry] = instructions("USER"), instructions("HEALTHCHECK"), instructions("ENTRYPOINT")
    assert user == f"{STRANGER}:{STRANGER}"
    assert json.loads(entry) + json.loads(instructions("CMD")[-1]) == ["/usr/local/bin/ipse", "serve"]
    assert json.loads(health.partition(" CMD ")[2]) == ["/usr/local/bin/ipse", "healthcheck"]
    stages = [line.split()[0] for line in instructions("FROM")]
    assert not [image for image in stages if image.endswith(":latest") or ":" not in image]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_it_serves_as_a_stranger_who_may_write_nothing_but_its_data(tmp_path: Path) -> None:
    """And its health check tells so, by the addresses of the image."""
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, STRANGER, STRANGER)
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.stat().st_uid == 0 and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    server = Server(tmp_path / "read-only", dev=False, database_url=f"sqlite:{data}/ipse.db")
    server.settings |= dict(re.findall(r"(IPSE_\w+)=([\d.]+)", instructions("ENV")[0]))
    server.settings |= {key: f"{value}:{port}" for key, value, port in addresses(server)}
    migrated(server)
    for file in data.iterdir():
        os.chown(file, STRANGER, STRANGER)
    as_stranger = ["setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups", "--no-new-privs", "--bounding-set=-all"]
    check = [*as_stranger, binary(), "healthcheck"]
    assert subprocess.run(check, cwd="/", env=environment(server.settings), capture_output=True).returncode == 1
    command = [*as_stranger, binary(), "serve"]
    server.process = subprocess.Popen(command, cwd="/", env=environment(server.settings), start_new_session=True)
    try:
        server.wait_until_serving()
        done = subprocess.run(check, cwd="/", env=environment(server.settings), capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (0, "serving\n"), done.stderr
        with server.client() as client:
            client.register("ada@example.com")
        assert server.terminate() == 0
    finally:
        server.kill()
    assert {path.stat().st_uid for path in data.iterdir()} == {STRANGER}


def addresses(server: Server) -> list[tuple[str, str, int]]:
    return [("IPSE_GRPC_LISTEN", "0.0.0.0", server.port), ("IPSE_HTTP_LISTEN", "0.0.0.0", server.side_port)]

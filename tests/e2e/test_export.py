"""`ipse users export`: what is replaced, what is written to, and who may read it."""

import json
import os
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from support import people
from support.client import Client
from support.server import Server


@pytest.fixture(scope="module")
def token(server: Server, client: Client) -> str:
    return people.administrator(server, client)


def emails(text: str) -> list[str]:
    return [json.loads(line)["user"]["email"] for line in text.splitlines()]


ROOT = ["root@example.com"]
NDJSON = ("--format", "ndjson")


def test_a_regular_file_appears_as_a_whole_for_this_user_alone(server: Server, token: str, tmp_path: Path) -> None:
    file, neighbour = tmp_path / "people.ndjson", tmp_path / "people.ndjson.part"
    neighbour.write_text("somebody else's")
    for before in (None, "old\n"):
        if before:
            file.write_text(before)
            file.chmod(0o644)
            # Until the new contents are complete, and if they never are, the old ones stay.
            refused = people.users(server, "wrong", "export", file, check=False)
            assert refused.returncode == 1 and file.read_text() == before
        people.users(server, token, "export", file)
        assert emails(file.read_text()) == ROOT and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path)) == ["people.ndjson", "people.ndjson.part"]
    assert neighbour.read_text() == "somebody else's"


def test_standard_output_gets_the_rows_alone(server: Server, token: str) -> None:
    for name in ("-", "/dev/stdout", "/proc/self/fd/1"):
        done = people.users(server, token, "export", name, *NDJSON)
        assert emails(done.stdout) == ROOT and "1 rows in" in done.stderr, done
    table = people.users(server, token, "export", "-", "--format", "csv").stdout.splitlines()
    assert table[0].startswith("id,email,") and len(table) == 2
    assert not (server.folder / "-").exists()
    unnamed = people.users(server, token, "export", "-", check=False)
    assert unnamed.returncode == 1 and "--format" in unnamed.stderr


def test_standard_output_that_is_a_file_is_written_to(server: Server, token: str, tmp_path: Path) -> None:
    file = tmp_path / "all"
    file.write_text("first\n")
    for name in ("-", "/dev/stdout"):
        with file.open("a") as output:
            process = people.start_users(server, token, "export", name, *NDJSON, stdout=output)
            assert process.wait(60) == 0
    lines = file.read_text().splitlines()
    assert lines[0] == "first" and emails("\n".join(lines[1:])) == ROOT * 2
    assert os.listdir(tmp_path) == ["all"]


def test_pipes_and_links_stay_what_they_are(server: Server, token: str, tmp_path: Path) -> None:
    pipe, to_pipe, link, file = (tmp_path / name for name in ("pipe", "to_pipe", "link.ndjson", "file"))
    os.mkfifo(pipe)
    to_pipe.symlink_to("pipe")
    link.symlink_to("file")
    file.write_text("old")
    for name in (pipe, to_pipe):
        read: list[str] = []
        reader = threading.Thread(target=lambda read=read: read.append(pipe.read_text()))
        reader.start()
        people.users(server, token, "export", name, *NDJSON)
        reader.join(30)
        assert emails(read[0]) == ROOT
    people.users(server, token, "export", link)
    assert link.is_symlink() and emails(file.read_text()) == ROOT
    people.users(server, token, "export", "/dev/null", *NDJSON)
    assert stat.S_ISFIFO(pipe.stat().st_mode) and to_pipe.is_symlink()
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert sorted(os.listdir(tmp_path)) == ["file", "link.ndjson", "pipe", "to_pipe"]


def test_what_cannot_be_written_is_refused_with_what_to_do(server: Server, token: str, tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    for name, said in ((".", "name a file in it"), ("dangling", "name the file itself"), ("no/file", "there is no folder")):
        done = people.users(server, token, "export", tmp_path / name, *NDJSON, check=False)
        assert done.returncode == 1 and said in done.stderr, done
    assert os.listdir(tmp_path) == ["dangling"]


def test_a_reader_that_goes_is_an_error(server: Server, token: str, tmp_path: Path) -> None:
    file = people.write(tmp_path / "people.ndjson", people.rows(2_000))
    people.users(server, token, "import", file)
    process = people.start_users(server, token, "export", "-", *NDJSON)
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(60) == 1 and "Broken pipe" in process.stderr.read()
    # What is exported to a pipe comes back from one.
    out = people.start_users(server, token, "export", "-", *NDJSON, stdout=subprocess.PIPE)
    back = people.start_users(server, token, "import", "-", *NDJSON, "--no-resume", stdin=out.stdout)
    output, errors = back.communicate(timeout=120)
    assert "accepted: 2001, of which 2001 were stored before; refused: 0" in output, errors

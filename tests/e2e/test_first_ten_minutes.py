"""`ipse serve --dev` in an empty folder, and grpcurl: what the README promises."""

import json
import os
import re
import stat
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.client import SECONDS
from support.grpcurl import Grpcurl
from support.server import Server
from support.story import live_through


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path) as server:
        yield server


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_person_signs_up_and_in_and_out(server: Server) -> None:
    live_through(server)


def test_the_lines_that_the_start_prints_work_as_they_are(server: Server) -> None:
    lines = re.findall(r"^ *(grpcurl .*)$", server.log(), re.MULTILINE)
    assert [line.rpartition("/")[2] for line in lines] == ["Register", "Login", "GetMe"], server.log()
    outer, answers = dict(os.environ), []
    for line in lines:
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=30, env=outer)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        answers.append(json.loads(done.stdout))
        outer["ACCESS_TOKEN"] = answers[-1].get("tokens", {}).get("accessToken", "")
    assert answers[2]["user"]["email"] == "ada@example.com"


def test_the_start_says_where_the_public_keys_are(server: Server) -> None:
    [url] = re.findall(r"^ *curl (http://\S+)$", server.log(), re.MULTILINE)
    with urllib.request.urlopen(url, timeout=SECONDS) as answer:
        assert [key["alg"] for key in json.load(answer)["keys"]] == ["ES256"]


def test_reflection_shows_the_contract_and_the_health_service(server: Server) -> None:
    grpcurl = Grpcurl(server.target)
    services = {"ipse.v1.AuthService", "ipse.v1.AccountService", "ipse.v1.KeyService", "grpc.health.v1.Health"}
    assert services <= set(grpcurl.list())
    assert "ipse.v1.AuthService.Login" in grpcurl.list("ipse.v1.AuthService")


def test_what_is_kept_is_for_the_owner_alone(server: Server) -> None:
    live_through(server)
    folder = server.folder / "ipse-dev"
    assert (mode(folder), mode(folder / "mail")) == (0o700, 0o700)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {"master.key", "ipse.db"} <= {path.name for path in files}
    assert {path.name: mode(path) for path in files} == {path.name: 0o600 for path in files}


def test_a_second_start_finds_everything_again(server: Server) -> None:
    live_through(server)
    key = (server.folder / "ipse-dev" / "master.key").read_text()
    with server.client() as client:
        before = client.log_in("ada@example.com")
    assert server.terminate() == 0
    server.start()
    with server.client() as client:
        assert client.me(before.access_token).user.email == "ada@example.com"
        assert client.refresh(before.refresh_token).session_id == before.session_id
        client.log_in("ada@example.com")
    assert (server.folder / "ipse-dev" / "master.key").read_text() == key


def test_the_start_warns_that_it_is_not_for_production(server: Server) -> None:
    log = server.log()
    for words in ("not for production", "mail is not sent", "without TLS", "before they have proven"):
        assert words in log

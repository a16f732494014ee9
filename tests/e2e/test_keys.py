"""`ipse keys`: signing keys, the root secret and the master key, while a server runs."""

import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest

from support import contract
from support.client import SECONDS, Client
from support.database import Postgres, Sqlite
from support.server import MASTER_KEY, Server, migrated, run
from support.waiting import wait_until

NEW_KEY = base64.b64encode(hashlib.sha256(b"the next master key of the tests").digest()).decode()
KID = r"[\w-]{43}"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path) as server:
        yield server


def keys(server: Server, *arguments: str) -> list[str]:
    """What `ipse keys` prints beside the running server."""
    dev = ["--dev"] if "--dev" in server.arguments else []
    done = run("keys", *arguments, *dev, cwd=server.folder, settings=server.settings)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def table(server: Server) -> list[tuple[str, ...]]:
    """The rows of `ipse keys list`: kid, algorithm and state."""
    header, *rows = keys(server, "list")
    assert header.split("  ")[0] == "KID"
    return [tuple(row.split()[:3]) for row in rows]


def listed(client: Client) -> list[str]:
    answer = client.keys.ListSigningKeys(contract.key_pb2.ListSigningKeysRequest(), timeout=SECONDS)
    return [key.kid for key in answer.keys]


def test_a_running_server_publishes_a_key_that_the_command_line_made(server: Server) -> None:
    [(first, algorithm, state)] = table(server)
    assert (algorithm, state) == ("ES256", "active")
    [said] = keys(server, "rotate", "--algorithm", "RS256")
    [second] = re.findall(rf"^the key ({KID}) \(RS256\) is published and signs from 20\S+Z$", said)
    assert table(server) == [(second, "RS256", "published"), (first, "ES256", "active")]
    with server.client() as client:
        wait_until(lambda: listed(client) == [second, first], "the server publishes the key", 5)
        client.register("ada@example.com")
        token = client.log_in("ada@example.com").access_token
    assert jwt.get_unverified_header(token)["kid"] == first


def test_a_new_root_secret_signs_nobody_out(server: Server) -> None:
    with server.client() as client:
        client.register("ada@example.com")
        before = client.log_in("ada@example.com")
        [said] = keys(server, "rotate-root")
        assert re.fullmatch(r"the new root secret is in use from 20\S+Z; nobody has to sign in again", said)
        assert keys(server, "rotate-root") == [said], "one waits for its time already"
        after = client.refresh(before.refresh_token)
    server.terminate()
    with server.start().client() as client:
        client.refresh(after.refresh_token)


def test_an_unknown_algorithm_is_refused(server: Server) -> None:
    done = run("keys", "rotate", "--dev", "--algorithm", "HS256", cwd=server.folder, settings=server.settings)
    assert done.returncode == 2
    assert "must be ES256, EdDSA or RS256" in done.stderr


def test_keys_are_made_until_there_are_too_many(server: Server) -> None:
    for _ in range(31):
        keys(server, "rotate")
    assert len(table(server)) == 32
    done = run("keys", "rotate", "--dev", cwd=server.folder, settings=server.settings)
    assert (done.returncode, done.stdout) == (1, "")
    assert "there are too many already" in done.stderr
    assert len(table(server)) == 32


def test_the_master_key_is_changed_in_steps(database: Sqlite | Postgres, tmp_path: Path) -> None:
    def step(current: str, other: str = "") -> Server:
        return Server(
            tmp_path,
            dev=False,
            database_url=database.url,
            unverified_sign_in="true",
            master_key=current,
            other_master_keys=other,
        )

    migrated(step(MASTER_KEY))
    with step(MASTER_KEY, NEW_KEY) as server, server.client() as client:
        client.register("ada@example.com")
        tokens = client.log_in("ada@example.com")
        # Too early: nothing is sealed under another key than the present one.
        assert keys(server, "rewrap")[:2] == ["server_secrets: 0 sealed anew", "signing_keys: 0 sealed anew"]
    with step(NEW_KEY, MASTER_KEY) as server, server.client() as client:
        said = keys(server, "rewrap")
        assert said[:2] == ["server_secrets: 2 sealed anew", "signing_keys: 1 sealed anew"]
        assert said[-1].startswith("nothing is left under other master keys")
        client.me(tokens.access_token)
    with step(NEW_KEY) as server, server.client() as client:
        client.me(tokens.access_token)
        client.refresh(tokens.refresh_token)
        done = run("keys", "list", cwd=tmp_path, settings=server.settings | {"IPSE_MASTER_KEY": MASTER_KEY})
    assert done.returncode == 2
    assert "IPSE_MASTER_KEY: does not open the secrets of this database" in done.stderr
    assert "IPSE_OTHER_MASTER_KEYS" in done.stderr
    assert MASTER_KEY not in done.stdout + done.stderr

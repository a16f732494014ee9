"""People from another system, and the operator who brings them in."""

import json
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from argon2 import PasswordHasher

from support import factors
from support.client import PASSWORD, Client
from support.server import Server, binary, environment, run

# argon2id as other systems choose it, with less memory than new hashes have here.
ELSEWHERE = PasswordHasher(time_cost=3, memory_cost=4096, parallelism=1)
DISTINCT_HASHES = 24


def rows(count: int, seed: int = 1) -> Iterator[dict]:
    """Rows of people as an import takes them. Their addresses are in no order; their password is PASSWORD."""
    dice = random.Random(seed)
    hashes = [ELSEWHERE.hash(PASSWORD) for _ in range(DISTINCT_HASHES)]
    for number in range(count):
        name = f"{dice.getrandbits(48):012x}"
        user = {
            "email": f"{name}@example.com",
            "emailVerified": True,
            "displayName": f"Person {number}",
            "attributes": {"plan": "free", "number": number},
            "locale": "en",
            "createTime": f"20{number % 20 + 5:02}-0{number % 9 + 1}-01T12:00:{number % 60:02}Z",
        }
        if number % 2:
            user["username"] = f"u{name}"
        yield {"user": user, "passwordHash": hashes[number % DISTINCT_HASHES]}


def write(path: Path, people: Iterator[dict]) -> Path:
    """A file of these rows, one in each line."""
    with path.open("w") as file:
        for row in people:
            file.write(json.dumps(row) + "\n")
    return path


def administrator(server: Server, client: Client, email: str = "root@example.com") -> str:
    """Makes the first administrator and returns an access token."""
    invite_administrator(server, client, email)
    access_token = client.log_in(email).access_token
    if factors.claims(access_token)["acr"] != factors.AAL0:
        return access_token
    # Without --dev, administrators need a second factor (IPSE_MFA).
    return factors.sign_in(client, email, factors.enrol(client, access_token)).access_token


def invite_administrator(server: Server, client: Client, email: str) -> None:
    """Makes an administrator, who accepts the invitation."""
    dev = ["--dev"] if "--dev" in server.arguments else []
    done = run("admin", "create", *dev, "--email", email, cwd=server.folder, settings=server.settings)
    assert done.returncode == 0, done.stderr
    client.reset(re.search(r"^  ([\w-]{43})$", done.stdout, re.MULTILINE)[1], PASSWORD)


def users(
    server: Server, token: str, *arguments: object, check: bool = True, stdin: bytes | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs `ipse users` against a server, by its settings, perhaps with something on standard input."""
    done = start_users(server, token, *arguments, stdin=None if stdin is None else subprocess.PIPE)
    if stdin is not None:
        done.stdin.buffer.write(stdin)
    output, errors = done.communicate(timeout=1200)
    assert not check or done.returncode == 0, errors
    return subprocess.CompletedProcess(done.args, done.returncode, output, errors)


def start_users(
    server: Server, token: str, *arguments: object, stdin: object = None, stdout: object = None
) -> subprocess.Popen:
    """Starts `ipse users` against a server."""
    dev = ["--dev"] if "--dev" in server.arguments else []
    return subprocess.Popen(
        [binary(), "users", *map(str, arguments), *dev],
        cwd=server.folder,
        env=environment(server.settings | {"IPSE_TOKEN": token}),
        stdin=stdin or subprocess.DEVNULL,
        stdout=stdout or subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

"""`ipse factors`: what operators do for people who have lost their second factors, beside a running server."""

import re
from pathlib import Path

import pytest

from support import people
from support.client import PASSWORD
from support.server import Server, run

ADDRESS = "ada@example.com"
PERSON = "01890a5d-ac96-774b-bcce-b302099a8057"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
ID = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
TIME = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def factors(server: Server, *arguments: str) -> list[str]:
    """What `ipse factors` prints."""
    done = run("factors", *arguments, "--dev", cwd=server.folder, settings=server.settings)
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout + done.stderr
    return done.stdout.splitlines()


def test_an_operator_lists_and_removes_factors(tmp_path: Path) -> None:
    with Server(tmp_path / "ipse", factor_reset_delay="24h") as server, server.client() as client:
        token = people.administrator(server, client)
        person = {
            "user": {"id": PERSON, "email": ADDRESS, "emailVerified": True},
            "passwordHash": people.ELSEWHERE.hash(PASSWORD),
            "factors": [{"otpauthUri": f"otpauth://totp/x?secret={SECRET}", "displayName": "phone"}],
        }
        people.users(server, token, "import", people.write(tmp_path / "people.ndjson", iter([person])))
        header, *rows = factors(server, "list", "--email", ADDRESS)
        assert header.split() == ["ID", "KIND", "STATE", "CREATED", "LAST", "USED", "NAME"]
        assert len(rows) == 1 and re.fullmatch(rf"{ID}  totp +active +{TIME}  - +phone", rows[0]), rows
        assert factors(server, "list", "--id", PERSON) == [header, *rows]

        [said] = factors(server, "reset", "--email", ADDRESS, "--reason", "lost the phone")
        assert re.search(rf"are removed at {TIME}, unless the person stops it", said)
        assert factors(server, "list", "--id", PERSON) == [header, *rows]
        assert not client.log_in(ADDRESS).access_token, "a second factor is asked for"
        [said] = factors(server, "reset", "--id", PERSON, "--reason", "lost the phone", "--now")
        assert said.startswith("the second factors are removed")
        assert factors(server, "list", "--id", PERSON) == [header]
        assert client.log_in(ADDRESS).access_token
        done = run(
            *("factors", "reset", "--id", PERSON, "--reason", "again", "--dev"),
            cwd=server.folder,
            settings=server.settings,
        )
        assert (done.returncode, "the account has no second factor" in done.stderr) == (1, True), done


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["list", "--email", "nobody@example.com"], 1, "there is no such account"),
        (["reset", "--id", PERSON, "--reason", "lost"], 1, "there is no such account"),
        (["list"], 2, "--email"),
        (["list", "--email", ADDRESS, "--id", PERSON], 2, "cannot be used with"),
        (["list", "--id", "x"], 2, "must be a UUID in its canonical form"),
        (["reset", "--id", PERSON], 2, "--reason"),
        (["reset", "--id", PERSON, "--reason", ""], 2, "is required"),
    ],
)
def test_a_wrong_command_says_what_is_wrong(arguments: list[str], code: int, told: str, tmp_path: Path) -> None:
    done = run("factors", *arguments, "--dev", cwd=tmp_path, settings={})
    assert (done.returncode, told in done.stderr) == (code, True), done

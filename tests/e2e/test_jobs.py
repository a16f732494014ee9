"""`ipse jobs`: work that waits and what was given up, beside a running server."""

import re
from pathlib import Path

import pytest

from support.mail import VERIFY
from support.server import Server, migrated, run
from support.smtp import MailServer
from support.waiting import wait_until

ID = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
ADDRESS = "ada@example.com"


def jobs(server: Server, *arguments: str) -> list[str]:
    """What `ipse jobs` prints."""
    done = run("jobs", *arguments, cwd=server.folder, settings=server.settings)
    assert done.returncode == 0, done.stderr
    assert ADDRESS not in done.stdout + done.stderr
    return done.stdout.splitlines()


def dead(server: Server) -> list[str]:
    header, *rows = jobs(server, "list", "--dead")
    assert header.split()[:3] == ["ID", "KIND", "STATE"]
    return rows


def test_what_was_given_up_is_listed_and_tried_again(tmp_path: Path) -> None:
    with MailServer(None) as mail_server:
        mail_server.refuses_recipients = True
        server = migrated(Server(tmp_path / "ipse", dev=False, smtp_url=f"smtp+plaintext://127.0.0.1:{mail_server.port}"))
        with server, server.client() as client:
            client.register(ADDRESS)
            [row] = wait_until(lambda: dead(server), "the mail is given up")
            [id] = re.findall(rf"^({ID})  token_mail +dead +1  ", row)
            assert row.endswith("the mail server answered RCPT TO (the recipient) with 550 nobody of this name")
            everything = jobs(server, "list")
            assert [row.split()[1] for row in everything[1:]].count("token_mail") == 1
            assert {"purge", "rotate_keys"} <= {row.split()[1] for row in everything[1:]}

            mail_server.refuses_recipients = False
            assert jobs(server, "retry", id)[0].startswith("1 to be tried again")
            mail_server.wait_for(ADDRESS, VERIFY)
            wait_until(lambda: not dead(server), "nothing is left")
            assert jobs(server, "retry", "--all")[0].startswith("0 to be tried again")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["00000000-0000-7000-8000-000000000000"], 1, "no job that was given up has this id"),
        (["x"], 2, "must be a UUID in its canonical form"),
        ([], 2, "--all"),
        (["--all", "00000000-0000-7000-8000-000000000000"], 2, "cannot be used with"),
    ],
)
def test_a_wrong_retry_says_what_is_wrong(arguments: list[str], code: int, told: str, tmp_path: Path) -> None:
    done = run("jobs", "retry", *arguments, "--dev", cwd=tmp_path, settings={})
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr

"""`ipse users import` and `export`: nothing is lost on the way, whatever breaks."""

import base64
import json
import os
import signal
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support import factors, people
from support.certificates import Authority
from support.client import PASSWORD, Client
from support.contract import ROOT
from support.database import Postgres, Sqlite, count
from support.errors import Code, refused
from support.server import Server, migrated
from support.waiting import wait_until

BCRYPT = "$2b$04$ioTsaldKJflwuhh27ZmVPegB2rLQVtmxG1HtMERJ3IICHAGn2xnTq"
IMPORTED = "users WHERE email_canonical <> 'root@example.com'"


@contextmanager
def serving(folder: Path, database: Sqlite | Postgres) -> Iterator[tuple[Server, Client, str]]:
    """A server of production on a database, with a client and the access token of an administrator."""
    server = migrated(Server(folder, dev=False, database_url=database.url))
    with server, server.client() as client:
        yield server, client, people.administrator(server, client)


@pytest.fixture
def place(database: Sqlite | Postgres, tmp_path: Path) -> Iterator[tuple[Server, Client, str]]:
    with serving(tmp_path / "ipse", database) as place:
        yield place


def test_an_export_that_was_imported_is_exported_alike(
    place: tuple[Server, Client, str],
    database: Sqlite | Postgres,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    server, source, token = place
    file = people.write(tmp_path / "people.ndjson", people.rows(3_000))
    assert "accepted: 3000, of which 0 were stored before; refused: 0" in people.users(
        server, token, "import", file
    ).stdout
    email = json.loads(file.read_text().splitlines()[0])["user"]["email"]
    source.log_in(email)  # From here on, the hash is one of Ipse's own.
    is_sqlite = isinstance(database, Sqlite)
    other = Sqlite(tmp_path / "other.db") if is_sqlite else request.getfixturevalue("cluster").new_database()
    with serving(tmp_path / "other", other) as (target, client, target_token):
        for extension in ("ndjson", "csv"):
            exported = tmp_path / f"exported.{extension}"
            people.users(server, token, "export", exported, "--include-hashes")
            assert stat.S_IMODE(exported.stat().st_mode) == 0o600
            done = people.users(target, target_token, "import", exported, check=False)
            # The administrator of the target is somebody else with the same address.
            assert "refused: 1" in done.stdout and done.returncode == 1, done
            back = tmp_path / f"back.{extension}"
            people.users(target, target_token, "export", back, "--include-hashes")
            assert without_root(back) == without_root(exported) and len(without_root(back)) >= 3_000
        # Importing gives nobody rights, and the password goes along.
        me = client.me(client.log_in(email).access_token)
        assert (me.user.email, list(me.roles), list(me.permissions)) == (email, [], [])


def without_root(file: Path) -> list[bytes]:
    return [line for line in file.read_bytes().splitlines(keepends=True) if b"root@example.com" not in line]


@pytest.mark.parametrize("victim", ["client", "server"])
def test_a_killed_import_goes_on_where_it_stopped(
    place: tuple[Server, Client, str], database: Sqlite | Postgres, tmp_path: Path, victim: str
) -> None:
    server, client, token = place
    rows = 20_000
    file = people.write(tmp_path / "people.ndjson", people.rows(rows))
    note, report = tmp_path / "people.ndjson.resume", tmp_path / "report.ndjson"
    kills = 0
    while True:
        process = people.start_users(server, token, "import", file, "--report", report)
        before = far(note)
        wait_until(lambda: process.poll() is not None or far(note) > before + 2_000, "the import gets on", 60)
        if process.poll() is None and kills < 3:
            kills += 1
            if victim == "client":
                process.send_signal(signal.SIGKILL)
            else:
                server.kill()
                server.start()
        output, errors = process.communicate(timeout=120)
        if process.returncode == 0:
            break
        if victim == "server":
            assert "the same command continues from there" in errors, errors
        assert count(database, IMPORTED) >= far(note) > 0
    assert kills == 3 and f"accepted: {rows}, " in output and "refused: 0" in output, output
    assert "continuing after line" in errors and not note.exists() and report.read_text() == ""
    assert count(database, IMPORTED) == rows == count(database, "passwords") - 1


def far(note: Path) -> int:
    """How many rows were answered for."""
    return json.loads(note.read_text())["tally"]["accepted"] if note.exists() else 0


def test_refused_rows_are_reported(
    place: tuple[Server, Client, str], database: Sqlite | Postgres, tmp_path: Path
) -> None:
    server, _, token = place
    file, report = tmp_path / "people.csv", tmp_path / "report.ndjson"
    costly = "$argon2id$v=19$m=4294967295,t=3,p=1$c29tZXNhbHQ$" + "A" * 43
    file.write_text(
        "email,email_verified,username,password_hash\r\n"
        f"one@example.com,true,one,{BCRYPT}\r\n"
        "nobody,true,,\r\n"
        "two@example.com,perhaps,,\r\n"
        "ROOT@example.com,true,another,\r\n"
        "three@example.com,true,One,\r\n"
        f'four@example.com,true,,"{costly}"\r\n'
        "five@example.com\r\n"
        "six@example.com,,,\r\n"
    )
    expected = [
        (3, "FIELD_INVALID", "user.email"),
        (4, "FIELD_INVALID", "user.email_verified"),
        (5, "EMAIL_TAKEN", "user.email"),
        (6, "USERNAME_TAKEN", "user.username"),
        (7, "FIELD_INVALID", "password_hash"),
        (8, "FIELD_INVALID", ""),
    ]
    for options, stored in ((["--dry-run"], 0), ([], 2)):
        done = people.users(server, token, "import", file, "--report", report, *options, check=False)
        assert (done.returncode, count(database, IMPORTED)) == (1, stored), done
        assert "6 rows were refused" in done.stderr
        lines = [json.loads(line) for line in report.read_text().splitlines()]
        assert [(line["line"], line["reason"], line["field"]) for line in lines] == expected
        assert all(line["description"] for line in lines)
    # Without a report, the terminal is told.
    done = people.users(server, token, "import", file, check=False)
    assert "line 5: EMAIL_TAKEN user.email is taken" in done.stderr
    assert "accepted: 2, of which 2 were stored before; refused: 6" in done.stdout


def test_a_foreign_hash_is_good_for_one_sign_in(
    place: tuple[Server, Client, str], database: Sqlite | Postgres, tmp_path: Path
) -> None:
    server, client, token = place
    hashes = {"bcrypt": BCRYPT, "argon2": people.ELSEWHERE.hash(PASSWORD)}
    file = tmp_path / "people.ndjson"
    people.write(
        file,
        (
            {"user": {"email": f"{name}@example.com", "emailVerified": True}, "passwordHash": text}
            for name, text in hashes.items()
        ),
    )
    people.users(server, token, "import", file)
    for name, text in hashes.items():
        stored = f"passwords p JOIN users u ON u.id = p.user_id WHERE email_canonical = '{name}@example.com' AND hash"
        assert count(database, f"{stored} = '{text}'") == 1
        with refused(Code.UNAUTHENTICATED, "CREDENTIALS_INVALID"):
            client.log_in(f"{name}@example.com", "not the right password")
        client.log_in(f"{name}@example.com")
        assert count(database, f"{stored} LIKE '$argon2id$v=19$m=19456,t=2,p=1$%'") == 1
        client.log_in(f"{name}@example.com")


def test_second_factors_go_along(place: tuple[Server, Client, str], tmp_path: Path) -> None:
    server, client, token = place
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    passkey = {
        "credentialId": "AQI=",
        "publicKey": base64.b64encode(bytes.fromhex("a4010103272006215820") + bytes(32)).decode(),
        "userHandle": "Ag==",
        "rpId": "id.example",
    }
    rows = [
        {
            "user": {"email": f"{name}@example.com", "emailVerified": True},
            "passwordHash": BCRYPT,
            "factors": [{"otpauthUri": f"otpauth://totp/x?secret={secret}", "displayName": "phone"}, *others],
        }
        for name, others in (("one", []), ("two", [{"passkey": passkey}]), ("three", [{"passkey": passkey}]))
    ]
    file, report = people.write(tmp_path / "people.ndjson", iter(rows)), tmp_path / "report.ndjson"
    done = people.users(server, token, "import", file, "--report", report, check=False)
    assert "accepted: 2, of which 0 were stored before; refused: 1" in done.stdout, done
    [refused_row] = [json.loads(line) for line in report.read_text().splitlines()]
    told = [refused_row[name] for name in ("line", "reason", "field")]
    assert told == [3, "CREDENTIAL_EXISTS", "factors"]

    tokens = factors.sign_in(client, "one@example.com", factors.App(secret))
    assert client.me(tokens.access_token).user.mfa_enabled

    exported = {name: tmp_path / name for name in ("plain.ndjson", "full.ndjson", "full.csv")}
    for name, path in exported.items():
        options = ["--include-hashes"] if name.startswith("full") else []
        people.users(server, token, "export", path, *options)
    rows = [json.loads(line) for line in exported["full.ndjson"].read_text().splitlines()]
    kinds = {row["user"]["email"]: sorted(key for f in row.get("factors", []) for key in f) for row in rows}
    assert kinds["one@example.com"] == ["createTime", "displayName", "lastUsedTime", "otpauthUri"]
    [two] = [row for row in rows if row["user"]["email"] == "two@example.com"]
    assert [list(factor) for factor in two["factors"]].count(["passkey", "createTime"]) == 1
    assert secret in exported["full.ndjson"].read_text()
    assert not any(secret in exported[name].read_text() for name in ("plain.ndjson", "full.csv"))
    again = people.users(server, token, "import", exported["full.ndjson"])
    assert "accepted: 3, of which 3 were stored before; refused: 0" in again.stdout


def test_only_who_may_gets_anything(place: tuple[Server, Client, str], tmp_path: Path) -> None:
    server, _, token = place
    file = tmp_path / "people.ndjson"
    refusals = (
        (token[:-4] + "AAAA", "TOKEN_INVALID", "with a new access token"),
        ("", "an access token is needed", "--token-file"),
    )
    for wrong, said, advice in refusals:
        done = people.users(server, wrong, "export", file, check=False)
        assert done.returncode == 1 and said in done.stderr and advice in done.stderr, done
    assert not list(tmp_path.glob("people*"))
    secret = tmp_path / "token"
    secret.write_text(f"{token}\n")
    server_url = f"http://{server.target}"
    people.users(server, "wrong", "export", file, "--token-file", secret, "--server", server_url)
    assert len(file.read_text().splitlines()) == 1
    everything = " ".join((server.log(), file.read_text()))
    assert token not in everything and "passwordHash" not in everything


def test_certificates_are_checked(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("127.0.0.1")
    settings = {"plaintext": "false", "tls_cert_file": str(certificate), "tls_key_file": str(key)}
    server = migrated(Server(tmp_path / "ipse", dev=False, **settings))
    file, url = tmp_path / "people.csv", f"https://{server.target}"
    with server, server.client(authority=authority.pem) as client:
        token = people.administrator(server, client)
        people.users(server, token, "export", file)
        unknown = people.users(server, token, "export", file, "--server", url, check=False)
        assert unknown.returncode == 1 and "unknown issuer" in unknown.stderr
        # What the system trusts is the file that this variable names.
        server.settings["SSL_CERT_FILE"] = str(authority.file)
        people.users(server, token, "export", file, "--server", url)
        other = url.replace("127.0.0.1", "localhost")
        misnamed = people.users(server, token, "export", file, "--server", other, check=False)
        assert misnamed.returncode == 1 and "for another name" in misnamed.stderr


def test_the_speed_and_the_memory_hold() -> None:
    """A fiftieth of what the script measures by itself, and slower, as other tests may run beside."""
    script = str(ROOT / "tests/measure/import.py")
    command = [script, "--rows", "20000", "--least-rows-per-second", "3000", "--most-ratio", "2.5"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=os.environ)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr

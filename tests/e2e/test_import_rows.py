"""The rows that operators really have: what a row states and what it does not, and what is told of those that are refused."""

import base64
import json
from pathlib import Path

import pytest

from support import people
from support.client import SECONDS, Client, bearer
from support.contract import account_pb2, user_pb2
from support.errors import Code, refused
from support.server import Server, migrated

User = type(account_pb2.UpdateMeRequest().user)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
MOST = 9_007_199_254_740_991


@pytest.fixture(scope="module")
def token(server: Server, client: Client) -> str:
    return people.administrator(server, client)


def nested(levels: int) -> dict:
    """Attributes of so many levels."""
    return {"d": "x" if levels == 1 else nested(levels - 1)}


def row(email: str, **fields: object) -> dict:
    return {"user": {"email": f"{email}@example.org", **fields}}


def write(path: Path, rows: list[dict]) -> Path:
    return people.write(path, iter(rows))


def told(report: Path) -> list[tuple]:
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    return [(line["line"], line["key"].removesuffix("@example.org"), line["reason"], line["field"]) for line in lines]


def exported(server: Server, token: str, folder: Path, email: str) -> str:
    """The row of a person, as an export has it."""
    file = folder / "exported.ndjson"
    people.users(server, token, "export", file, "--filter", f'email = "{email}@example.org"')
    return file.read_text()


def test_rows_in_the_json_mapping_of_protobuf_are_taken(server: Server, token: str, tmp_path: Path) -> None:
    rows = [
        row("n1", username=None),
        row("n2", emailVerified=None),
        {**row("n3"), "passwordHash": None},
        row("n4", createTime=None),
        row("n5", emailVerified=True, state=2),
        row("n6", state=0, attributes=None),
        {**row("n7"), "factors": None, "suspendTime": None},
        row("n8", email_verified=True, state="USER_STATE_SUSPENDED"),
    ]
    done = people.users(server, token, "import", write(tmp_path / "rows.ndjson", rows))
    assert "accepted: 8, of which 0 were stored before; refused: 0" in done.stdout
    assert json.loads(exported(server, token, tmp_path, "n5"))["user"]["state"] == "USER_STATE_ACTIVE"


def test_numbers_are_kept_or_refused_but_never_rounded(server: Server, token: str, tmp_path: Path) -> None:
    taken = {"most": MOST, "least": -MOST, "small": 7, "part": 7.5, "none": 0, "text": str(MOST + 2)}
    file, report = tmp_path / "rows.ndjson", tmp_path / "report"
    beyond = [MOST + 1, MOST + 2, -MOST - 1, 491_700_000_000_000_001, 10**30, 1e300]
    rows = [row(f"beyond{place}", attributes={"list": [{"id": number}]}) for place, number in enumerate(beyond)]
    write(file, [*rows, row("within", attributes=taken)])
    for options in (["--dry-run"], []):
        done = people.users(server, token, "import", file, "--report", report, *options, check=False)
        assert "accepted: 1," in done.stdout and "FIELD_INVALID user.attributes" in done.stdout, done
        expected = [(place + 1, f"beyond{place}", "FIELD_INVALID", "user.attributes") for place in range(len(beyond))]
        assert told(report) == expected
        assert report.read_text().count("write them as texts") == len(beyond)
    line = exported(server, token, tmp_path, "within")
    assert json.loads(line)["user"]["attributes"] == taken
    assert '"small":7,' in line and f'"most":{MOST},' in line and '"part":7.5' in line
    table = tmp_path / "table.csv"
    people.users(server, token, "export", table, "--filter", 'email = "within@example.org"')
    assert '""small"":7,' in table.read_text()
    table.write_text(f'email,attributes\nbeyond@example.org,"{{""a"":{MOST + 2}}}"\n')
    done = people.users(server, token, "import", table, check=False)
    assert "line 2: FIELD_INVALID user.attributes must not hold numbers beyond" in done.stderr


@pytest.mark.parametrize("levels", [9, 31, 41, 200])
def test_a_row_that_is_too_deep_is_told_and_left_out(server: Server, token: str, tmp_path: Path, levels: int) -> None:
    file, report = tmp_path / "rows.ndjson", tmp_path / "report"
    deep = '{"user": {"email": "deep@example.org", "attributes": %s}}' % ('{"d": ' * levels + '"x"' + "}" * levels)
    around = [json.dumps(row(f"around{levels}-{number}", attributes=nested(8))) for number in range(3)]
    file.write_text("\n".join([around[0], deep, *around[1:]]))
    done = people.users(server, token, "import", file, "--report", report, check=False)
    assert "accepted: 3, of which 0 were stored before; refused: 1" in done.stdout, done
    [(line, key, reason, field)] = told(report)
    # JSON of more than 128 levels is not even looked into.
    assert (line, reason, field) == (2, "FIELD_INVALID", "user.attributes") and key == ("" if levels > 120 else "deep")
    assert "at most 8 levels" in report.read_text()
    table = tmp_path / "rows.csv"
    cell = json.dumps(json.loads(deep)["user"]["attributes"]).replace('"', '""')
    table.write_text(f'email,attributes\ndeep@example.org,"{cell}"\ntable{levels}@example.org,\n')
    done = people.users(server, token, "import", table, "--report", report, check=False)
    assert "accepted: 1, of which 0 were stored before; refused: 1" in done.stdout, done
    assert told(report) == [(2, "deep", "FIELD_INVALID", "user.attributes")]


def test_nobody_breaks_exports_by_what_they_keep(server: Server, client: Client, token: str, tmp_path: Path) -> None:
    """The limits hold wherever attributes come in."""
    client.register("digger@example.com")
    own = client.log_in("digger@example.com").access_token
    wide = {"list": list(range(256))}
    for attributes in (nested(9), nested(31), wide, {"id": MOST + 2}):
        user = User(email="someone@example.com")
        user.attributes.update(attributes)
        mask = {"paths": ["attributes"]}
        with refused(Code.INVALID_ARGUMENT, "FIELD_INVALID"):
            request = account_pb2.UpdateMeRequest(user=user, update_mask=mask)
            client.account.UpdateMe(request, timeout=SECONDS, metadata=bearer(own))
        with refused(Code.INVALID_ARGUMENT, "FIELD_INVALID"):
            request = user_pb2.CreateUserRequest(user=user)
            client.users.CreateUser(request, timeout=SECONDS, metadata=bearer(token))
        user.id = client.me(own).user.id
        with refused(Code.INVALID_ARGUMENT, "FIELD_INVALID"):
            request = user_pb2.UpdateUserRequest(user=user, update_mask=mask)
            client.users.UpdateUser(request, timeout=SECONDS, metadata=bearer(token))
    user = User()
    user.attributes.update(nested(8))
    request = account_pb2.UpdateMeRequest(user=user, update_mask={"paths": ["attributes"]})
    client.account.UpdateMe(request, timeout=SECONDS, metadata=bearer(own))
    file = tmp_path / "all.ndjson"
    people.users(server, token, "export", file)
    people.users(server, token, "import", file)


def test_a_dry_run_tells_what_an_import_would_refuse(server: Server, token: str, tmp_path: Path) -> None:
    """Also where a row stands in the way of another one that is far from it."""
    stored = write(tmp_path / "stored.ndjson", [row("stored", username="stored", displayName="Stored")])
    people.users(server, token, "import", stored)
    between = [row(f"between{number}") for number in range(1_200)]
    rows = [
        row("first", username="first", displayName="First"),
        row("stored", displayName="Other"),
        row("other", username="Stored"),
        *between,
        row("first", displayName="Second"),
        row("second", username="FIRST"),
        row("bad", locale="_"),
        row("first", username="first", displayName="First"),
        row("stored"),
    ]
    file, report = write(tmp_path / "rows.ndjson", rows), tmp_path / "report"
    expected = [
        (2, "stored", "EMAIL_TAKEN", "user.email"),
        (3, "other", "USERNAME_TAKEN", "user.username"),
        (1204, "first", "EMAIL_TAKEN", "user.email"),
        (1205, "second", "USERNAME_TAKEN", "user.username"),
        (1206, "bad", "FIELD_INVALID", "user.locale"),
    ]
    for options in (["--dry-run"], []):
        done = people.users(server, token, "import", file, "--report", report, *options, check=False)
        assert told(report) == expected, options
        summary = [line.split() for line in done.stdout.splitlines()[2:]]
        assert summary == [
            ["EMAIL_TAKEN", "user.email", "2"],
            ["FIELD_INVALID", "user.locale", "1"],
            ["USERNAME_TAKEN", "user.username", "2"],
        ]
        assert "accepted: 1203," in done.stdout and "refused: 5" in done.stdout


def test_what_a_row_does_not_state_is_not_empty(server: Server, token: str, tmp_path: Path) -> None:
    full = row(
        "full", emailVerified=True, username="full", displayName="Full", locale="de", attributes={"a": 1},
        state="USER_STATE_SUSPENDED", stateReason="why", passwordChangeRequired=True,
    )  # fmt: skip
    people.users(server, token, "import", write(tmp_path / "full.ndjson", [full]))
    file = tmp_path / "rows.ndjson"
    for less in ({}, {"username": "full"}, {"attributes": {"a": 1}}, {"state": 3}, {"emailVerified": True}):
        done = people.users(server, token, "import", write(file, [row("full", **less)]))
        assert "accepted: 1, of which 1 were stored before" in done.stdout, less
    for other in ({"username": "other"}, {"displayName": "Other"}, {"attributes": {}}, {"locale": "en"}):
        done = people.users(server, token, "import", write(file, [row("full", **other)]), check=False)
        assert "EMAIL_TAKEN" in done.stdout, other
    file = tmp_path / "rows.csv"
    file.write_text("email,email_verified,username,display_name\nfull@example.org,,,\n")
    assert "of which 1 were stored before" in people.users(server, token, "import", file).stdout


def test_an_own_export_is_stored_before(tmp_path: Path) -> None:
    """Of people in every state, with passkeys for a domain that the server once had."""
    server = migrated(Server(tmp_path / "ipse", dev=False, mfa="optional"))
    with server, server.client() as client:
        token = people.administrator(server, client)
        client.register("unproven@example.com")
        client.register("unproven@example.com", "another long password")
        key = {
            "credentialId": "AQI=",
            "publicKey": base64.b64encode(bytes.fromhex("a4010103272006215820") + bytes(32)).decode(),
            "userHandle": "Ag==",
            "rpId": "id.example",
        }
        rows = [
            *[next(people.rows(1, seed)) for seed in range(3)],
            row("suspended", emailVerified=True, state="USER_STATE_SUSPENDED", stateReason="why"),
            row("deleted", state="USER_STATE_DELETED"),
            row("pending", attributes={"n": 7, "deep": nested(7)}),
            {**row("sign-up", username="wanted"), "provisional": True},
            {**row("key", emailVerified=True), "factors": [{"passkey": key}]},
        ]
        people.users(server, token, "import", write(tmp_path / "rows.ndjson", rows))
        files = {name: tmp_path / f"{name}.{kind}" for name, kind in (("full", "ndjson"), ("plain", "ndjson"))}
        files |= {"full table": tmp_path / "full.csv", "plain table": tmp_path / "plain.csv"}
        for name, file in files.items():
            options = ["--include-hashes"] if name.startswith("full") else []
            people.users(server, token, "export", file, *options)
        count = len(files["full"].read_text().splitlines())
        # Passkeys of another domain than that of today are kept, though they sign nobody in.
        server.kill()
        server.settings["IPSE_ISSUER"] = "https://login.example.org"
        server.start()
        token = client.log_in("root@example.com").access_token
        for file in files.values():
            done = people.users(server, token, "import", file)
            assert f"accepted: {count}, of which {count} were stored before; refused: 0" in done.stdout, file
        # Who would be locked out by them alone is not taken in, and the refusal says what to do.
        alone = {**row("alone", emailVerified=True), "factors": [{"passkey": key | {"credentialId": "Aw=="}}]}
        app = {"otpauthUri": f"otpauth://totp/x?secret={SECRET}"}
        beside = {**row("beside"), "factors": [{"passkey": key | {"credentialId": "BA=="}}, app]}
        for options in (["--dry-run"], []):
            file = write(tmp_path / "keys.ndjson", [alone, beside])
            done = people.users(server, token, "import", file, *options, check=False)
            assert "accepted: 1," in done.stdout and "leave the factors out" in done.stderr, done

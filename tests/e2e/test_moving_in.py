"""`ipse users import --format …`: people of other systems sign in as they did there."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import factors, people, systems
from support.client import PASSWORD, SECONDS, Client, bearer
from support.contract import auth_pb2, user_pb2
from support.database import Postgres, Sqlite, count
from support.errors import Code, refused
from support.mail import RESET
from support.server import Server, migrated
from support.waiting import wait_until

SAMPLE = 20
IMPORTED = "users WHERE email_canonical <> 'root@example.com'"


@pytest.fixture
def place(database: Sqlite | Postgres, tmp_path: Path) -> Iterator[tuple[Server, Client, str]]:
    server = migrated(Server(tmp_path / "ipse", dev=False, database_url=database.url))
    with server, server.client() as client:
        yield server, client, people.administrator(server, client)


@pytest.mark.parametrize("system", systems.SYSTEMS)
def test_all_of_a_sample_sign_in(
    place: tuple[Server, Client, str], database: Sqlite | Postgres, tmp_path: Path, system: str
) -> None:
    server, client, token = place
    movers = [systems.Person(number) for number in range(SAMPLE)]
    file = tmp_path / f"export.{'csv' if system == 'cognito' else 'json'}"
    options = systems.write(system, file, iter(movers))
    dry = people.users(server, token, "import", file, *options, "--dry-run")
    assert count(database, IMPORTED) == 0, dry
    done = people.users(server, token, "import", file, *options)
    assert count(database, IMPORTED) == SAMPLE, done
    for mover in movers:
        stored = lookup(client, token, mover.email)
        assert stored.email_verified and state(stored) == "USER_STATE_ACTIVE"
        assert stored.display_name == ("" if system == "auth0" else f"Mo Ver {mover.number}")
        if system in ("keycloak", "supabase", "kratos"):
            assert stored.id == mover.id
        with refused(Code.UNAUTHENTICATED, "CREDENTIALS_INVALID"):
            client.log_in(mover.email, "not the right password")
        if system == "cognito":
            # Cognito gives no hashes out: people choose a password by a reset.
            with refused(Code.UNAUTHENTICATED, "CREDENTIALS_INVALID"):
                client.log_in(mover.email)
        else:
            # By the hash that came, and by the one that has taken its place.
            client.log_in(mover.email)
            client.log_in(mover.email)
    own = count(database, "passwords WHERE hash LIKE '$argon2id$v=19$m=19456,t=2,p=1$%'") - 1
    assert own == (0 if system == "cognito" else SAMPLE)
    left_out = {
        "keycloak": "  realmRoles: 20 rows",
        "firebase": "  customAttributes: 20 rows",
        "auth0": "  app_metadata: 10 rows",
        "supabase": "  raw_app_meta_data: 20 rows",
        "kratos": "  metadata_admin: 20 rows",
    }
    assert left_out.get(system, "") in done.stdout and left_out.get(system, "") in dry.stdout, done.stdout
    assert ("left out" in done.stdout) == (system in left_out), done.stdout
    again = people.users(server, token, "import", file, *options)
    assert count(database, IMPORTED) == SAMPLE, again


def test_people_of_cognito_sign_in_after_a_reset(tmp_path: Path) -> None:
    movers = [systems.Person(number) for number in range(SAMPLE)]
    with Server(tmp_path) as server, server.client() as client:
        options = systems.write("cognito", tmp_path / "users.csv", iter(movers))
        people.users(server, people.administrator(server, client), "import", tmp_path / "users.csv", *options)
        for mover in movers:
            client.request_reset(mover.email)
        wait_until(lambda: len(server.mail.tokens(RESET)) == SAMPLE, "everybody has the mail", 60)
        for email, token in server.mail.tokens(RESET).items():
            client.reset(token, PASSWORD)
            client.log_in(email)


def state(user: object) -> str:
    return user.DESCRIPTOR.fields_by_name["state"].enum_type.values_by_number[user.state].name


def lookup(client: Client, token: str, email: str):
    request = user_pb2.LookupUserRequest(email=email)
    return client.users.LookupUser(request, timeout=SECONDS, metadata=bearer(token)).user


def test_what_cannot_be_taken_is_told_by_element_key_and_field(
    place: tuple[Server, Client, str], database: Sqlite | Postgres, tmp_path: Path
) -> None:
    server, client, token = place
    users = [systems.keycloak_user(systems.Person(number)) for number in range(6)]
    users[1]["credentials"][0]["secretData"] = json.dumps({"value": "eA==", "salt": "eA=="})
    users[2]["credentials"].append(otp(digits=8))
    users[3]["credentials"].append(otp(digits=6))
    users[4]["username"] = "Mo Ver"
    users[5]["credentials"][0]["credentialData"] = json.dumps({"hashIterations": 1, "algorithm": "md5"})
    users[0]["enabled"] = False
    file, report = tmp_path / "realm.json", tmp_path / "report.ndjson"
    file.write_text(json.dumps({"realm": "shop", "users": users}))
    options = ["--format", "keycloak", "--report", report]
    expected = [
        ("mover000001@example.org", "password_hash"),
        ("mover000002@example.org", "credentials.credentialData.digits"),
        ("mover000004@example.org", "user.username"),
        ("mover000005@example.org", "credentials.credentialData.algorithm"),
    ]
    for dry_run, stored in ((["--dry-run"], 0), ([], 2)):
        done = people.users(server, token, "import", file, *options, *dry_run, check=False)
        assert (done.returncode, count(database, IMPORTED)) == (1, stored), done
        lines = [json.loads(line) for line in report.read_text().splitlines()]
        assert [(line["key"], line["field"]) for line in lines] == expected
        assert [line["row"] for line in lines] == [2, 3, 5, 6]
    with refused(Code.PERMISSION_DENIED, "ACCOUNT_DISABLED"):
        client.log_in(systems.Person(0).email)
    app = factors.App("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    factors.sign_in(client, systems.Person(3).email, app)

    # A second run brings those in who come without: nothing changes for the others.
    done = people.users(
        server, token, "import", file, *options, "--without-passwords", "--without-factors", check=False
    )
    assert count(database, IMPORTED) == 5, done
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    assert ("mover000004@example.org", "user.username") in [(line["key"], line["field"]) for line in lines]
    with refused(Code.UNAUTHENTICATED, "CREDENTIALS_INVALID"):
        client.log_in(systems.Person(1).email)
    request = auth_pb2.LoginRequest(identifier=systems.Person(3).email, password=PASSWORD)
    challenge = client.auth.Login(request, timeout=SECONDS).mfa_challenge
    assert challenge.challenge_token, "whoever had brought a second factor still has it"


def otp(digits: int) -> dict:
    data = {"subType": "totp", "digits": digits, "counter": 0, "period": 30, "algorithm": "HmacSHA1"}
    secret = {"value": "12345678901234567890"}
    return {"type": "otp", "userLabel": "phone", "secretData": json.dumps(secret), "credentialData": json.dumps(data)}


def test_the_cases_of_hashes_that_others_made(
    place: tuple[Server, Client, str], database: Sqlite | Postgres, tmp_path: Path
) -> None:
    server, client, token = place
    decomposed = "mo\u0301torhe\u0301ad-la\u0308ntern"
    rows = {
        "keycloak-64": "$pbkdf2-sha256$27500$AAECAwQFBgcICQoLDA0ODw$3MhZKwX8JMMJc2DjIXqfCHuvaTTzqYK30Vckl9flYMpDDK1y8"
        "9cN8Gk7Uf5HiNzYEEmSjMAoIIZQWBP.F5PV8g",
        "keycloak-sha1-64": "$pbkdf2$20000$AAECAwQFBgcICQoLDA0ODw$01W8i6xdmFh8tvpFKgNh8j4SEqfzx7NLB3VSGBq3dMeQW2i8"
        "z/56Bzb8d19bQP4SA54Ed/PlSJtFWS4GIfIdVQ",
        "nfd": "$2b$04$R/Xr8oHhjEVAtrQEkw/JG.Bg3f8ZA/BFuyqLJ7S6PWYjCnwoZ463O",
    }
    weak = {
        "ssha": "{SSHA}2BA6VUHZpCLqNwRLwKNdBDDnOqRQbDMv",
        "md5-crypt": "$1$3azHgidD$SrJPt7B.9rekpmwJwtON31",
        "crypt": "{CRYPT}rEK1ecacw.7.c",
    }
    file, report = tmp_path / "people.ndjson", tmp_path / "report.ndjson"
    people.write(
        file,
        (
            {"user": {"email": f"{name}@example.org", "emailVerified": True}, "passwordHash": text}
            for name, text in (rows | weak).items()
        ),
    )
    people.users(server, token, "import", file, "--report", report, check=False)
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    assert [(line["field"], "too weak" in line["description"]) for line in lines] == [("password_hash", True)] * 3
    client.log_in("nfd@example.org", decomposed)
    client.log_in("nfd@example.org", "mótorhéad-läntern")
    people.users(server, token, "import", file, "--without-passwords", check=False)
    assert count(database, IMPORTED) == len(rows) + len(weak)
    for name in weak:
        with refused(Code.UNAUTHENTICATED, "CREDENTIALS_INVALID"):
            client.log_in(f"{name}@example.org")


def test_a_file_that_is_not_what_it_should_be_is_refused_as_a_whole(
    place: tuple[Server, Client, str], database: Sqlite | Postgres, tmp_path: Path
) -> None:
    server, _, token = place
    for system, text, told in (
        ("keycloak", '{"realm": "shop", "clients": []}', "users"),
        ("firebase", '{"users": [{"localId": "x"}]}', "--hash-config"),
        ("supabase", '{"users": [{"localId": "x"', "nothing was imported"),
        ("cognito", "email,email_verified\na@b.de,TRUE\n", "cognito:username"),
    ):
        file = tmp_path / "export"
        file.write_text(text)
        done = people.users(server, token, "import", file, "--format", system, check=False)
        assert done.returncode == 1 and told in done.stderr and count(database, IMPORTED) == 0, done

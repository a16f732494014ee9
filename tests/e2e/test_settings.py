"""Starts that must fail: with one line that names the setting and never shows its value."""

import base64
from pathlib import Path

import pytest

from support.certificates import Authority
from support.database import Sqlite
from support.server import PRODUCTION, Server, migrated, run

CANARY = "canary0never1shown"
# The log goes to standard error too, and is not meant here.
QUIET = {"IPSE_LOG": "off"}
FROM_THE_FUTURE = "INSERT INTO schema_migrations SELECT '9999_from_the_future', x'00', 0"


def settings(folder: Path, **changes: str | None) -> dict[str, str]:
    """Valid settings but for these; None leaves one out."""
    valid = PRODUCTION | {"IPSE_DATABASE_URL": f"sqlite:{folder}/ipse.db"}
    valid |= {"IPSE_GRPC_LISTEN": "127.0.0.1:0", "IPSE_HTTP_LISTEN": "127.0.0.1:0"} | QUIET
    return {name: value for name, value in (valid | changes).items() if value is not None}


def complaint(folder: Path, changed: dict[str, str], *arguments: str) -> str:
    """What the start says, after checking how it says it."""
    done = run(*(arguments or ("serve",)), cwd=folder, settings=changed)
    assert done.returncode != 0, done.stdout
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert CANARY not in done.stdout + done.stderr
    return lines[0]


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_neighbours_in_kubernetes_stop_no_start(tmp_path: Path) -> None:
    neighbours = {}
    for service in ("IPSE", "IPSE_GRPC", "IPSE_POSTGRESQL", "IPSE_SMTP_URL"):
        address = "tcp://10.0.0.1:5432"
        neighbours |= {f"{service}_SERVICE_HOST": "10.0.0.1", f"{service}_SERVICE_PORT": "5432"}
        neighbours |= {f"{service}_SERVICE_PORT_TCP_MAIN": "5432", f"{service}_PORT": address}
        neighbours |= {f"{service}_PORT_5432_TCP": address, f"{service}_PORT_5432_TCP_PROTO": "tcp"}
        neighbours |= {f"{service}_PORT_5432_TCP_PORT": "5432", f"{service}_PORT_5432_TCP_ADDR": "10.0.0.1"}
    done = run("config", "check", cwd=tmp_path, settings=settings(tmp_path) | neighbours)
    assert done.returncode == 0, done.stderr
    line = complaint(tmp_path, settings(tmp_path) | neighbours | {"IPSE_SMTP_PORT": "587"})
    assert line.startswith("ipse: IPSE_SMTP_PORT: is not a setting"), line


WRONG = [
    ("IPSE_DATABASE_URL", None),
    ("IPSE_DATABASE_URL", CANARY),
    ("IPSE_DATABASE_URL", f"mysql://{CANARY}@localhost/x"),
    ("IPSE_DATABASE_URL", f"postgres://ipse:{CANARY}@127.0.0.1:1/x?sslmode={CANARY}"),
    ("IPSE_MASTER_KEY", None),
    ("IPSE_MASTER_KEY", CANARY),
    ("IPSE_MASTER_KEY", base64_of(CANARY.encode())),
    ("IPSE_MASTER_KEY", base64_of(b"A" * 32)),
    ("IPSE_OTHER_MASTER_KEYS", CANARY),
    ("IPSE_OTHER_MASTER_KEYS", base64_of(b"A" * 32)),
    ("IPSE_SIGNING_KEY_LIFETIME", "59m"),
    ("IPSE_ISSUER", None),
    ("IPSE_ISSUER", f"http://{CANARY}.example"),
    ("IPSE_PLAINTEXT", CANARY),
    ("IPSE_SMTP_URL", None),
    ("IPSE_SMTP_URL", f"http://user:{CANARY}@mail.example"),
    ("IPSE_SMTP_URL", f"smtp://user:{CANARY}\x01@mail.example"),
    ("IPSE_MAIL_FROM", None),
    ("IPSE_MAIL_FROM", CANARY),
    ("IPSE_LINK_BASE", f"http://{CANARY}.example"),
    ("IPSE_GRPC_LISTEN", CANARY),
    ("IPSE_HTTP_LISTEN", CANARY),
    ("IPSE_SIGNING_ALGORITHM", CANARY),
    ("IPSE_AUDIENCES", f"{CANARY},,"),
    ("IPSE_TRUSTED_PROXIES", CANARY),
    ("IPSE_ACCESS_TOKEN_LIFETIME", "61m"),
    ("IPSE_RESET_LIFETIME", "25h"),
    ("IPSE_INVITATION_LIFETIME", "59m"),
    ("IPSE_SIGN_IN_NOTICE", CANARY),
    ("IPSE_MAIL_TEMPLATES", f"/{CANARY}"),
    ("IPSE_PASSWORD_MIN_LENGTH", "7"),
    ("IPSE_REFRESH_GRACE", "61s"),
    ("IPSE_HASHING_MEMORY_KIB", "19455"),
    ("IPSE_LOG", CANARY),
    ("IPSE_LOG_FORMAT", CANARY),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_or_missing_value_is_named(name: str, value: str | None, tmp_path: Path) -> None:
    assert name in complaint(tmp_path, settings(tmp_path, **{name: value}))


def test_the_check_finds_what_a_start_would(tmp_path: Path) -> None:
    assert "IPSE_ISSUER" in complaint(tmp_path, settings(tmp_path, IPSE_ISSUER=CANARY), "config", "check")
    done = run("config", "check", cwd=tmp_path, settings=settings(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_mistake_in_a_mail_template_is_found_by_file_and_line(tmp_path: Path) -> None:
    folder = tmp_path / CANARY / "de"
    folder.mkdir(parents=True)
    changed = settings(tmp_path, IPSE_MAIL_TEMPLATES=str(folder.parent))
    for name, source, problem in (
        ("welcome.txt", "Hallo\n{{ nome }}\n", "de/welcome.txt, line 2: undefined value"),
        ("welcome.md", "Hallo\n", "de/welcome.md: is not the name of a template"),
    ):
        file = folder / name
        file.write_text(source)
        for command in (("serve",), ("config", "check")):
            assert complaint(tmp_path, changed, *command) == f"ipse: IPSE_MAIL_TEMPLATES: {problem}"
        file.unlink()


def test_an_unknown_name_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    line = complaint(tmp_path, settings(tmp_path, IPSE_MASTERKEY=CANARY))
    assert "IPSE_MASTERKEY" in line and "IPSE_MASTER_KEY" in line
    (tmp_path / "ipse.toml").write_text(f'isuer = "{CANARY}"\n')
    line = complaint(tmp_path, settings(tmp_path))
    assert "isuer" in line and "issuer" in line


def test_a_broken_file_is_refused_without_quoting_it(tmp_path: Path) -> None:
    (tmp_path / "ipse.toml").write_text(f'issuer = "https://id.example"\nmaster_key = "{CANARY}\n')
    assert "ipse.toml" in complaint(tmp_path, settings(tmp_path))


def test_secrets_come_from_files_too(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    by_file = settings(tmp_path, IPSE_MASTER_KEY=None, IPSE_MASTER_KEY_FILE=str(secret))
    line = complaint(tmp_path, by_file)
    assert "IPSE_MASTER_KEY_FILE" in line and str(secret) not in line
    secret.write_text(CANARY)
    assert "IPSE_MASTER_KEY" in complaint(tmp_path, by_file)
    secret.write_text(PRODUCTION["IPSE_MASTER_KEY"] + "\n")
    assert run("config", "check", cwd=tmp_path, settings=by_file).returncode == 0
    assert "IPSE_MASTER_KEY" in complaint(tmp_path, by_file | {"IPSE_MASTER_KEY": PRODUCTION["IPSE_MASTER_KEY"]})


def test_nothing_is_served_without_tls_unless_that_was_asked_for(tmp_path: Path) -> None:
    assert "IPSE_TLS_CERT_FILE" in complaint(tmp_path, settings(tmp_path, IPSE_PLAINTEXT=None))
    line = complaint(tmp_path, settings(tmp_path, IPSE_PLAINTEXT=None, IPSE_TLS_CERT_FILE=f"{tmp_path}/{CANARY}"))
    assert "IPSE_TLS_CERT_FILE" in line
    dev = {"IPSE_GRPC_LISTEN": "0.0.0.0:0"}
    assert "IPSE_GRPC_LISTEN" in complaint(tmp_path, dev, "serve", "--dev")


def test_certificate_and_key_must_go_together(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, _ = authority.issue("localhost", "one")
    _, key = authority.issue("localhost", "other")
    tls = {"IPSE_PLAINTEXT": None, "IPSE_TLS_CERT_FILE": str(certificate)}
    assert "IPSE_TLS_KEY_FILE" in complaint(tmp_path, settings(tmp_path, **tls))
    assert "IPSE_TLS_KEY_FILE" in complaint(tmp_path, settings(tmp_path, **tls, IPSE_TLS_KEY_FILE=str(key)))


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """A stopped server with a database that was in use."""
    with migrated(Server(tmp_path / "ipse", dev=False, log="off")) as server:
        assert server.terminate() == 0
    return server


def test_another_master_key_is_found_at_the_start(server: Server) -> None:
    other = base64_of(bytes(range(32)))
    line = complaint(server.folder, server.settings | {"IPSE_MASTER_KEY": other})
    assert "IPSE_MASTER_KEY" in line and other not in line
    with server:
        assert server.terminate() == 0


def test_a_newer_schema_is_left_alone(server: Server) -> None:
    Sqlite(server.folder / "ipse.db").query(FROM_THE_FUTURE)
    for command in ("serve", "migrate"):
        assert "newer" in complaint(server.folder, server.settings, command)


def test_a_taken_port_is_named(server: Server) -> None:
    with server:
        assert "IPSE_GRPC_LISTEN" in complaint(server.folder, server.settings)
        free = server.settings | {"IPSE_GRPC_LISTEN": "127.0.0.1:0"}
        line = complaint(server.folder, free)
        assert "IPSE_HTTP_LISTEN" in line and "in use" in line and "off" in line


def test_a_database_that_cannot_be_reached_is_named_without_its_password(tmp_path: Path) -> None:
    url = f"postgres://ipse:{CANARY}@127.0.0.1:1/ipse?sslmode=disable"
    for command in ("serve", "migrate"):
        assert "database" in complaint(tmp_path, settings(tmp_path, IPSE_DATABASE_URL=url), command).lower()

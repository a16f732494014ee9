"""Every command that the README and the documents show, run as it is written, one document after the other."""

import base64
import os
import re
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest

from support import contract, factors, mail, systems
from support.certificates import Authority
from support.client import PASSWORD, SECONDS, Client, bearer
from support.contract import ROOT
from support.database import Postgres, Sqlite, count
from support.documents import Block, Terminal, blocks, documents
from support.mail import VERIFY, MailFolder
from support.postgres import Cluster
from support.smtp import MailServer
from support.waiting import wait_until

ROOT_ADDRESS = "root@example.com"
# As the README has them.
ADA, ADAS_PASSWORD = "ada@example.com", "correct horse battery"
Step = Callable[[Block], None]


def follow(document: str, *steps: Step) -> None:
    """Takes one step for each block of commands in a document, except for those that say why they are not run."""
    found = [block for block in blocks(document) if block.not_run is None]
    assert len(found) == len(steps), f"{document} shows {len(found)} blocks of commands, and {len(steps)} are run here"
    for step, block in zip(steps, found, strict=True):
        step(block)


def await_service(terminal: Terminal, authority: bytes | None = None) -> None:
    """Waits until the server of this terminal serves."""
    host, _, port = terminal.target.partition(":")

    # A channel that finds nobody there waits longer and longer before it tries again.
    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((host, int(port))) == 0

    try:
        wait_until(listens, "the server listens", 60)
        with Client(terminal.target, authority) as client:
            wait_until(lambda: client.health() == "SERVING", "the server serves")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{terminal.log()}") from error


def accept(terminal: Terminal, printed: str) -> str:
    """Accepts the invitation that `ipse admin create` printed, and signs in."""
    [token] = re.findall(r"^  ([\w-]{43})$", printed, re.MULTILINE)
    with Client(terminal.target) as client:
        client.reset(token, PASSWORD)
        return client.log_in(ROOT_ADDRESS).access_token


class Trial:
    """A server in --dev, as those who try it out have it."""

    def __init__(self, folder: Path) -> None:
        self.terminal = Terminal(folder)
        self.terminal.set(IPSE_GRPC_LISTEN=self.terminal.target)

    def client(self) -> Client:
        return Client(self.terminal.target)

    def serve(self, block: Block) -> None:
        self.terminal.start(block)
        await_service(self.terminal)

    def run(self, block: Block) -> None:
        self.terminal.run(block)

    def await_mail(self, block: Block) -> None:
        MailFolder(self.terminal.folder / "ipse-dev" / "mail").token(ADA)
        self.terminal.run(block)

    def appoint(self, block: Block) -> None:
        self.terminal.set(ACCESS_TOKEN=accept(self.terminal, self.terminal.run(block)))

    def administer(self, block: Block) -> None:
        printed = self.terminal.run(block)
        assert "grace@example.com" in printed and "administrator" in printed and "authn_login" in printed


def answers(greet: grpc.UnaryUnaryMultiCallable, token: str) -> bool:
    """Whether the example greets whoever has this token: it does not before it knows what is revoked."""
    try:
        return bool(greet(contract.orders_pb2.GreetRequest(), metadata=bearer(token), timeout=SECONDS).greeting)
    except grpc.RpcError:
        return False


def test_the_readme(tmp_path: Path) -> None:
    trial = Trial(tmp_path)
    with trial.terminal:
        follow("README.md", trial.serve, trial.run, trial.await_mail, trial.appoint, trial.administer)


def test_services(tmp_path: Path) -> None:
    trial = Trial(tmp_path)
    with trial.terminal:
        serve, _, _, appoint, _ = blocks("README.md")
        trial.serve(serve)
        trial.appoint(appoint)

        def introspect(block: Block) -> None:
            assert '"active": true' in trial.terminal.run(block)

        follow("docs/services.md", introspect)


def test_second_factors(tmp_path: Path) -> None:
    trial = Trial(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    serve, sign_up, *_ = blocks("README.md")

    def enrol(block: Block) -> None:
        assert "FACTOR_KIND_TOTP" in trial.terminal.run(block)

    def prove(block: Block) -> str:
        printed = trial.terminal.run(block)
        [token] = re.findall(r'"accessToken": "(.*)"', printed)
        assert factors.claims(token)["acr"] == factors.AAL2
        return printed

    def step_up(block: Block) -> None:
        assert '"remaining": 9' in prove(block)

    with trial.terminal:
        trial.serve(serve)
        trial.run(sign_up)
        follow("docs/second-factors.md", enrol, prove, step_up)


def test_the_examples(tmp_path: Path) -> None:
    """With the service in Python, whose packages the tests have; `tests/clients` has those of the other languages."""
    trial = Trial(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    _, sign_up, _, appoint, _ = blocks("README.md")
    [make_account] = blocks("docs/services.md")
    orders = Block("examples/python/README.md", 0, f"exec {sys.executable} examples/python/main.py", None)

    def serve(block: Block) -> None:
        trial.serve(block)
        for other in (sign_up, appoint, make_account):
            (trial.appoint if other is appoint else trial.run)(other)

    def configure(block: Block) -> None:
        trial.run(block)
        trial.terminal.set(PYTHONPATH=":".join(path for path in sys.path if "ipse-client" in path))
        trial.terminal.start(orders)
        with trial.client() as client, grpc.insecure_channel(trial.terminal.place_of(50052)) as channel:
            request = contract.auth_pb2.LoginRequest(identifier=ADA, password=ADAS_PASSWORD, audience="orders")
            token = client.auth.Login(request, timeout=SECONDS).tokens.access_token
            greet = contract.orders_grpc.OrdersServiceStub(channel).Greet
            wait_until(lambda: answers(greet, token), f"the example lets a caller in\n{trial.terminal.log()}")

    def greet(block: Block) -> None:
        printed = trial.terminal.run(block)
        expected = {"Code: Unauthenticated": 3, "Hello, ": 1, "takes a fresh sign-in with a second factor": 1}
        assert {text: printed.count(text) for text in expected} == expected, printed

    with trial.terminal:
        follow("examples/README.md", serve, configure, greet)


class Production:
    """The production of docs/operations.md: PostgreSQL with two roles, TLS, and no mail server that answers."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.terminal = Terminal(folder)
        self.cluster = cluster
        self.authority = Authority(folder)
        self.admin = cluster.new_database()
        place = self.admin.url.partition("@")[2].partition("/")[0]
        self.url = f"postgres://{{role}}:{{password}}@{place}/{{database}}?sslmode=disable"
        self.passwords = {"ipse_service": secrets.token_hex(8), "ipse_owner": secrets.token_hex(8)}
        for role, password in self.passwords.items():
            written = f"postgres://{role}:PASSWORD@db.example.com/ipse?sslmode=verify-full"
            self.terminal.replaced[written] = self.url_of(role)
        self.terminal.replaced["id.example.com:"] = "127.0.0.1:"
        (folder / "proto").symlink_to(ROOT / "proto")
        self.terminal.set(ADMIN_DATABASE_URL=self.admin.url)
        self.terminal.set(OWNER_PASSWORD=self.passwords["ipse_owner"], SERVICE_PASSWORD=self.passwords["ipse_service"])

    def url_of(self, role: str, database: str = "ipse") -> str:
        return self.url.format(role=role, password=self.passwords[role], database=database)

    def run(self, block: Block) -> None:
        self.terminal.run(block)

    def configure(self, block: Block) -> None:
        """The files that the settings name: the master key that was made before, a certificate, the mail server."""
        folder = self.terminal.folder
        (folder / "ipse-master-key").rename(folder / "run/secrets/ipse-master-key")
        (folder / "run/secrets/ipse-smtp-url").write_text("smtps://user:password@127.0.0.1:9")
        for file, name in zip(self.authority.issue("127.0.0.1"), ("tls.crt", "tls.key"), strict=True):
            file.rename(folder / "etc/ipse" / name)
        assert "valid" in self.terminal.run(block)

    def serve(self, block: Block) -> None:
        self.terminal.start(block)
        await_service(self.terminal, self.authority.pem)

    def appoint(self, block: Block) -> None:
        printed = self.terminal.run(block)
        assert "serving" in printed and "invitation" in printed

    def enrol(self, block: Block) -> None:
        """What the reader's own machine trusts is the authority of this test here."""
        self.terminal.set(SSL_CERT_FILE=self.authority.file, PASSWORD=PASSWORD)
        [secret] = re.findall(r"^type this into your app: (\w{32})$", self.terminal.run(block), re.MULTILINE)
        self.terminal.set(CODE=factors.App(secret).code())

    def confirm(self, block: Block) -> None:
        assert '"recoveryCodes": [' in self.terminal.run(block)
        assert not (self.terminal.folder / "answer.json").exists()

    def demand(self, block: Block) -> None:
        assert '"mfaRequired": true' in self.terminal.run(block)

    def transfer(self, block: Block) -> None:
        self.terminal.run(block)
        assert "ida@example.com" in (self.terminal.folder / "everybody.ndjson").read_text()

    def move_in(self, block: Block) -> None:
        systems.write("keycloak", self.terminal.folder / "realm.json", map(systems.Person, range(3)))
        printed = self.terminal.run(block)
        assert "would be accepted: 3" in printed and "realmRoles: 3 rows" in printed, printed

    def reset_factors(self, block: Block) -> None:
        """Which waits: what comes after it still finds them."""
        printed = self.terminal.run(block)
        assert "totp" in printed and "unless the person stops it" in printed

    def dump(self, block: Block) -> None:
        self.terminal.set(OWNER_DATABASE_URL=self.url_of("ipse_owner"))
        self.terminal.run(block)

    def restore(self, block: Block) -> None:
        """Into a database beside the first, from which the service then serves."""
        self.terminal.stop()
        self.admin.query("CREATE DATABASE restored OWNER ipse_owner")
        self.terminal.set(EMPTY_DATABASE_URL=self.url_of("ipse_owner", "restored"))
        self.terminal.run(block)
        restored = Postgres(self.url_of("ipse_service", "restored"), self.admin.psql)
        self.serve(Block("docs/operations.md", 0, f"IPSE_DATABASE_URL='{restored.url}' ipse serve", None))
        with Client(self.terminal.target, self.authority.pem) as client:
            request = contract.auth_pb2.LoginRequest(identifier=ROOT_ADDRESS, password=PASSWORD)
            assert client.auth.Login(request, timeout=SECONDS).HasField("mfa_challenge")
        assert count(restored, "users WHERE email_canonical = 'ida@example.com'") == 1
        with pytest.raises(subprocess.CalledProcessError):
            restored.query("DELETE FROM audit_events")
        self.terminal.stop()


class OneMachine:
    """A server on a SQLite file, for the parts of docs/operations.md that are about one."""

    def __init__(self, folder: Path) -> None:
        self.terminal = Terminal(folder)
        self.file = folder / "var/lib/ipse/ipse.db"
        self.mail = MailServer(None)
        self.tokens = None
        self.keys = [base64.b64encode(os.urandom(32)).decode() for _ in range(2)]
        self.terminal.set(
            IPSE_DATABASE_URL=f"sqlite:{self.file}",
            IPSE_GRPC_LISTEN=self.terminal.target,
            IPSE_MASTER_KEY=self.keys[0],
            IPSE_ISSUER="https://id.example.com",
            IPSE_PLAINTEXT="true",
            IPSE_SMTP_URL=f"smtp+plaintext://127.0.0.1:{self.mail.port}",
            IPSE_MAIL_FROM="no-reply@example.com",
            IPSE_LINK_BASE="https://www.example.com/account",
        )

    def start(self, command: str = "exec ipse serve") -> None:
        self.terminal.start(Block("docs/operations.md", 0, command, None))
        await_service(self.terminal)

    def back_up(self, block: Block) -> None:
        """What came before the backup is to be there after the restore, and what came after it is not."""
        with Client(self.terminal.target) as client:
            client.register("before@example.com")
            client.verify(mail.token(self.mail.wait_for("before@example.com"), VERIFY))
            self.tokens = client.log_in("before@example.com")
            assert "backed up" in self.terminal.run(block)
            client.register("after@example.com")

    def restore(self, block: Block) -> None:
        self.terminal.stop()
        self.terminal.run(block)
        self.start()
        found = Sqlite(self.file).query("SELECT email_canonical FROM users")
        assert found == [("before@example.com",)]
        with Client(self.terminal.target) as client:
            assert client.me(self.tokens.access_token).user.email == "before@example.com"
            assert client.refresh(self.tokens.refresh_token).session_id == self.tokens.session_id

    def run(self, block: Block) -> None:
        self.terminal.run(block)

    def rotate(self, block: Block) -> None:
        printed = self.terminal.run(block)
        assert "active" in printed and "is published and signs from" in printed

    def rewrap(self, block: Block) -> None:
        self.terminal.set(IPSE_MASTER_KEY=self.keys[1], IPSE_OTHER_MASTER_KEYS=self.keys[0])
        assert "nothing is left under other master keys" in self.terminal.run(block)


def test_operations(tmp_path: Path, cluster: Cluster) -> None:
    (tmp_path / "production").mkdir()
    (tmp_path / "machine").mkdir()
    production, machine = Production(tmp_path / "production", cluster), OneMachine(tmp_path / "machine")
    with production.terminal, machine.terminal, machine.mail:
        machine.start("ipse migrate && exec ipse serve")
        follow(
            "docs/operations.md",
            production.run,
            production.run,
            production.configure,
            production.run,
            production.serve,
            production.appoint,
            production.enrol,
            production.confirm,
            production.transfer,
            production.move_in,
            production.demand,
            production.reset_factors,
            machine.back_up,
            machine.restore,
            production.dump,
            production.restore,
            machine.rotate,
            machine.run,
            machine.rewrap,
            machine.run,
        )


def test_every_other_document_says_why_its_commands_are_not_run() -> None:
    followed = {"README.md", "examples/README.md"}
    followed |= {f"docs/{name}.md" for name in ("services", "second-factors", "operations")}
    assert followed <= set(documents())
    others = [block for document in documents() if document not in followed for block in blocks(document)]
    assert [str(block) for block in others if not block.not_run] == []

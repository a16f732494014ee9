"""Mail through a real mail server."""

from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from support.certificates import Authority
from support.client import PASSWORD, SECONDS, Client, bearer, from_address
from support.contract import account_pb2, auth_pb2
from support.database import Sqlite
from support.errors import Code, refused
from support.mail import DELETED, RESET, SIGN_IN, TAKEN, VERIFY, WAS_DELETED, WELCOME, text, token
from support.server import Server, migrated, run
from support.smtp import MailServer
from support.waiting import wait_until

NEW_PASSWORD = "a wholly different sentence"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def mail_server(authority: Authority) -> Iterator[MailServer]:
    with MailServer(authority.context("127.0.0.1")) as mail_server:
        yield mail_server


def server_for(mail_server: MailServer, authority: Authority, folder: Path, **settings: str) -> Server:
    """A server, not yet started, on an existing database."""
    settings |= {"smtp_url": mail_server.url, "smtp_ca_file": str(authority.file)}
    return migrated(Server(folder / "ipse", dev=False, **settings))


def sent_in_the_clear(mail_server: MailServer) -> list[tuple[str, bool]]:
    return [step for step in mail_server.secure_steps if not step[1]]


def test_mails_arrive_and_their_links_work(mail_server: MailServer, authority: Authority, tmp_path: Path) -> None:
    with server_for(mail_server, authority, tmp_path) as server, server.client() as client:
        client.register("ada@example.com")
        with refused(Code.UNAUTHENTICATED, "CREDENTIALS_INVALID"):
            client.log_in("ada@example.com")
        verification = mail_server.wait_for("ada@example.com")
        client.verify(token(verification, VERIFY))
        client.log_in("ada@example.com")
        welcome = mail_server.wait_for("ada@example.com", WELCOME)

        client.request_reset("ada@example.com")
        reset = mail_server.wait_for("ada@example.com", RESET)
        client.reset(token(reset, RESET), NEW_PASSWORD)
        client.log_in("ada@example.com", NEW_PASSWORD)
        with refused(Code.UNAUTHENTICATED, "CREDENTIALS_INVALID"):
            client.log_in("ada@example.com", PASSWORD)
        with refused(Code.FAILED_PRECONDITION, "ACTION_TOKEN_INVALID"):
            client.reset(token(reset, RESET), PASSWORD)

    assert not sent_in_the_clear(mail_server)
    assert "you can sign in" in text(welcome, "plain") and "you can sign in" in text(welcome, "html")
    assert token(welcome, WELCOME) is None
    for message, kind, page in ((verification, VERIFY, "verify-email"), (reset, RESET, "reset-password")):
        link = f"https://app.example/{page}#token={token(message, kind)}"
        assert link in text(message, "plain") and f'href="{link}"' in unescape(text(message, "html"))
        assert message["from"] == "Ipse <no-reply@id.example>"
        assert message["auto-submitted"] == "auto-generated"


def test_nobody_is_told_that_an_address_is_taken_but_its_owner(
    mail_server: MailServer, authority: Authority, tmp_path: Path
) -> None:
    with server_for(mail_server, authority, tmp_path) as server, server.client() as client:
        client.register("ada@example.com")
        client.verify(token(mail_server.wait_for("ada@example.com"), VERIFY))
        client.register("ada@example.com", "another long password")
        notice = mail_server.wait_for("ada@example.com", TAKEN)
    assert token(notice, TAKEN) is None


def test_mail_waits_for_a_mail_server_that_is_away(authority: Authority, tmp_path: Path) -> None:
    mail_server = MailServer(authority.context("127.0.0.1"))
    with server_for(mail_server, authority, tmp_path) as server, server.client() as client:
        client.register("ada@example.com")
        wait_until(lambda: "will be tried again" in server.log(), "the log tells of the failed delivery")
        with mail_server:
            client.verify(token(mail_server.wait_for("ada@example.com", seconds=30), VERIFY))


def test_no_mail_is_lost_with_the_process(authority: Authority, tmp_path: Path) -> None:
    mail_server = MailServer(authority.context("127.0.0.1"))
    server = server_for(mail_server, authority, tmp_path)
    with server, server.client() as client:
        client.register("ada@example.com")
        server.kill()
    Sqlite(server.folder / "ipse.db").make_all_mail_due()
    with mail_server, server, server.client() as client:
        client.verify(token(mail_server.wait_for("ada@example.com"), VERIFY))


def test_a_mail_that_may_not_have_arrived_is_sent_again_under_its_id(
    mail_server: MailServer, authority: Authority, tmp_path: Path
) -> None:
    server = server_for(mail_server, authority, tmp_path)
    # The mail server has the mail, and the process dies before it hears so.
    mail_server.before_answer = server.kill
    with server, server.client() as client:
        client.register("ada@example.com")
        mail_server.wait_for("ada@example.com")
        wait_until(lambda: server.process.poll() is not None, "the server was killed")
    mail_server.before_answer = lambda: None
    Sqlite(server.folder / "ipse.db").make_all_mail_due()
    with server, server.client() as client:
        wait_until(lambda: len(mail_server.messages("ada@example.com")) == 2, "the mail is sent again")
        first, second = mail_server.messages("ada@example.com")
        assert first["message-id"] == second["message-id"] is not None
        client.verify(token(second, VERIFY))


@pytest.mark.parametrize("fault", ["no STARTTLS", "another host's certificate", "an unknown authority"])
def test_a_mail_server_that_is_not_to_be_trusted_gets_nothing(fault: str, authority: Authority, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    tls = {
        "no STARTTLS": None,
        "another host's certificate": authority.context("other.example"),
        "an unknown authority": Authority(other).context("127.0.0.1"),
    }[fault]
    with MailServer(tls) as mail_server:
        with server_for(mail_server, authority, tmp_path) as server, server.client() as client:
            client.register("ada@example.com")
            wait_until(lambda: "will be tried again" in server.log(), "the log tells of the failed delivery")
        assert mail_server.greetings > 0
        assert (mail_server.secure_steps, mail_server.received) == ([], [])


def test_names_put_nothing_into_headers_and_templates(
    mail_server: MailServer, authority: Authority, tmp_path: Path
) -> None:
    name = "{{ 7*7 }} <b>x</b>"
    with server_for(mail_server, authority, tmp_path) as server, server.client() as client:
        request = auth_pb2.RegisterRequest(email="ada@example.com", password=PASSWORD, display_name=name)
        client.auth.Register(request, timeout=SECONDS)
        verification = mail_server.wait_for("ada@example.com")
        client.verify(token(verification, VERIFY))
        message = mail_server.wait_for("ada@example.com", WELCOME)
    # Before the address is proven, whoever it belongs to reads nothing that was typed at the sign-up.
    assert all("7*7" not in text(verification, part) for part in ("plain", "html"))
    assert name in text(message, "plain")
    assert "<b>x</b>" not in text(message, "html") and "{{ 7*7 }}" in text(message, "html")


def test_a_sign_in_from_elsewhere_is_told_and_its_user_agent_stays_text(
    mail_server: MailServer, authority: Authority, tmp_path: Path
) -> None:
    settings = {"sign_in_notice": "true", "trusted_proxies": "127.0.0.1"}
    agent = "<script>{{7*7}}</script>"
    with server_for(mail_server, authority, tmp_path, **settings) as server, server.client() as client:
        client.register("ada@example.com")
        client.verify(token(mail_server.wait_for("ada@example.com"), VERIFY))
        client.log_in("ada@example.com", metadata=from_address(1))
        with Client(server.target, options=(("grpc.primary_user_agent", agent),)) as hostile:
            hostile.log_in("ada@example.com", metadata=from_address(2))
        notice = mail_server.wait_for("ada@example.com", SIGN_IN)
    for part in ("plain", "html"):
        assert "198.18.0.2" in text(notice, part) and "UTC" in text(notice, part)
    assert agent in text(notice, "plain")
    assert "<script>" not in text(notice, "html") and agent in unescape(text(notice, "html"))
    assert "7*7" not in str(notice["subject"]) and len(mail_server.messages("ada@example.com")) == 3


def test_an_operator_writes_mail_in_other_words(mail_server: MailServer, authority: Authority, tmp_path: Path) -> None:
    templates = tmp_path / "templates"
    (templates / "fr").mkdir(parents=True)
    (templates / "fr" / "welcome.subject.txt").write_text("Welcome to France, says {{ service }}\n")
    (templates / "fr" / "welcome.html").write_text("<p>Bienvenue, {{ name }} !</p>\n")
    with (
        server_for(mail_server, authority, tmp_path, mail_templates=str(templates)) as server,
        server.client() as client,
    ):
        request = auth_pb2.RegisterRequest(
            email="ada@example.com", password=PASSWORD, display_name="<Ada>", locale="fr-CA"
        )
        client.auth.Register(request, timeout=SECONDS)
        client.verify(token(mail_server.wait_for("ada@example.com"), VERIFY))
        welcome = mail_server.wait_for("ada@example.com", WELCOME)
    assert welcome["subject"] == "Welcome to France, says id.example"
    assert text(welcome, "html").strip() == "<p>Bienvenue, &lt;Ada&gt; !</p>"
    assert "you can sign in" in text(welcome, "plain")


@pytest.mark.parametrize(
    ("step", "says", "told", "is_final"),
    [
        ("EHLO", "550 5.7.1 a full name please", "answered EHLO with 550 5.7.1 a full name please", False),
        ("MAIL", "553 5.1.8 <a@b.example> unknown", "MAIL FROM (the sender) with 553 5.1.8 (address) unknown", False),
        ("MAIL", "552 5.3.4 larger than we take", "MAIL FROM (the sender) with 552 5.3.4 larger than we take", True),
        ("RCPT", "450 4.7.1 <{}> greylisted", "RCPT TO (the recipient) with 450 4.7.1 (address) greylisted", False),
        ("RCPT", "550 5.1.1 no {} here", "RCPT TO (the recipient) with 550 5.1.1 no (address) here", True),
        ("DATA", "451 4.3.0 no room", "the message after DATA with 451 4.3.0 no room", False),
        ("DATA", "554 5.6.0 looks like spam", "the message after DATA with 554 5.6.0 looks like spam", True),
    ],
)
def test_what_a_mail_server_says_is_told_and_decides(
    mail_server: MailServer, authority: Authority, tmp_path: Path, step: str, says: str, told: str, is_final: bool
) -> None:
    mail_server.says[step] = says
    with server_for(mail_server, authority, tmp_path) as server, server.client() as client:
        client.register("ada.lovelace@example.com")
        wait_until(lambda: told in server.log(), f"the log tells: {told}\n{server.log()}")
        listed = run("jobs", "list", cwd=server.folder, settings=server.settings).stdout
        assert told in listed, listed
        assert "lovelace" not in server.log().lower() + listed.lower()
        dead = run("jobs", "list", "--dead", cwd=server.folder, settings=server.settings).stdout
        assert (told in dead) == is_final, dead
        mail_server.says.clear()
        if not is_final:
            mail_server.wait_for("ada.lovelace@example.com")
    assert mail_server.hellos == {"id.example"}


def test_the_server_calls_itself_as_the_setting_says(
    mail_server: MailServer, authority: Authority, tmp_path: Path
) -> None:
    server = server_for(mail_server, authority, tmp_path, smtp_hello="mx1.example.net")
    with server, server.client() as client:
        client.register("ada@example.com")
        mail_server.wait_for("ada@example.com")
    assert mail_server.hellos == {"mx1.example.net"}


@pytest.mark.parametrize("hello", ["vm", "localhost", "192.0.2.1", "[nothing]", "a_b.example"])
def test_a_bare_name_is_refused_at_the_start(tmp_path: Path, hello: str) -> None:
    server = Server(tmp_path / "ipse", dev=False, smtp_hello=hello)
    done = run("config", "check", cwd=server.folder, settings=server.settings)
    assert done.returncode != 0 and "IPSE_SMTP_HELLO" in done.stderr + done.stdout, done


def test_the_owner_is_told_of_a_deletion_and_when_coming_back(
    mail_server: MailServer, authority: Authority, tmp_path: Path
) -> None:
    with server_for(mail_server, authority, tmp_path) as server, server.client() as client:
        client.register("ada@example.com")
        client.verify(token(mail_server.wait_for("ada@example.com"), VERIFY))
        tokens = client.log_in("ada@example.com")
        request = account_pb2.DeleteMeRequest(password=PASSWORD)
        client.account.DeleteMe(request, timeout=SECONDS, metadata=bearer(tokens.access_token))
        notice = mail_server.wait_for("ada@example.com", DELETED)
        client.register("ada@example.com", "another long password")
        back = mail_server.wait_for("ada@example.com", WAS_DELETED)
    for message in (notice, back):
        assert " UTC" in text(message, "plain") and " UTC" in text(message, "html")

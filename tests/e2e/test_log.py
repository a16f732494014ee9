"""What the log says, and what it never says."""

import json
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from support.certificates import Authority
from support.client import SECONDS, bearer
from support.contract import account_pb2, auth_pb2
from support.database import Postgres, Sqlite
from support.errors import Code, Refusal, refused
from support.http2 import Connection
from support.mail import RESET, VERIFY, token
from support.races import attempt
from support.server import MASTER_KEY, Server, migrated
from support.smtp import PASSWORD as SMTP_PASSWORD
from support.smtp import MailServer
from support.waiting import wait_until

EMAIL = "ada@example.com"
CANARY, OTHER_CANARY = "canary never to be shown", "another canary not to be shown"


def use_everything(server: Server, mail_server: MailServer) -> set[str]:
    """Calls what there is to call and returns every secret that came up."""
    with server.client() as client:
        client.register(EMAIL, CANARY)
        verify = token(mail_server.wait_for(EMAIL), VERIFY)
        client.verify(verify)
        first = client.log_in(EMAIL, CANARY)
        second = client.refresh(first.refresh_token)
        client.me(second.access_token)
        for call in (
            lambda: client.log_in(EMAIL, OTHER_CANARY),
            lambda: client.me(first.access_token + "x"),
            lambda: client.verify(verify),
            lambda: client.register("not an address", OTHER_CANARY),
        ):
            assert isinstance(attempt(call), Refusal)
        client.request_reset(EMAIL)
        reset = token(mail_server.wait_for(EMAIL, RESET), RESET)
        client.reset(reset, OTHER_CANARY)
        third = client.log_in(EMAIL, OTHER_CANARY)
        client.log_out(third.refresh_token)
    tokens = {token for one in (first, second, third) for token in (one.access_token, one.refresh_token)}
    return tokens | {verify, reset, CANARY, OTHER_CANARY, MASTER_KEY, SMTP_PASSWORD, EMAIL}


def test_no_secret_is_logged(database: Sqlite | Postgres, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with MailServer(authority.context("127.0.0.1")) as mail_server:
        settings = {"smtp_url": mail_server.url, "smtp_ca_file": str(authority.file), "database_url": database.url}
        with migrated(Server(tmp_path / "ipse", dev=False, log="trace", **settings)) as server:
            secrets = use_everything(server, mail_server)
            assert server.terminate() == 0
    if isinstance(database, Postgres):
        secrets.add(urlsplit(database.url).password)
    log = server.log()
    lines = [json.loads(line) for line in log.splitlines()]
    assert "TRACE" in {line["level"] for line in lines}
    assert {datetime.fromisoformat(line["timestamp"]).utcoffset().total_seconds() for line in lines} == {0}
    assert not [secret for secret in secrets if secret in log]


def test_hostile_metadata_stays_within_its_line(tmp_path: Path) -> None:
    hostile = '"}\t{"level":"ERROR","message":"forged"}\x80\x9b2J'
    message = auth_pb2.LoginRequest(identifier='x"}\n{"forged":1}\x1b[2J', password="no password").SerializeToString()
    with migrated(Server(tmp_path / "ipse", dev=False)) as server:
        with Connection(server.port) as connection:
            for name in ("user-agent", "x-request-id", "x-forwarded-for", "traceparent"):
                answer = connection.call("/ipse.v1.AuthService/Login", (name, hostile), message=message)
                assert answer.refusal().reason == "FIELD_INVALID"
            connection.call('/x"}{"forged":1}')
        assert server.terminate() == 0
    lines = [json.loads(line) for line in server.log().splitlines()]
    assert [line for line in lines if line["fields"].get("code") == "InvalidArgument"]
    assert "forged" not in {member for line in lines for member in line}
    assert "\x1b" not in server.log() and "\x9b" not in server.log()


def test_a_request_id_joins_answer_and_log(tmp_path: Path) -> None:
    with migrated(Server(tmp_path / "ipse", dev=False)) as server, server.client() as client:
        metadata = [*bearer("x"), ("x-request-id", "find-me-by-this")]
        with refused(Code.UNAUTHENTICATED, "TOKEN_INVALID") as refusal:
            client.account.GetMe(account_pb2.GetMeRequest(), timeout=SECONDS, metadata=metadata)
        assert refusal.metadata["request_id"] == "find-me-by-this"
        wait_until(lambda: "find-me-by-this" in server.log(), "the log has the id")

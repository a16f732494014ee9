"""Running the service: stopping it, its certificate, its log, its command line."""

import json
import signal
import socket
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
from cryptography import x509

from support.certificates import Authority
from support.client import SECONDS, bearer
from support.contract import account_pb2, auth_pb2
from support.errors import Code, Refusal, refused
from support.http2 import Connection
from support.mail import RESET, VERIFY, token
from support.races import attempt
from support.server import MASTER_KEY, Server, binary, run
from support.smtp import PASSWORD as SMTP_PASSWORD
from support.smtp import MailServer
from support.waiting import wait_until

# One hash of this kind takes the better part of a second.
SLOW = {"hashing_memory_kib": "131072", "hashing_iterations": "16"}
EMAIL = "ada@example.com"
CANARY, OTHER_CANARY = "canary never to be shown", "another canary not to be shown"


def migrated(server: Server) -> Server:
    done = run("migrate", cwd=server.folder, settings=server.settings)
    assert done.returncode == 0, done.stderr
    return server


def test_a_stop_lets_calls_under_way_complete(tmp_path: Path) -> None:
    with Server(tmp_path, **SLOW) as server, server.client() as client, ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(attempt, lambda: client.register(EMAIL))
        wait_until(lambda: server.threads_at_work() > 0, "the slow call has begun")
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: client.health() != "SERVING", "the stop shows")
        with server.client() as late:
            outcome = attempt(lambda: late.log_in(EMAIL))
        assert not under_way.done()
        assert isinstance(outcome, Refusal) and outcome.code == Code.UNAVAILABLE
        assert under_way.result() is None
        assert server.process.wait(10) == 0
    assert "cut off" not in server.log()


def test_an_interrupt_stops_an_idle_server_at_once(tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        with Server(tmp_path) as server:
            server.process.send_signal(number)
            assert server.process.wait(5) == 0


def test_a_grace_that_is_over_ends_the_rest(tmp_path: Path) -> None:
    slow = SLOW | {"hashing_memory_kib": "262144", "shutdown_grace": "0s"}
    with Server(tmp_path, **slow) as server, server.client() as client, ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(attempt, lambda: client.register(EMAIL))
        wait_until(lambda: server.threads_at_work() > 0, "the slow call has begun")
        assert server.terminate() == 0
        assert isinstance(under_way.result(), Refusal)


def test_a_new_certificate_is_taken_up(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("127.0.0.1")
    settings = {"plaintext": "false", "tls_cert_file": str(certificate), "tls_key_file": str(key)}
    with migrated(Server(tmp_path / "ipse", dev=False, **settings)) as server:
        with server.client(authority=authority.pem) as client:
            assert client.health() == "SERVING"
            first = serial_number(server)
            authority.issue("127.0.0.1")
            wait_until(lambda: serial_number(server) != first, "the new certificate is shown", 20)
            # The connection that was there goes on, and new ones work.
            assert client.health() == "SERVING"
            with server.client(authority=authority.pem) as another:
                assert another.health() == "SERVING"

        certificate.write_text("no certificate")
        wait_until(lambda: "cannot be used" in server.log(), "the log tells of the bad certificate", 20)
        with server.client(authority=authority.pem) as another:
            assert another.health() == "SERVING"


def serial_number(server: Server) -> int:
    pem = ssl.get_server_certificate(("127.0.0.1", server.port))
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


def test_old_protocols_and_strangers_are_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("127.0.0.1")
    settings = {"plaintext": "false", "tls_cert_file": str(certificate), "tls_key_file": str(key)}
    settings |= {"tls_client_ca_file": str(authority.file)}
    with migrated(Server(tmp_path / "ipse", dev=False, **settings)) as server:
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as raw:
            with pytest.raises(ssl.SSLError):
                old.wrap_socket(raw)
        with server.client(authority=authority.pem) as client:
            assert client.health() == "UNAVAILABLE"
        done = run("healthcheck", cwd=server.folder, settings=server.settings)
        assert (done.returncode, done.stdout) == (0, "serving\n"), done.stderr


def test_the_health_check_tells_by_its_exit_code(tmp_path: Path) -> None:
    server = Server(tmp_path)
    settings = server.settings
    with server:
        done = run("healthcheck", cwd=tmp_path, settings=settings)
        assert (done.returncode, done.stdout, done.stderr) == (0, "serving\n", "")
        address = run("healthcheck", "--address", server.target, cwd=tmp_path, settings={})
        assert address.returncode == 0
    done = run("healthcheck", cwd=tmp_path, settings=settings)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1


def test_completions_are_a_script_that_bash_takes(tmp_path: Path) -> None:
    script = run("completions", "bash", cwd=tmp_path, settings={}).stdout
    (tmp_path / "ipse.bash").write_text(script)
    check = "source ./ipse.bash && complete -p ipse && COMP_WORDS=(ipse se) COMP_CWORD=1 && _ipse ipse se ipse"
    done = subprocess.run(
        ["bash", "-c", f'{check} && echo "${{COMPREPLY[*]}}"'], cwd=tmp_path, capture_output=True, text=True, timeout=10
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "serve"


def test_a_wrong_command_line_explains_itself(tmp_path: Path) -> None:
    done = subprocess.run([binary(), "sreve"], cwd=tmp_path, capture_output=True, text=True, timeout=10)
    assert done.returncode == 2 and "serve" in done.stderr


def use_everything(server: Server, mail_server: MailServer) -> set[str]:
    """Calls what there is to call and returns every secret that came up."""
    with server.client() as client:
        client.register(EMAIL, CANARY)
        verify = token(mail_server.wait_for(EMAIL), VERIFY)
        client.verify(verify)
        mail_server.received.clear()
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
        reset = token(mail_server.wait_for(EMAIL), RESET)
        client.reset(reset, OTHER_CANARY)
        third = client.log_in(EMAIL, OTHER_CANARY)
        client.log_out(third.refresh_token)
    tokens = {token for one in (first, second, third) for token in (one.access_token, one.refresh_token)}
    return tokens | {verify, reset, CANARY, OTHER_CANARY, MASTER_KEY, SMTP_PASSWORD, EMAIL}


@pytest.mark.parametrize("level", ["info", "trace"])
def test_no_secret_is_logged(level: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with MailServer(authority.context("127.0.0.1")) as mail_server:
        settings = {"smtp_url": mail_server.url, "smtp_ca_file": str(authority.file), "log": level}
        with migrated(Server(tmp_path / "ipse", dev=False, **settings)) as server:
            secrets = use_everything(server, mail_server)
            assert server.terminate() == 0
    log = server.log()
    lines = [json.loads(line) for line in log.splitlines()]
    assert len(lines) > 5
    assert {datetime.fromisoformat(line["timestamp"]).utcoffset().total_seconds() for line in lines} == {0}
    assert not [secret for secret in secrets if secret in log]


def test_hostile_metadata_stays_within_its_line(tmp_path: Path) -> None:
    hostile = '"}\t{"level":"ERROR","message":"forged"}\x7f\x80\x9b2J'
    with migrated(Server(tmp_path / "ipse", dev=False)) as server, Connection(server.port) as connection:
        message = auth_pb2.LoginRequest(identifier='x"}\n{"forged":1}\x1b[2J', password="no password").SerializeToString()
        for name in ("user-agent", "x-request-id", "x-forwarded-for", "traceparent"):
            answer = connection.call("/ipse.v1.AuthService/Login", (name, hostile), message=message)
            assert answer.refusal().reason == "CREDENTIALS_INVALID"
        connection.call('/x"}{"forged":1}')
        assert server.terminate() == 0
    lines = [json.loads(line) for line in server.log().splitlines()]
    assert [line for line in lines if line["fields"].get("code") == "Unauthenticated"]
    assert "forged" not in {member for line in lines for member in line}
    assert "\x1b" not in server.log() and "\x7f" not in server.log()


def test_a_request_id_joins_answer_and_log(tmp_path: Path) -> None:
    with migrated(Server(tmp_path / "ipse", dev=False)) as server, server.client() as client:
        metadata = [*bearer("x"), ("x-request-id", "find-me-by-this")]
        with refused(Code.UNAUTHENTICATED, "TOKEN_INVALID") as refusal:
            client.account.GetMe(account_pb2.GetMeRequest(), timeout=SECONDS, metadata=metadata)
        assert refusal.metadata["request_id"] == "find-me-by-this"
        wait_until(lambda: "find-me-by-this" in server.log(), "the log has the id")

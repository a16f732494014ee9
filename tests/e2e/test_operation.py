"""Running the service: stopping it, its certificate, its command line."""

import signal
import socket
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cryptography import x509

from support.certificates import Authority
from support.client import SECONDS
from support.errors import Code, Refusal
from support.races import attempt
from support.server import Server, binary, migrated, run
from support.waiting import wait_until

# One hash of this kind takes the better part of a second.
SLOW = {"hashing_memory_kib": "131072", "hashing_iterations": "16"}
EMAIL = "ada@example.com"


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

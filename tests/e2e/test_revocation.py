"""Two servers on one PostgreSQL: what one revokes, the other refuses within a second, and watchers learn of it."""

import re
from pathlib import Path

import pytest

from support import people
from support.client import SECONDS, bearer
from support.contract import token_pb2
from support.postgres import Cluster
from support.revocations import Relay, delays
from support.server import Server

TIMES = 10


@pytest.mark.parametrize("announced", [True, False])
def test_a_revocation_reaches_the_other_within_a_second(cluster: Cluster, tmp_path: Path, announced: bool) -> None:
    database = cluster.new_database()
    relay = Relay(int(re.search(r"127\.0\.0\.1:(\d+)", database.url)[1]))
    far = database.url if announced else re.sub(r"(?<=127\.0\.0\.1:)\d+", str(relay.port), database.url)
    with Server(tmp_path / "here", database_url=database.url) as first:
        key = (first.folder / "ipse-dev" / "master.key").read_text().strip()
        with Server(tmp_path / "there", database_url=far, master_key=key) as second:
            with first.client() as here, second.client() as there:
                here.register("ada@example.com")
                assert max(delays(here, there, "ada@example.com", TIMES)) < 1000
    assert (relay.lost == 0) is announced
    relay.close()


def test_a_watcher_hears_of_a_revocation_and_goes_on_after_a_restart(cluster: Cluster, tmp_path: Path) -> None:
    with Server(tmp_path, database_url=cluster.new_database().url) as server:
        with server.client() as client:
            root = people.administrator(server, client)
            client.register("ada@example.com")
            phone, tablet = client.log_in("ada@example.com"), client.log_in("ada@example.com")

            def watch(resume_token: str):
                request = token_pb2.WatchRevocationsRequest(resume_token=resume_token)
                return client.tokens.WatchRevocations(request, metadata=bearer(root), timeout=SECONDS)

            stream = watch("")
            messages = iter(stream)
            client.log_out(phone.refresh_token)
            heard = next(message for message in messages if message.session_id == phone.session_id)
            alive = next(message for message in messages if not message.WhichOneof("revoked"))
            assert heard.forget_after.seconds > alive.forget_after.seconds == 0
            stream.cancel()
            client.log_out(tablet.refresh_token)
            assert server.terminate() == 0
            server.start()
            found = []
            for message in watch(alive.resume_token):
                if not message.WhichOneof("revoked"):
                    break
                found.append(message.session_id)
            assert found == [tablet.session_id]

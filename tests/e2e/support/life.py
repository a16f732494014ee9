"""What goes on in a service, and has to go on when its database is another one: restored, or brought to a new version."""

from support import contract, factors, people
from support.client import SECONDS, Client, bearer
from support.database import Postgres, Sqlite
from support.server import Server
from support.smtp import MailServer

ADA, GRACE, LATER = "ada@example.com", "grace@example.com", "later@example.com"


class Life:
    """People with sessions, keys that sign, mail that waits for a server that is away, a trail and its followers."""

    def __init__(self, server: Server, client: Client, mail_port: int) -> None:
        self._mail_port = mail_port
        self.root = people.administrator(server, client)
        client.register(ADA)
        self.phone, self.tablet = client.log_in(ADA), client.log_in(ADA)
        self.keys = self._kids(client)
        self.events = self._events(client)
        assert self.events == sorted(set(self.events)) and len(self.events) > 3

    def goes_on(self, client: Client, database: Sqlite | Postgres) -> None:
        """Asserts that all of it does, for a client of the server on the other database."""
        assert client.me(self.phone.access_token).user.email == ADA
        refreshed = client.refresh(self.phone.refresh_token)
        assert refreshed.session_id == self.phone.session_id
        assert self._kids(client) >= self.keys
        assert factors.claims(client.log_in(ADA).access_token)["sub"] == factors.claims(refreshed.access_token)["sub"]
        self._feed_goes_on(client)
        self._trail_goes_on(client)
        self._jobs_go_on(client, database)

    def _feed_goes_on(self, client: Client) -> None:
        """A follower who begins anew learns of what is ended now."""
        request = contract.token_pb2.WatchRevocationsRequest()
        stream = client.tokens.WatchRevocations(request, metadata=bearer(self.root), timeout=SECONDS)
        messages = iter(stream)
        client.log_out(self.tablet.refresh_token)
        assert next(message for message in messages if message.session_id == self.tablet.session_id)
        stream.cancel()

    def _trail_goes_on(self, client: Client) -> None:
        events = self._events(client)
        assert events[: len(self.events)] == self.events, "what was told before is told again"
        assert len(events) > len(self.events) and events == sorted(set(events))
        request = contract.audit_pb2.WatchAuditEventsRequest(after_sequence=self.events[-1])
        stream = audit(client).WatchAuditEvents(request, metadata=bearer(self.root), timeout=SECONDS)
        followed = (response.event.sequence for response in stream if response.HasField("event"))
        assert [next(followed) for _ in events[len(self.events) :]] == events[len(self.events) :]
        stream.cancel()

    def _jobs_go_on(self, client: Client, database: Sqlite | Postgres) -> None:
        with MailServer(None, self._mail_port) as mail:
            database.make_all_mail_due()
            client.register(LATER)
            for recipient in (ADA, LATER):
                mail.wait_for(recipient, seconds=30)

    @staticmethod
    def _kids(client: Client) -> set[str]:
        request = contract.key_pb2.ListSigningKeysRequest()
        return {key.kid for key in client.keys.ListSigningKeys(request, timeout=SECONDS).keys}

    def _events(self, client: Client) -> list[int]:
        """The sequence numbers of all events, oldest first."""
        request = contract.audit_pb2.ListAuditEventsRequest(page_size=1000)
        listed = audit(client).ListAuditEvents(request, metadata=bearer(self.root), timeout=SECONDS)
        return sorted(event.sequence for event in listed.events)


def audit(client: Client):
    return contract.audit_grpc.AuditServiceStub(client.channel)

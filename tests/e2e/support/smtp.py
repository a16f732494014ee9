"""A mail server that remembers what it was sent."""

import ssl
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from support.mail import VERIFY, parse
from support.server import free_port
from support.waiting import wait_until

USER, PASSWORD = "ipse", "canary-smtp-password"


class MailServer:
    """Takes mail on the loopback address, after STARTTLS and AUTH where it offers TLS."""

    def __init__(self, tls: ssl.SSLContext | None, port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"smtp://{USER}:{PASSWORD}@127.0.0.1:{self.port}"
        self.received: list[EmailMessage] = []
        self.greetings = 0
        # What must never happen before TLS: every AUTH and MAIL, with whether the connection was encrypted.
        self.secure_steps: list[tuple[str, bool]] = []
        self.before_answer = lambda: None
        self.refuses_recipients = False
        # What is said to a step such as RCPT in place of what is usual.
        self.says: dict[str, str] = {}
        self.hellos: set[str] = set()
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            tls_context=tls,
            require_starttls=tls is not None,
            authenticator=self._authenticate,
            auth_require_tls=False,
            decode_data=False,
        )

    def __enter__(self) -> "MailServer":
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    def wait_for(self, recipient: str, kind: str = VERIFY, seconds: float = 15) -> EmailMessage:
        """The first mail of this kind to this address."""

        def first() -> EmailMessage | None:
            return next((mail for mail in self.messages(recipient) if mail["subject"].startswith(kind)), None)

        return wait_until(first, f"a mail to {recipient}: {kind}", seconds)

    def messages(self, recipient: str) -> list[EmailMessage]:
        return [message for message in list(self.received) if message["to"] == recipient]

    def _authenticate(self, server, session, envelope, mechanism, data) -> AuthResult:
        self.secure_steps.append(("AUTH", session.ssl is not None))
        login = (data.login, data.password)
        return AuthResult(success=login == (USER.encode(), PASSWORD.encode()))

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        self.greetings += 1
        self.hellos.add(hostname)
        session.host_name = hostname
        return [self.says["EHLO"]] if "EHLO" in self.says else responses

    async def handle_MAIL(self, server, session, envelope, address, options) -> str:
        self.secure_steps.append(("MAIL", session.ssl is not None and session.authenticated))
        if "MAIL" in self.says:
            return self.says["MAIL"]
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        if self.refuses_recipients:
            return "550 nobody of this name"
        if "RCPT" in self.says:
            return self.says["RCPT"].replace("{}", address)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:
        if "DATA" in self.says:
            return self.says["DATA"]
        self.received.append(parse(envelope.content))
        self.before_answer()
        return "250 OK"

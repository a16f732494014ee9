"""Reading the mail that the service sends."""

import email
import email.policy
import re
from email.message import EmailMessage
from pathlib import Path

from support.waiting import wait_until

VERIFY, RESET = "verify-email", "reset-password"


def parse(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)


def text(message: EmailMessage, kind: str = "plain") -> str:
    """The part for people, `plain` or `html`."""
    return message.get_body((kind,)).get_content()


def token(message: EmailMessage, page: str) -> str | None:
    """The token in the link to this page."""
    found = re.search(rf"/{page}#token=([\w-]+)", text(message))
    return found and found[1]


class MailFolder:
    """The folder where a server in --dev puts its mail."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def messages(self, recipient: str) -> list[EmailMessage]:
        """The mails to this address, oldest first."""
        return [message for message in self.all() if message["to"] == recipient]

    def all(self) -> list[EmailMessage]:
        """All mails, oldest first: their ids begin with the time."""
        return [parse(file.read_bytes()) for file in sorted(self.path.glob("*.eml"))]

    def token(self, recipient: str, page: str = VERIFY) -> str:
        """The last token that was mailed to this address for this page; waits for one."""
        def found() -> str | None:
            tokens = [token(message, page) for message in self.messages(recipient)]
            return next((token for token in reversed(tokens) if token), None)

        return wait_until(found, f"a mail to {recipient} with a link to {page}")

    def tokens(self, page: str) -> dict[str, str]:
        """The last token of every address for this page."""
        return {message["to"]: found for message in self.all() if (found := token(message, page))}

"""Reading the mail that the service sends."""

import email
import email.policy
import re
from email.message import EmailMessage
from pathlib import Path

from support.waiting import wait_until

# How the subjects of mails begin.
VERIFY, RESET, INVITATION = "Confirm your e-mail address", "Set a new password", "Your invitation to"
WELCOME, TAKEN, SIGN_IN = "Welcome to", "You already have an account", "New sign-in to your account"
DELETED, WAS_DELETED = "Your account at", "Your deleted account at"
# The token stands on a line of its own, at the end of a link if there is a base for links.
TOKEN = re.compile(r"^(?:\S+#token=)?([\w-]{43})\s*$", re.MULTILINE)


def parse(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)


def text(message: EmailMessage, kind: str = "plain") -> str:
    """The part for people, `plain` or `html`."""
    return message.get_body((kind,)).get_content()


def token(message: EmailMessage, kind: str) -> str | None:
    """The token in a mail of this kind."""
    found = TOKEN.search(text(message)) if message["subject"].startswith(kind) else None
    return found and found[1]


class MailFolder:
    """The folder where a server in --dev puts its mail."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parsed: dict[Path, EmailMessage] = {}

    def all(self) -> list[EmailMessage]:
        """All mails, oldest first: their ids begin with the time."""
        files = sorted(self._path.glob("*.eml"))
        for file in files:
            if file not in self._parsed:
                self._parsed[file] = parse(file.read_bytes())
        return [self._parsed[file] for file in files]

    def token(self, recipient: str, kind: str = VERIFY) -> str:
        """The last token that was mailed to this address; waits for one."""
        return wait_until(lambda: self.tokens(kind).get(recipient), f"a mail to {recipient}: {kind}")

    def tokens(self, kind: str) -> dict[str, str]:
        """The last token of every address."""
        return {message["to"]: found for message in self.all() if (found := token(message, kind))}

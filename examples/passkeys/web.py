"""HTTP for one page: its files, JSON in and out, and a cookie that says nothing but which session it is."""

import json
import secrets
import threading
from http import HTTPStatus
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from people import Session

STATIC = Path(__file__).parent / "static"
FILES = {
    "/": ("index.html", "text/html"),
    "/page.js": ("page.js", "text/javascript"),
    "/page.css": ("page.css", "text/css"),
}
LONGEST_BODY = 32 * 1024
MOST_SESSIONS = 10_000
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "permissions-policy": "publickey-credentials-create=(self), publickey-credentials-get=(self)",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


class Sessions:
    """The sessions of browsers, in memory: a service with more than one process keeps them in a store."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def find(self, identifier: str) -> Session | None:
        return self._sessions.get(identifier)

    def keep(self, session: Session, instead_of: str = "") -> str:
        """Keeps a session under a new id. Whoever has the old one has nothing."""
        identifier = secrets.token_urlsafe(32)
        with self._lock:
            self._sessions.pop(instead_of, None)
            self._sessions[identifier] = session
            while len(self._sessions) > MOST_SESSIONS:
                self._sessions.pop(next(iter(self._sessions)))
        return identifier


class Handler(BaseHTTPRequestHandler):
    """Answers a browser."""

    protocol_version = "HTTP/1.1"
    timeout = 30
    origin: str
    sessions = Sessions()

    def answer(self, path: str, session: Session, body: dict) -> tuple[HTTPStatus, dict]:
        """What is done with a request of the page."""
        raise NotImplementedError

    def do_GET(self) -> None:
        name, kind = FILES.get(self.path, (None, "text/plain"))
        if name is None:
            return self._send(HTTPStatus.NOT_FOUND, kind, b"")
        self._send(HTTPStatus.OK, f"{kind}; charset=utf-8", (STATIC / name).read_bytes())

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not length.isdigit() or int(length) > LONGEST_BODY:
            self.close_connection = True
            return self._tell(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {})
        text = self.rfile.read(int(length))
        # Other sites can have a browser send requests, but not as this origin and with this type.
        is_own = self.headers.get("origin") == self.origin
        if not is_own or self.headers.get("content-type") != "application/json":
            return self._tell(HTTPStatus.FORBIDDEN, {"reason": "ORIGIN"})
        cookie = SimpleCookie(self.headers.get("cookie", "")).get("session")
        identifier = cookie.value if cookie else ""
        session = self.sessions.find(identifier) or Session()
        with session.lock:
            before = session.tokens
            try:
                status, told = self.answer(self.path, session, json.loads(text))
            except (TypeError, ValueError):
                return self._tell(HTTPStatus.BAD_REQUEST, {})
            # A new id whenever somebody else may be behind it: nobody who set or saw the old one gets in.
            is_other = (before is None) != (session.tokens is None)
            if is_other or not self.sessions.find(identifier):
                identifier = self.sessions.keep(session, identifier)
                return self._tell(status, told, identifier)
        self._tell(status, told)

    def _tell(self, status: HTTPStatus, told: dict, identifier: str = "") -> None:
        self._send(status, "application/json", json.dumps(told).encode(), identifier)

    def _send(self, status: HTTPStatus, kind: str, body: bytes, identifier: str = "") -> None:
        self.send_response(status)
        for name, value in {"content-type": kind, "content-length": str(len(body)), **HEADERS}.items():
            self.send_header(name, value)
        if identifier:
            secure = "; Secure" if self.origin.startswith("https:") else ""
            self.send_header("set-cookie", f"session={identifier}; HttpOnly; SameSite=Strict; Path=/{secure}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass

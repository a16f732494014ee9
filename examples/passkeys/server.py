"""A page where people sign up, sign in and use passkeys, and the small server behind it. See README.md."""

import os
from http import HTTPStatus
from http.server import ThreadingHTTPServer

from people import Ipse, Refused, Session
from web import Handler

# Where the page is, exactly as browsers write it: one of IPSE_WEBAUTHN_ORIGINS.
ORIGIN = os.environ.get("PASSKEYS_ORIGIN", "http://localhost:8000")
LISTEN = os.environ.get("PASSKEYS_LISTEN", "127.0.0.1:8000")


def main() -> None:
    ipse = Ipse(os.environ.get("IPSE_TARGET", "127.0.0.1:50051"))

    class Page(Handler):
        origin = ORIGIN

        def answer(self, path: str, session: Session, body: dict) -> tuple[HTTPStatus, dict]:
            act = ipse.actions.get(path)
            if act is None:
                return HTTPStatus.NOT_FOUND, {}
            try:
                return HTTPStatus.OK, act(session, **body)
            except Refused as refused:
                return HTTPStatus.FORBIDDEN, refused.told

    host, _, port = LISTEN.rpartition(":")
    with ThreadingHTTPServer((host, int(port)), Page) as server:
        print(f"open {ORIGIN}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()

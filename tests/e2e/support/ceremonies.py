"""Ceremonies of Web Authentication in a page, as any page holds them."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from support.chromium import Page

_CREATE = """
const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(a[0]);
return (await navigator.credentials.create({publicKey, ...a[1]})).toJSON();
"""
_GET = """
const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(a[0]);
return (await navigator.credentials.get({publicKey, ...a[1]})).toJSON();
"""


def create(page: Page, options: dict, **more: object) -> dict:
    """What a new passkey is to a relying party that asked for it with these options."""
    return page.run(_CREATE, options, more)


def get(page: Page, options: dict, **more: object) -> dict:
    """How a passkey answers these options."""
    return page.run(_GET, options, more)


class _Blank(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>blank</title>")

    def log_message(self, *_: object) -> None:
        pass


class BlankSite:
    """A site of pages without anything, at an origin of localhost."""

    def __init__(self, port: int = 0) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _Blank)
        self.port = self._server.server_port
        self.origin = f"http://localhost:{self.port}"

    def __enter__(self) -> "BlankSite":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

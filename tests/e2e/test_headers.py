"""No header tells what the server is made of, or its version."""

import tomllib
import urllib.error
import urllib.request
from pathlib import Path

import grpc

from support.client import PASSWORD
from support.contract import ROOT, auth_pb2
from support.server import Server

VERSION = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]
MADE_OF = ("tonic", "hyper", "axum", "rust", VERSION)


def check(headers: list[tuple[str, str | bytes]]) -> None:
    assert headers
    assert not {name.lower() for name, _ in headers} & {"server", "x-powered-by", "via", "x-version"}
    for name, value in headers:
        assert not [word for word in MADE_OF if word in str(value).lower()], (name, value)


def test_the_side_port_tells_nothing(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        for path in ("/healthz", "/.well-known/jwks.json", "/metrics", "/nothing"):
            try:
                headers = urllib.request.urlopen(f"http://127.0.0.1:{server.side_port}{path}", timeout=10).headers
            except urllib.error.HTTPError as refused:
                headers = refused.headers
            check(list(headers.items()))


def test_grpc_tells_nothing(tmp_path: Path) -> None:
    with Server(tmp_path) as server, server.client() as client:
        client.register("ada@example.com")
        for password in (PASSWORD, "wrong horse battery staple"):
            request = auth_pb2.LoginRequest(identifier="ada@example.com", password=password)
            try:
                _, call = client.auth.Login.with_call(request, timeout=20)
            except grpc.RpcError as refused:
                call = refused
            check([*call.initial_metadata(), *call.trailing_metadata()])

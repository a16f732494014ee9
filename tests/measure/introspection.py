#!/usr/bin/env python3
"""Measures how many tokens the release binary checks and issues in a second, against calls of it that do nothing.

usage: tests/measure/introspection.py [--algorithm ES256], after `tests/run tools build`

Exits with 1 if a bound is broken. Client and servers share the machine, so that only the ratios mean something. The
load comes from `cargo bench --bench tokens`, which says what is compared.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import virtual_environment

virtual_environment.enter()

import grpc

from support.client import bearer
from support.contract import ROOT, service_account_grpc, service_account_pb2
from support.people import administrator
from support.server import Server

# Against calls that do nothing.
LEAST = {"introspect-seen": 0.7, "introspect-new": 0.4}


def api_key(channel: grpc.Channel, token: str) -> str:
    """A new key of a new account."""
    accounts = service_account_grpc.ServiceAccountServiceStub(channel)
    named = service_account_pb2.CreateServiceAccountRequest(service_account={"name": "orders"})
    account = accounts.CreateServiceAccount(named, metadata=bearer(token)).service_account
    wish = service_account_pb2.CreateApiKeyRequest(api_key={"service_account_id": account.id})
    return accounts.CreateApiKey(wish, metadata=bearer(token)).secret


def rates(targets: list[str], token: str, api_key: str) -> list[tuple[str, float, float]]:
    """What is called, calls a second, and their ratio to those that do nothing."""
    done = subprocess.run(
        ["cargo", "bench", "--locked", "--quiet", "--bench", "tokens", "--", *(f"http://{one}" for one in targets)],
        cwd=ROOT,
        env=os.environ | {"IPSE_TOKEN": token, "IPSE_API_KEY": api_key},
        stdout=subprocess.PIPE,
        text=True,
        timeout=1800,
        check=True,
    )
    return [(name, float(rate), float(ratio)) for name, rate, ratio in map(str.split, done.stdout.splitlines())]


def report(measured: list[tuple[str, float, float]]) -> bool:
    """Prints what was measured, and returns whether the bounds hold."""
    held = True
    for name, rate, ratio in measured:
        least = LEAST.get(name)
        bound = f"(at least {least})" if least else ""
        print(f"{name:20} {rate:8.0f}/s {ratio:6.2f} {bound}", flush=True)
        held &= least is None or ratio >= least
    return held


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--algorithm", default="ES256")
    algorithm = parser.parse_args().algorithm
    with tempfile.TemporaryDirectory() as folder:
        # One database, and so two replicas.
        server, other = (Server(Path(folder), signing_algorithm=algorithm) for _ in range(2))
        with server, other, server.client() as client:
            token = administrator(server, client)
            targets = [server.target, other.target]
            return int(not report(rates(targets, token, api_key(client.channel, token))))


if __name__ == "__main__":
    sys.exit(main())

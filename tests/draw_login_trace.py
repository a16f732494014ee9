#!/usr/bin/env python3
"""Draws where the time of one sign-in goes: the spans of a Login on PostgreSQL, as a collector gets them.

usage: IPSE_BIN=… .tools/venv/bin/python tests/draw_login_trace.py docs/images/login-trace.svg
"""

import sys
import tempfile
from html import escape
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "e2e"))

from support.collector import Collector, Span
from support.postgres import Cluster
from support.server import Server

EMAIL = "ada@example.com"
LOGIN = "ipse.v1.AuthService/Login"
WIDTH, NAMES, TIMES, ROW = 900, 250, 70, 18
COLOURS = {"server": "#4c6a92", "statement": "#3f8f6b", "hash": "#d08432", "waiting": "#c4c4c4", "work": "#7f9cc3"}


def kind(span: Span) -> str:
    if not span.parent_id:
        return "server"
    if "db.system.name" in span.attributes:
        return "statement"
    waiting = span.name in ("connection", "wait for a hashing thread")
    return "waiting" if waiting else "hash" if span.name == "hash" else "work"


def record() -> list[Span]:
    """The spans of a sign-in, once the server has done a few."""
    cluster = Cluster()
    try:
        with tempfile.TemporaryDirectory() as folder, Collector() as collector:
            database = cluster.new_database()
            with Server(Path(folder) / "ipse", otlp_endpoint=collector.url, database_url=database.url) as server:
                with server.client() as client:
                    client.register(EMAIL)
                    for _ in range(10):
                        client.log_in(EMAIL)
                    return collector.trace_of(LOGIN, 10)
    finally:
        cluster.close()


def rows(spans: list[Span], parent_id: str = "", depth: int = 0) -> list[tuple[int, Span]]:
    """Each span below its parent, in the order of their begins."""
    found = []
    for span in spans:
        if span.parent_id == parent_id:
            found += [(depth, span), *rows(spans, span.id, depth + 1)]
    return found


def draw(spans: list[Span]) -> str:
    [root] = [span for span in spans if not span.parent_id]
    scale = (WIDTH - NAMES - TIMES) / (root.end - root.begin)
    lines = rows(spans)
    height = (len(lines) + 2) * ROW
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for number, (depth, span) in enumerate(lines):
        top = ROW // 2 + number * ROW
        left = NAMES + (span.begin - root.begin) * scale
        width = max((span.end - span.begin) * scale, 1)
        took = f"{(span.end - span.begin) / 1e6:.2f} ms"
        parts += [
            f'<text x="{8 + 12 * depth}" y="{top + 13}" fill="#222">{escape(span.name)}</text>',
            f'<rect x="{left:.1f}" y="{top + 3}" width="{width:.1f}" height="{ROW - 5}" fill="{COLOURS[kind(span)]}"/>',
            f'<text x="{WIDTH - 8}" y="{top + 13}" fill="#222" text-anchor="end">{took}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(draw(record()))

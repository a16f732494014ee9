"""Many calls at once."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import grpc

from support.errors import Refusal, refusal_of


def attempt(call: Callable[[], object]) -> object | Refusal:
    """The answer of the call, or how it was refused."""
    try:
        return call()
    except grpc.RpcError as error:
        return refusal_of(error)


def together(calls: Iterable[Callable[[], object]], threads: int = 100) -> list[object | Refusal]:
    """Makes all calls, so many at a time, and returns their outcomes in the order of the calls."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(attempt, calls))

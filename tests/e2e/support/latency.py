"""How long calls take while something else goes on."""

import statistics
import threading
import time

from support.server import Server


class Latency:
    """How long health checks take meanwhile, in milliseconds."""

    def __init__(self, server: Server) -> None:
        self.server, self.times, self.over = server, [], threading.Event()

    def __enter__(self) -> "Latency":
        self.thread = threading.Thread(target=self.measure)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    def measure(self) -> None:
        with self.server.client() as client:
            client.health()
            while not self.over.wait(0.01):
                began = time.perf_counter()
                client.health()
                self.times.append((time.perf_counter() - began) * 1000)

    def p99(self) -> float:
        return statistics.quantiles(self.times, n=100)[98]

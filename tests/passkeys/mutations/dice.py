"""Chance that is the same each time, on every version of Python."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Draws from a seed."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._draws = 0

    def bytes(self, length: int) -> bytes:
        drawn = b""
        while len(drawn) < length:
            self._draws += 1
            drawn += hashlib.sha256(f"{self._seed}/{self._draws}".encode()).digest()
        return drawn[:length]

    def below(self, end: int) -> int:
        return int.from_bytes(self.bytes(8), "big") % end

    def choice(self, among: Sequence[T]) -> T:
        return among[self.below(len(among))]

    def flipped(self, data: bytes) -> bytes:
        """The data with one bit changed."""
        place = self.below(len(data) * 8)
        changed = bytearray(data)
        changed[place // 8] ^= 1 << place % 8
        return bytes(changed)

    def cut(self, data: bytes) -> bytes:
        """The data without its end."""
        return data[: self.below(len(data))]

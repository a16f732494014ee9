"""CBOR as authenticators write it, and as they must not."""


class Raw(bytes):
    """Bytes that are already encoded."""


class Pairs(list):
    """The entries of a map, in which a key may be there twice."""


def head(kind: int, number: int, size: int | None = None) -> bytes:
    """The first bytes of an item, in the shortest form or in one of `size` bytes for the number."""
    if size is None:
        if number < 24:
            return bytes([kind << 5 | number])
        size = next(size for size in (1, 2, 4, 8) if number < 1 << 8 * size)
    return bytes([kind << 5 | {1: 24, 2: 25, 4: 26, 8: 27}[size]]) + number.to_bytes(size, "big")


def encode(value: object) -> bytes:
    if isinstance(value, Raw):
        return bytes(value)
    if isinstance(value, bool) or value is None:
        return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[value]
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, dict):
        value = Pairs(value.items())
    if isinstance(value, Pairs):
        return head(5, len(value)) + b"".join(encode(key) + encode(item) for key, item in value)
    assert isinstance(value, list), value
    return head(4, len(value)) + b"".join(map(encode, value))

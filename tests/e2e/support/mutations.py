"""Random changes of tokens: the same for the same tokens and seed."""

import base64
import json
import random
from collections.abc import Callable

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
OTHERS = "=+/.~!*%, \t\u00e9\u200b\uff10"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
VALUES = [None, True, 0, -1, 4102444800, 1e400, "", "x", "none", "ES256", "https://other.example", [], ["orders"], {}]


def encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decode(part: str) -> bytes:
    """As lenient as a library can be: what is not of the alphabet is passed over."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class Mutator:
    """Changes genuine tokens of one signing key."""

    def __init__(self, seed: int, genuine: list[str]) -> None:
        self.dice = random.Random(seed)
        self.genuine = genuine
        self._stranger = ec.generate_private_key(ec.SECP256R1())
        self._changes: list[Callable[[str], str]] = [
            lambda token: token,
            self._text,
            self._text,
            self._bits,
            self._parts,
            self._members,
            self._members,
            self._json,
            self._signature,
            self._spelling,
            self._signed_anew,
        ]

    def draw(self, count: int) -> list[str]:
        """So many different tokens."""
        drawn: dict[str, None] = {}
        while len(drawn) < count:
            drawn[self._next()] = None
        return list(drawn)

    def _next(self) -> str:
        """A token after one change, now and then after two."""
        token = self.dice.choice(self._changes)(self.dice.choice(self.genuine))
        if self.dice.random() < 0.1 and token.count(".") == 2:
            token = self.dice.choice([self._text, self._parts, self._spelling])(token)
        return token

    def _text(self, token: str) -> str:
        """Letters are replaced, put in, left out, doubled or swapped."""
        at = self.dice.randrange(len(token))
        letter = self.dice.choice(ALPHABET if self.dice.random() < 0.7 else OTHERS)
        other = self.dice.randrange(len(token))
        low, high = sorted((at, other))
        swapped = token[:low] + token[high] + token[low + 1 : high] + token[low] + token[high + 1 :]
        return self.dice.choice(
            [
                token[:at] + letter + token[at + 1 :],
                token[:at] + letter + token[at:],
                token[:at] + token[at + 1 :],
                token[:at] + token[at] + token[at:],
                swapped if low < high else token,
                token[:low] + token[high:],
                token[:-1] + letter,
                token.swapcase() if self.dice.random() < 0.2 else token[:at] + token[at].swapcase() + token[at + 1 :],
            ]
        )

    def _bits(self, token: str) -> str:
        """Bits of what the parts stand for are turned."""
        parts = token.split(".")
        which = self.dice.randrange(3)
        content = bytearray(decode(parts[which]))
        for _ in range(self.dice.choice([1, 1, 1, 2, 8])):
            content[self.dice.randrange(len(content))] ^= 1 << self.dice.randrange(8)
        parts[which] = encode(bytes(content))
        return ".".join(parts)

    def _parts(self, token: str) -> str:
        """Parts are left out, doubled, swapped, or taken from another token."""
        parts, others = token.split("."), self.dice.choice(self.genuine).split(".")
        which = self.dice.randrange(len(parts))
        change = self.dice.randrange(5)
        if change == 0:
            del parts[which]
        elif change == 1:
            parts.insert(which, parts[which])
        elif change == 2:
            self.dice.shuffle(parts)
        elif change == 3:
            parts[which] = ""
        else:
            parts[which] = others[which % 3]
        return ".".join(parts)

    def _members(self, token: str) -> str:
        """A member of header or claims is changed, left out, put in or doubled."""
        parts = token.split(".")
        which = self.dice.randrange(2)
        members = list(json.loads(decode(parts[which])).items())
        at = self.dice.randrange(len(members))
        name, value = members[at]
        new = self.dice.choice([*VALUES, [value], str(value), value])
        change = self.dice.randrange(4)
        if change == 0:
            members[at] = (name, new)
        elif change == 1:
            del members[at]
        elif change == 2:
            added = self.dice.choice(["crit", "jku", "jwk", "kid", "alg", "nbf", "exp", "sub", "x", name])
            members.append((added, new))
        else:
            members.insert(self.dice.randrange(len(members)), (name, value))
        text = ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in members)
        parts[which] = encode(f"{{{text}}}".encode())
        return ".".join(parts)

    def _json(self, token: str) -> str:
        """Header or claims say the same in another spelling."""
        parts = token.split(".")
        which = self.dice.randrange(2)
        text = decode(parts[which]).decode()
        members = list(json.loads(text).items())
        self.dice.shuffle(members)
        spelled = [
            json.dumps(json.loads(text)),
            json.dumps(dict(members), separators=(",", ":")),
            text + " ",
            "\ufeff" + text,
            text.replace('"', '"\\u00', 1) if self.dice.random() < 0.1 else text.replace("e", "\\u0065", 1),
            text + text,
            f"[{text}]",
        ]
        parts[which] = encode(self.dice.choice(spelled).encode())
        return ".".join(parts)

    def _signature(self, token: str) -> str:
        """The signature has other numbers, sizes or frames; one of them is as good as the genuine one."""
        signed, _, signature = token.rpartition(".")
        both = decode(signature)
        r, s = int.from_bytes(both[:32], "big"), int.from_bytes(both[32:], "big")
        numbers = [0, 1, ORDER - 1, ORDER, ORDER + 1, 2**256 - 1, r, s, ORDER - r]
        twin = both[:32] + (ORDER - s).to_bytes(32, "big")
        pair = self.dice.choice(numbers).to_bytes(32, "big") + self.dice.choice(numbers).to_bytes(32, "big")
        length = self.dice.randrange(64)
        ill_sized = [both[:length], both + bytes(length + 1), bytes(1) + both]
        forms = [twin, twin, pair, pair, both[32:] + both[:32], *ill_sized]
        return f"{signed}.{encode(self.dice.choice(forms))}"

    def _spelling(self, token: str) -> str:
        """A part stands in another spelling of base64."""
        parts = token.split(".")
        which = self.dice.choice([*range(len(parts)), -1, -1])
        part = parts[which] or "A"
        stray = ALPHABET[(ALPHABET.find(part[-1]) + self.dice.randrange(1, 16)) % 64]
        at = self.dice.randrange(len(part))
        content = decode(part) if all(letter in ALPHABET for letter in part) and len(part) % 4 != 1 else b"x"
        parts[which] = self.dice.choice(
            [
                part + "=" * self.dice.randrange(1, 5),
                part[:-1] + stray,
                base64.b64encode(content).decode(),
                content.hex(),
                encode(part.encode()),
                part[:at] + self.dice.choice("=!~\n \r") + part[at:],
                part.replace("-", "+").replace("_", "/"),
                "".join(f"%{ord(letter):02X}" if letter in "-_" else letter for letter in part),
            ]
        )
        return ".".join(parts)

    def _signed_anew(self, token: str) -> str:
        """Somebody else signs the same claims."""
        header = json.loads(decode(token.split(".")[0]))
        claims = json.loads(decode(token.split(".")[1]))
        algorithm = self.dice.choice(["ES256", "HS256", "none"])
        key = {"ES256": self._stranger, "HS256": b"the public key is no secret to anybody", "none": None}[algorithm]
        headers = header | {"alg": algorithm, "kid": self.dice.choice([header["kid"], "x", ""])}
        return jwt.encode(claims, key, algorithm, headers=headers)

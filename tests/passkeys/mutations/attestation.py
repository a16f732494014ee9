"""What an authenticator hands over when it makes a passkey. Without attestation, nobody signs it."""

import hashlib

from ceremonies import Ceremony, sign
from mutations.cbor import Pairs, Raw, encode, head
from mutations.dice import Dice

KTY, ALG, CRV, X, Y = 1, 3, -1, -2, -3
MARK = encode("authData")
# The field of P-256.
P = 2**256 - 2**224 + 2**192 + 2**96 - 1


def data_of(ceremony: Ceremony) -> bytes:
    """The data of the authenticator in a recorded attestation object, where it comes last."""
    _, _, rest = ceremony.part("attestationObject").rpartition(MARK)
    return rest[{0x58: 2, 0x59: 3}[rest[0]] :]


def object_with(data: bytes, format_: str = "none", statement: object = None) -> bytes:
    return encode({"fmt": format_, "attStmt": {} if statement is None else statement, "authData": data})


def _parts(ceremony: Ceremony) -> tuple[bytes, bytes, bytes]:
    """What comes before the credential id, the id, and the key."""
    data = data_of(ceremony)
    end = 55 + int.from_bytes(data[53:55], "big")
    return data[:53], data[55:end], data[end:]


def _asked(ceremony: Ceremony, attestation_object: bytes) -> dict:
    return ceremony.with_parts(attestationObject=attestation_object).question()


def _with_key(ceremony: Ceremony, key: object) -> dict:
    before, identifier, _ = _parts(ceremony)
    return _asked(ceremony, object_with(before + len(identifier).to_bytes(2, "big") + identifier + encode(key)))


def _key(ceremony: Ceremony) -> dict:
    """The parameters of the recorded key."""
    _, _, written = _parts(ceremony)
    if written[0] == 0xA5:
        return {KTY: 2, ALG: -7, CRV: 1, X: written[10:42], Y: written[45:77]}
    if written[:5] == bytes.fromhex("a401010327"):
        return {KTY: 1, ALG: -8, CRV: 6, X: written[10:42]}
    return {KTY: 3, ALG: -257, -1: written[12:268], -2: bytes.fromhex("010001")}


def encoding(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    """How the object is written."""
    data = data_of(ceremony)
    right = object_with(data)
    fmt, statement, auth = (("fmt", "none"), ("attStmt", {}), ("authData", data))
    variant, changed = dice.choice(
        [
            ("another order", encode(Pairs([auth, statement, fmt]))),
            ("an unknown entry", encode(Pairs([fmt, statement, auth, ("x", 1)]))),
            ("a number as key of an unknown entry", encode(Pairs([fmt, statement, auth, (1, 1)]))),
            ("fmt twice", encode(Pairs([fmt, fmt, statement, auth]))),
            ("another authData before", encode(Pairs([("authData", dice.bytes(37)), fmt, statement, auth]))),
            ("another authData behind", encode(Pairs([fmt, statement, auth, ("authData", dice.bytes(37))]))),
            ("a long length", b"\xb8\x03" + right[1:]),
            ("no definite length", b"\xbf" + right[1:] + b"\xff"),
            ("a byte behind", right + b"\0"),
            ("cut", dice.cut(right)),
            ("authData as text", encode(Pairs([fmt, statement, ("authData", "x" * len(data))]))),
            ("authData in two parts", encode(Pairs([fmt, statement, ("authData", _in_parts(data))]))),
            ("no fmt", encode(Pairs([statement, auth]))),
            ("no attStmt", encode(Pairs([fmt, auth]))),
            ("tagged", b"\xd9\xd9\xf7" + right),
            ("empty", b""),
        ]
    )
    return variant, _asked(ceremony, changed)


def _in_parts(data: bytes) -> Raw:
    return Raw(b"\x5f" + encode(data[:40]) + encode(data[40:]) + b"\xff")


def statement(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    """What authenticators say about themselves, though nobody asked."""
    data = data_of(ceremony)
    message = data + hashlib.sha256(ceremony.part("clientDataJSON")).digest()
    algorithm, signature = _key(ceremony)[ALG], sign(ceremony.key, message)
    self_signed = {"alg": algorithm, "sig": signature}
    variant, format_, said = dice.choice(
        [
            ("none, with a statement", "none", {"x": 1}),
            ("none, an array", "none", []),
            ("none, null", "none", Raw(b"\xf6")),
            ("None", "None", {}),
            ("unknown", "unknown", {}),
            ("empty", "", {}),
            ("packed, of the own key", "packed", self_signed),
            ("packed, in another order", "packed", Pairs(reversed(self_signed.items()))),
            ("packed, of other data", "packed", self_signed | {"sig": sign(ceremony.key, dice.bytes(9))}),
            ("packed, a bit of the signature", "packed", self_signed | {"sig": dice.flipped(signature)}),
            ("packed, another algorithm", "packed", self_signed | {"alg": -35}),
            ("packed, no certificates", "packed", self_signed | {"x5c": []}),
            ("packed, no certificate", "packed", self_signed | {"x5c": [b"x"]}),
            ("packed, an unknown entry", "packed", self_signed | {"x": 1}),
            ("packed, empty", "packed", {}),
            ("fido-u2f, empty", "fido-u2f", {}),
            ("apple, empty", "apple", {}),
        ]
    )
    return variant, _asked(ceremony, object_with(data, format_, said))


def key(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    """The public half."""
    right = _key(ceremony)
    pairs = list(right.items())
    name = {2: "ES256", 1: "EdDSA", 3: "RS256"}[right[KTY]]
    variants = [
        ("in another order", Pairs(reversed(pairs))),
        ("an unknown parameter", right | {-70000: 1}),
        ("a key id", right | {2: b"x"}),
        ("key_ops", right | {4: [2]}),
        ("a text as parameter", Pairs([*pairs, ("x", 1)])),
        ("a parameter twice", Pairs([*pairs, pairs[-1]])),
        ("the algorithm twice", Pairs([(ALG, -35), *pairs])),
        ("no algorithm", Pairs(pair for pair in pairs if pair[0] != ALG)),
        ("no kind", Pairs(pair for pair in pairs if pair[0] != KTY)),
        ("without the last parameter", Pairs(pairs[:-1])),
        ("another algorithm", right | {ALG: dice.choice([-35, -36, -37, -47, -53, -65535])}),
        ("another kind", right | {KTY: dice.choice([1, 2, 3, 4]) if dice.below(2) else 7}),
        ("a number of a long form", Raw(encode(Pairs(pairs)).replace(b"\x01", head(0, 1, 1), 1))),
        ("algorithm as text", right | {ALG: "ES256"}),
        ("cut", Raw(dice.cut(encode(Pairs(pairs))))),
    ]
    if name == "RS256":
        variants += _of_rsa(right, dice)
    else:
        variants += _of_curves(right, dice)
    variant, changed = dice.choice(variants)
    if changed == right:
        variant, changed = "a key id", right | {2: b"x"}
    return f"{name}, {variant}", _with_key(ceremony, changed)


def _of_rsa(right: dict, dice: Dice) -> list[tuple[str, object]]:
    modulus = right[-1]
    return [
        ("exponent 3", right | {-2: b"\3"}),
        ("exponent 1", right | {-2: b"\1"}),
        ("a zero before the exponent", right | {-2: b"\0\1\0\1"}),
        ("a modulus of 1024 bits", right | {-1: modulus[:127] + b"\1"}),
        ("a zero before the modulus", right | {-1: b"\0" + modulus}),
        ("an even modulus", right | {-1: modulus[:-1] + b"\0"}),
        ("an empty modulus", right | {-1: b""}),
    ]


def _of_curves(right: dict, dice: Dice) -> list[tuple[str, object]]:
    x = right[X]
    variants = [
        ("another curve", right | {CRV: dice.choice([2, 3, 4, 5, 8])}),
        ("x of 31 bytes", right | {X: x[:31]}),
        ("x of 33 bytes", right | {X: b"\0" + x}),
        ("x as a number", right | {X: 1}),
    ]
    if Y not in right:
        return [*variants, ("a point of order 1", right | {X: b"\1" + bytes(31)})]
    return [
        *variants,
        ("a point off the curve", right | {Y: dice.flipped(right[Y])}),
        ("the point 0, 0", right | {X: bytes(32), Y: bytes(32)}),
        ("the sign of y", right | {Y: bool(right[Y][-1] & 1)}),
        ("the other y", right | {Y: (P - int.from_bytes(right[Y], "big")).to_bytes(32, "big")}),
        ("x beyond the field", right | {X: b"\xff" * 32}),
    ]


def credential_id(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    """The name of the passkey, within what the authenticator says."""
    before, identifier, written = _parts(ceremony)
    length = len(identifier)
    variant, size, changed = dice.choice(
        [
            ("another", length, dice.bytes(length)),
            ("a bit", length, dice.flipped(identifier)),
            ("empty", 0, b""),
            ("length too small", length - 1, identifier),
            ("length too large", length + 1, identifier),
            ("length beyond the end", 65535, identifier),
        ]
    )
    return variant, _asked(ceremony, object_with(before + size.to_bytes(2, "big") + changed + written))


def long_id(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    """A name that is the same in all places, of a certain length."""
    before, _, written = _parts(ceremony)
    length = dice.choice([1, 15, 16, 1023, 1024, 2000])
    identifier = dice.bytes(length)
    data = before + length.to_bytes(2, "big") + identifier + written
    changed = ceremony.with_parts(attestationObject=object_with(data)).named(identifier)
    return f"{length} bytes", changed.question()


OF_REGISTRATIONS = {
    "attestation object, encoding": encoding,
    "attestation statement": statement,
    "public key": key,
    "attested credential id": credential_id,
    "length of the credential id": long_id,
}

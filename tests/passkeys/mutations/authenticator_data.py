"""What the authenticator says about a ceremony. But where it is changed on the way, the genuine passkey signs it."""

from dataclasses import replace

from ceremonies import Ceremony
from mutations.attestation import data_of, object_with
from mutations.cbor import Pairs, Raw, encode
from mutations.dice import Dice

UP, UV, BE, BS, AT, ED = 1, 4, 8, 16, 64, 128


def _data(ceremony: Ceremony) -> bytes:
    return ceremony.part("authenticatorData") if ceremony.kind == "get" else data_of(ceremony)


def _saying(ceremony: Ceremony, data: bytes) -> dict:
    if ceremony.kind == "get":
        return ceremony.signed(authenticatorData=data).question()
    return ceremony.with_parts(attestationObject=object_with(data)).question()


def _with_flags(data: bytes, flags: int) -> bytes:
    return data[:32] + bytes([flags]) + data[33:]


def on_the_way(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    """Nobody signs this."""
    name = "authenticatorData" if ceremony.kind == "get" else "attestationObject"
    data = ceremony.part(name)
    variant, changed = dice.choice([("a bit", dice.flipped(data)), ("cut", dice.cut(data)), ("longer", data + b"\0")])
    return f"{variant} of the {name}", ceremony.with_parts(**{name: changed}).question()


def a_bit(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    """Of the relying party, the flags and the count: what else there is has families of its own."""
    data = _data(ceremony)
    return "a bit", _saying(ceremony, dice.flipped(data[:37]) + data[37:])


def relying_party(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    return "another", _saying(ceremony, dice.bytes(32) + _data(ceremony)[32:])


def flags(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    data = _data(ceremony)
    now = data[32]
    required = "required" if ceremony.user_verification == "required" else "not required"
    eligible = "was eligible" if now & BE else "was not eligible"
    variant, value = dice.choice(
        [
            ("nobody present", now & ~UP),
            (f"person not verified, {required}", now & ~UV),
            ("person verified", now | UV),
            (f"backup eligibility, {eligible}", (now ^ BE) & ~BS),
            ("a backup that is not eligible", (now & ~BE) | BS),
            ("a backup that is eligible", now | BE | BS),
            ("reserved bit 1", now | 2),
            ("reserved bit 5", now | 32),
            ("an attested passkey, yes and no", now ^ AT),
            ("extensions, but there are none", now | ED),
            ("none", 0),
            ("all", 255),
        ]
    )
    return variant, _saying(ceremony, _with_flags(data, value))


def length(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    data = _data(ceremony)
    variant, changed = dice.choice(
        [
            ("cut", dice.cut(data)),
            ("a byte more", data + b"\0"),
            ("an empty map more", data + b"\xa0"),
            ("twice", data * 2),
            ("empty", b""),
        ]
    )
    return variant, _saying(ceremony, changed)


def extensions(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    """Results of extensions, none of which were asked for."""
    data = _data(ceremony)
    variant, value = dice.choice(
        [
            ("an empty map", {}),
            ("a map", {"credProtect": 2}),
            ("an unknown one", {"unknown": {"a": [1, b"x"]}}),
            ("a key twice", Pairs([("a", 1), ("a", 2)])),
            ("a number", 1),
            ("a text", "x"),
            ("an array", [1]),
            ("of no definite length", Raw(b"\xbf\x61a\x01\xff")),
            ("a number as key", {1: 2}),
            ("a float", Raw(b"\xa1\x61a\xfb\x3f\xf0\0\0\0\0\0\0")),
            ("a tag", Raw(b"\xa1\x61a\xc0\x61b")),
            ("two", Raw(b"\xa0\xa0")),
        ]
    )
    return variant, _saying(ceremony, _with_flags(data, data[32] | ED) + encode(value))


def count(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    data = _data(ceremony)
    kept, variant, shown = dice.choice(
        [
            (5, "goes up", 6),
            (5, "goes up by a lot", 2**32 - 1),
            (5, "stays", 5),
            (5, "goes down", 4),
            (5, "is 0 again", 0),
            (0, "stays 0", 0),
            (0, "begins", 1),
            (2**32 - 1, "stays at its highest", 2**32 - 1),
            (2**32 - 1, "begins anew", 1),
        ]
    )
    ceremony = replace(ceremony, stored=replace(ceremony.stored, sign_count=kept))
    return variant, _saying(ceremony, data[:33] + shown.to_bytes(4, "big") + data[37:])


def attested(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    """A passkey in a use, where there is none to be."""
    data, stored = _data(ceremony), ceremony.stored
    size = len(stored.credential_id).to_bytes(2, "big")
    passkey = stored.aaguid + size + stored.credential_id + stored.public_key
    variant, changed = dice.choice(
        [("the own", passkey), ("cut", dice.cut(passkey)), ("of another id", dice.bytes(18))]
    )
    return variant, _saying(ceremony, _with_flags(data, data[32] | AT) + changed)


OF_ALL = {
    "authenticator, on the way": on_the_way,
    "authenticator data": a_bit,
    "authenticator data, relying party": relying_party,
    "authenticator data, flags": flags,
    "authenticator data, length": length,
    "authenticator data, extensions": extensions,
}
OF_USES = {"authenticator data, count": count, "authenticator data, attested": attested}

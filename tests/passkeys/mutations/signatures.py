"""Signatures of uses."""

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from ceremonies import Ceremony, sign
from mutations.dice import Dice

P_256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED25519 = 2**252 + 27742317777372353535851937790883648493
ANOTHER_KEY = ec.derive_private_key(7, ec.SECP256R1())


def _integer(number: int, before: bytes = b"") -> bytes:
    content = before + number.to_bytes(number.bit_length() // 8 + 1, "big")
    return b"\x02" + bytes([len(content)]) + content


def _sequence(content: bytes, length: bytes = b"") -> bytes:
    return b"\x30" + (length or bytes([len(content)])) + content


def _ecdsa(signature: bytes, dice: Dice) -> tuple[str, bytes]:
    r, s = decode_dss_signature(signature)
    both = _integer(r) + _integer(s)
    bare = s.to_bytes(32, "big")
    return dice.choice(
        [
            ("ES256, the other s", _sequence(_integer(r) + _integer(P_256 - s))),
            ("ES256, s larger than the order", _sequence(_integer(r) + _integer(s + P_256))),
            ("ES256, r and s without DER", r.to_bytes(32, "big") + bare),
            ("ES256, a zero before r", _sequence(_integer(r, b"\0") + _integer(s))),
            ("ES256, s below zero", _sequence(_integer(r) + b"\x02\x20" + (s % 2**255 + 2**255).to_bytes(32, "big"))),
            ("ES256, a long length", _sequence(both, b"\x81" + bytes([len(both)]))),
            ("ES256, no definite length", _sequence(both + b"\0\0", b"\x80")),
            ("ES256, a number more", _sequence(both + _integer(1))),
            ("ES256, r is 0", _sequence(_integer(0) + _integer(s))),
            ("ES256, r and s are 0", _sequence(_integer(0) + _integer(0))),
            ("ES256, r and s are the order", _sequence(_integer(P_256) + _integer(P_256))),
        ]
    )


def _eddsa(signature: bytes, dice: Dice) -> tuple[str, bytes]:
    s = int.from_bytes(signature[32:], "little")
    return dice.choice(
        [
            ("EdDSA, s larger than the order", signature[:32] + (s + ED25519).to_bytes(32, "little")),
            ("EdDSA, s is 0", signature[:32] + bytes(32)),
            ("EdDSA, the neutral point", b"\x01" + bytes(63)),
        ]
    )


def _rsa(signature: bytes, dice: Dice) -> tuple[str, bytes]:
    return dice.choice(
        [
            ("RS256, a zero before it", b"\0" + signature),
            ("RS256, 1", bytes(255) + b"\1"),
            ("RS256, 0", bytes(256)),
        ]
    )


def anew(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    """Other encodings of a right signature, and numbers at which verifiers stumble."""
    signature = ceremony.part("signature")
    if isinstance(ceremony.key, ec.EllipticCurvePrivateKey):
        variant, changed = _ecdsa(signature, dice)
    elif isinstance(ceremony.key, ed25519.Ed25519PrivateKey):
        variant, changed = _eddsa(signature, dice)
    else:
        variant, changed = _rsa(signature, dice)
    return variant, ceremony.with_parts(signature=changed).question()


def on_the_way(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    signature = ceremony.part("signature")
    variant, changed = dice.choice(
        [
            ("a bit", dice.flipped(signature)),
            ("cut", dice.cut(signature)),
            ("empty", b""),
            ("a byte more", signature + b"\0"),
            ("of other data", sign(ceremony.key, dice.bytes(69))),
            ("of the client data alone", sign(ceremony.key, ceremony.part("clientDataJSON"))),
            ("of another key", sign(ANOTHER_KEY, ceremony.message())),
        ]
    )
    return variant, ceremony.with_parts(signature=changed).question()


OF_USES = {"signature": on_the_way, "signature, other encodings": anew}

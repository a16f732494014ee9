"""The JSON form of a credential: what pages send, or whoever is between them and the service."""

import copy
import json

from ceremonies import Ceremony, bytes_of, text_of
from mutations.dice import Dice

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
OUTER = ["id", "rawId", "type", "response"]


def _binary(ceremony: Ceremony) -> list[str]:
    """The members of the response that have bytes and are needed."""
    if ceremony.kind == "create":
        return ["clientDataJSON", "attestationObject"]
    return ["clientDataJSON", "authenticatorData", "signature"]


def _needed(ceremony: Ceremony) -> list[tuple[str, str]]:
    """All members that are needed, with the object that they are in."""
    return [("credential", name) for name in OUTER] + [("response", name) for name in _binary(ceremony)]


def _holder(credential: dict, place: str) -> dict:
    return credential if place == "credential" else credential["response"]


def _with(ceremony: Ceremony, change: object) -> dict:
    """The question about the credential after a change of it."""
    credential = copy.deepcopy(ceremony.credential)
    change(credential)
    return ceremony.question(json.dumps(credential))


def twice(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    place, name = dice.choice(_needed(ceremony))
    right = json.dumps(_holder(ceremony.credential, place)[name])
    kind, wrong = dice.choice([("wrong", '"AAAA"'), ("right", right), ("null", "null")])
    order, pair = dice.choice([("first", (wrong, right)), ("last", (right, wrong))])
    credential = copy.deepcopy(ceremony.credential)
    _holder(credential, place)[name] = "@"
    both = f"{pair[0]}, {json.dumps(name)}: {pair[1]}"
    variant = "twice the same" if kind == "right" else f"a {kind} one {order}"
    return variant, ceremony.question(json.dumps(credential).replace('"@"', both))


def missing(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    place, name = dice.choice(_needed(ceremony))
    return name, _with(ceremony, lambda credential: _holder(credential, place).pop(name))


def other_kind(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    place, name = dice.choice(_needed(ceremony))
    value = dice.choice([None, 1, True, [], {}, "", ["AAAA"]])
    if name == "response" and value == {}:
        value = []
    return name, _with(ceremony, lambda credential: _holder(credential, place).update({name: value}))


def other_case(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    place, name = dice.choice(_needed(ceremony))
    other = dice.choice([name.upper(), name[0].upper() + name[1:]])

    def change(credential: dict) -> None:
        holder = _holder(credential, place)
        holder[other] = holder.pop(name)

    return "a needed member", _with(ceremony, change)


def unknown(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    place = dice.choice(["credential", "response"])
    value = dice.choice([None, 1, "x", {"a": [1, {}]}, [[]]])
    return place, _with(ceremony, lambda credential: _holder(credential, place).update({"unknown": value}))


def around(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    text = json.dumps(ceremony.credential)
    variant, changed = dice.choice(
        [
            ("byte order mark", f"\ufeff{text}"),
            ("white space", f" \r\n\t{text} \n"),
            ("text behind", f"{text}x"),
            ("an object behind", f"{text}{{}}"),
            ("a NUL behind", f"{text}\0"),
            ("a comma at the end", f"{text[:-1]},}}"),
            ("a comment", f"/* */{text}"),
            ("cut", dice.cut(text.encode()).decode()),
            ("in an array", f"[{text}]"),
        ]
    )
    return variant, ceremony.question(changed)


def escaped(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    """The same text in another spelling."""
    text = json.dumps(ceremony.credential)
    _, name = dice.choice(_needed(ceremony))
    return "a name", ceremony.question(text.replace(f'"{name}"', f'"\\u{ord(name[0]):04x}{name[1:]}"'))


def base64(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    name = dice.choice(["id", *_binary(ceremony)])
    right = ceremony.credential["id"] if name == "id" else ceremony.credential["response"][name]
    padding = "=" * (-len(right) % 4)
    stray = right[:-1] + ALPHABET[ALPHABET.index(right[-1]) + 1 & 63]
    middle = dice.below(len(right) - 1) + 1
    variants = [
        ("in the other alphabet", right.translate(str.maketrans("-_", "+/"))),
        ("a blank within", f"{right[:middle]} {right[middle:]}"),
        ("a line break within", f"{right[:middle]}\n{right[middle:]}"),
        ("another sign within", f"{right[:middle]}.{right[middle:]}"),
        ("too much padding", f"{right}===="),
        ("a character that is no byte", right + "A" * (4 - len(right) % 4 + 1)),
    ]
    if padding:
        variants += [("padded", right + padding), ("stray bits at the end", stray)]
    variant, changed = dice.choice([variant for variant in variants if variant[1] != right])

    def change(credential: dict) -> None:
        if name == "id":
            credential.update(id=changed, rawId=changed)
        else:
            credential["response"][name] = changed

    where = "of the id" if name == "id" else "of the response"
    return f"{variant}, {where}", _with(ceremony, change)


def identity(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    """Which credential it is."""
    right = ceremony.credential["id"]
    other = text_of(dice.flipped(bytes_of(right)))
    variant, change = dice.choice(
        [
            ("another id", {"id": other}),
            ("another rawId", {"rawId": other}),
            ("another passkey", {"id": other, "rawId": other}),
            ("cut", {"id": right[:-4], "rawId": right[:-4]}),
            ("empty", {"id": "", "rawId": ""}),
            ("1024 bytes", {"id": "A" * 1366, "rawId": "A" * 1366}),
            ("another type", {"type": dice.choice(["public_key", "Public-Key", "password", "public-key "])}),
        ]
    )
    return variant, _with(ceremony, lambda credential: credential.update(change))


def hints(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    """What pages tell beside the ceremony."""
    name, value = dice.choice(
        [
            ("authenticatorAttachment", "elsewhere"),
            ("authenticatorAttachment", 1),
            ("authenticatorAttachment", None),
            ("clientExtensionResults", None),
            ("clientExtensionResults", {"unknown": 1}),
            ("clientExtensionResults", {"appid": True}),
            ("clientExtensionResults", {"credProps": {"rk": "yes"}}),
            ("clientExtensionResults", "x"),
        ]
    )
    return f"{name} {json.dumps(value)}", _with(ceremony, lambda credential: credential.update({name: value}))


def conveniences(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    """Members of a registration with what the attestation object has as well."""
    variant, change = dice.choice(
        [
            ("another publicKey", {"publicKey": "AAAA"}),
            ("another publicKeyAlgorithm", {"publicKeyAlgorithm": -8 if dice.below(2) else -35}),
            ("another authenticatorData", {"authenticatorData": "AAAA"}),
            ("unknown transports", {"transports": ["cable", "smart-card"]}),
            ("numbers as transports", {"transports": [1, 2]}),
            ("a text as transports", {"transports": "usb"}),
            ("no transports", {"transports": None}),
            ("many transports", {"transports": ["usb"] * 17}),
            ("a transport in capitals", {"transports": ["USB"]}),
        ]
    )
    return variant, _with(ceremony, lambda credential: credential["response"].update(change))


def user_handle(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    variant, handle = dice.choice(
        [
            ("another one", text_of(dice.bytes(32))),
            ("one bit", text_of(dice.flipped(ceremony.user_handle))),
            ("none", None),
            ("empty", ""),
            ("65 bytes", text_of(dice.bytes(65))),
            ("a number", 1),
        ]
    )
    whose = "for anybody" if ceremony.is_for_anybody else "for one person"
    return f"{variant}, {whose}", _with(ceremony, lambda credential: credential["response"].update(userHandle=handle))


OF_ALL = {
    "member twice": twice,
    "member missing": missing,
    "member of another kind": other_kind,
    "member in other case": other_case,
    "unknown member": unknown,
    "around the credential": around,
    "escapes": escaped,
    "base64url": base64,
    "credential id and type": identity,
    "hints": hints,
}
OF_REGISTRATIONS = {"conveniences": conveniences}
OF_USES = {"user handle": user_handle}

"""What the browser says about a ceremony. Unless it is changed on the way, the genuine passkey signs what it says."""

import json

from ceremonies import Ceremony
from mutations.dice import Dice

NEEDED = ["type", "challenge", "origin"]


def _members(ceremony: Ceremony) -> dict:
    return json.loads(ceremony.part("clientDataJSON"))


def _text(members: dict) -> str:
    return json.dumps(members, separators=(",", ":"))


def _saying(ceremony: Ceremony, text: str | bytes) -> dict:
    data = text if isinstance(text, bytes) else text.encode()
    return ceremony.signed(clientDataJSON=data).question()


def _changed(ceremony: Ceremony, **members: object) -> dict:
    return _saying(ceremony, _text(_members(ceremony) | members))


def on_the_way(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    """Nobody signs this. With a registration without attestation, it is as if the browser had said it."""
    data = ceremony.part("clientDataJSON")
    variant, changed = dice.choice([("a bit", dice.flipped(data)), ("cut", dice.cut(data)), ("empty", b"")])
    return variant, ceremony.with_parts(clientDataJSON=changed).question()


def a_bit(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    return "a bit", _saying(ceremony, dice.flipped(ceremony.part("clientDataJSON")))


def ceremony_type(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    other = "webauthn.get" if ceremony.kind == "create" else "webauthn.create"
    value = dice.choice([other, "payment.get", "WebAuthn.get", f"webauthn.{ceremony.kind} ", "", None, 1, [other]])
    return "another", _changed(ceremony, type=value)


def challenge(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    right = _members(ceremony)["challenge"]
    stray = right[:-1] + chr(ord(right[-1]) + 1)
    variant, value = dice.choice(
        [
            ("another", right[::-1]),
            ("cut", right[:-4]),
            ("empty", ""),
            ("longer", f"{right}AAAA"),
            ("padded", f"{right}="),
            ("stray bits at the end", stray),
            ("in the other alphabet", right.translate(str.maketrans("-_", "+/"))),
            ("a line break at the end", f"{right}\n"),
            ("of another kind", dice.choice([None, 1, [right], {"challenge": right}])),
        ]
    )
    if value == right:
        variant, value = "padded", f"{right}="
    return variant, _changed(ceremony, challenge=value)


def origin(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    right = ceremony.origin
    scheme, _, place = right.partition("://")
    host, _, port = place.partition(":")
    variant, value = dice.choice(
        [
            ("another port", f"{scheme}://{host}:1"),
            ("no port", f"{scheme}://{host}"),
            ("another scheme", f"https://{place}"),
            ("below it", f"{scheme}://app.{place}"),
            ("another host that begins like it", f"{scheme}://{host}.example:{port}"),
            ("a slash at the end", f"{right}/"),
            ("a path", f"{right}/a?b#c"),
            ("a person before it", f"{scheme}://ada@{place}"),
            ("host in capitals", f"{scheme}://{place.upper()}"),
            ("scheme in capitals", f"{scheme.upper()}://{place}"),
            ("a dot behind the host", f"{scheme}://{host}.:{port}"),
            ("a blank", f" {right}"),
            ("a zero before the port", f"{scheme}://{host}:0{port}"),
            ("the host alone", place),
            ("null", "null"),
            ("an app", "android:apk-key-hash:AAAA"),
            ("of another kind", dice.choice([None, 1, [right]])),
        ]
    )
    return variant, _changed(ceremony, origin=value)


def frame(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    """Whether the page was in a frame of another."""
    elsewhere = "https://elsewhere.example"
    variant, members = dice.choice(
        [
            ("crossOrigin true", {"crossOrigin": True}),
            ("crossOrigin true, topOrigin elsewhere", {"crossOrigin": True, "topOrigin": elsewhere}),
            ("crossOrigin true, topOrigin the own", {"crossOrigin": True, "topOrigin": ceremony.origin}),
            ("crossOrigin false, topOrigin elsewhere", {"topOrigin": elsewhere}),
            ("crossOrigin false, topOrigin the own", {"topOrigin": ceremony.origin}),
            ("crossOrigin false, topOrigin null", {"topOrigin": None}),
            ("crossOrigin false, topOrigin empty", {"topOrigin": ""}),
            ('crossOrigin "true"', {"crossOrigin": "true"}),
            ("crossOrigin 1", {"crossOrigin": 1}),
            ("crossOrigin null", {"crossOrigin": None}),
        ]
    )
    return variant, _changed(ceremony, **members)


def not_in_a_frame(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    members = _members(ceremony)
    del members["crossOrigin"]
    return "no crossOrigin", _saying(ceremony, _text(members))


def twice(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    members = _members(ceremony)
    name = dice.choice(NEEDED)
    right = json.dumps(members[name])
    wrong = '"https://elsewhere.example"'
    order, pair = dice.choice([("first", (wrong, right)), ("last", (right, wrong)), ("same", (right, right))])
    members[name] = "@"
    text = _text(members).replace('"@"', f"{pair[0]},{json.dumps(name)}:{pair[1]}")
    return "twice the same" if order == "same" else f"a wrong one {order}", _saying(ceremony, text)


def unknown_twice(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    return "an unknown one", _saying(ceremony, _text(_members(ceremony))[:-1] + ',"x":1,"x":2}')


def missing(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    members = _members(ceremony)
    name = dice.choice(NEEDED)
    del members[name]
    return name, _saying(ceremony, _text(members))


def other_case(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    members = _members(ceremony)
    name = dice.choice(NEEDED)
    members[name.capitalize()] = members.pop(name)
    return "a needed member", _saying(ceremony, _text(members))


def unknown(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    variant, value = dice.choice(
        [
            ("a text", "x"),
            ("an object", {"a": [1, {"b": None}]}),
            ("a number that is large", 10**30),
            ("5000 bytes", "x" * 5000),
            ("a hundred levels", _nested(100)),
            ("twelve hundred levels", _nested(1200)),
        ]
    )
    text = _text(_members(ceremony) | {"unknown": "@"})
    written = value if variant.endswith("levels") else json.dumps(value)
    return variant, _saying(ceremony, text.replace('"@"', written))


def _nested(levels: int) -> str:
    return "[" * levels + "]" * levels


def token_binding(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    """A member of Level 1, which Level 3 does not have."""
    value = dice.choice([{"status": "supported"}, {"status": "present", "id": "AAAA"}, {"status": "x"}, "x", {}])
    return json.dumps(value), _changed(ceremony, tokenBinding=value)


def spelling(ceremony: Ceremony, dice: Dice) -> tuple[str, dict]:
    """How the text is written."""
    members = _members(ceremony)
    text = _text(members)
    variant, changed = dice.choice(
        [
            ("byte order mark", b"\xef\xbb\xbf" + text.encode()),
            ("two byte order marks", b"\xef\xbb\xbf" * 2 + text.encode()),
            ("white space around", f"\n {text} \n"),
            ("white space within", json.dumps(members, indent=2)),
            ("another order", _text(dict(reversed(members.items())))),
            ("escapes", text.replace("webauthn", "\\u0077ebauthn").replace("http:", "\\u0068ttp:")),
            ("slashes escaped", text.replace("/", "\\/")),
            ("text behind", f"{text}x"),
            ("an object behind", f"{text}{{}}"),
            ("a NUL behind", f"{text}\0"),
            ("a comma at the end", f"{text[:-1]},}}"),
            ("no UTF-8 in an unknown member", text[:-1].encode() + b',"x":"\xff"}'),
            ("a surrogate in an unknown member", text[:-1] + ',"x":"\\ud800"}'),
            ("UTF-16", text.encode("utf-16")),
            ("NaN in an unknown member", text[:-1] + ',"x":NaN}'),
            ("in an array", f"[{text}]"),
        ]
    )
    return variant, _saying(ceremony, changed)


OF_ALL = {
    "client data, on the way": on_the_way,
    "client data": a_bit,
    "client data, type": ceremony_type,
    "client data, challenge": challenge,
    "client data, origin": origin,
    "client data, frame": frame,
    "client data, no frame": not_in_a_frame,
    "client data, member twice": twice,
    "client data, unknown member twice": unknown_twice,
    "client data, member missing": missing,
    "client data, member in other case": other_case,
    "client data, unknown member": unknown,
    "client data, token binding": token_binding,
    "client data, spelling": spelling,
}

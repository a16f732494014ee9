"""Ceremonies with all that a relying party has when it judges them, and with the means to make others out of them."""

import base64
import copy
import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key

HERE = Path(__file__).parent
RECORDED = HERE / "recorded.json"
VECTORS = HERE.parents[1] / "src/infrastructure/webauthn/tests/vectors.txt"
PERSON = b"the person of the vectors"


def text_of(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass(frozen=True)
class Passkey:
    """What a relying party keeps."""

    credential_id: bytes
    public_key: bytes
    user_handle: bytes
    rp_id: str
    sign_count: int
    aaguid: bytes
    flags: int

    def as_json(self) -> dict:
        names = ("credential_id", "public_key", "user_handle", "aaguid")
        texts = {name: text_of(getattr(self, name)) for name in names}
        flags = {"user_verified": 4, "backup_eligible": 8, "backed_up": 16}
        return {
            **texts,
            "rp_id": self.rp_id,
            "sign_count": self.sign_count,
            **{name: bool(self.flags & bit) for name, bit in flags.items()},
        }


@dataclass(frozen=True)
class Ceremony:
    """What was asked, and the credential that answers it. Of a use, also the passkey that is kept."""

    name: str
    kind: str  # create or get
    origin: str
    rp_id: str
    challenge: bytes
    user_verification: str
    user_handle: bytes
    credential: dict
    stored: Passkey | None = None
    # Of a use, whether the page did not say whose passkey it wants.
    is_for_anybody: bool = False
    key: object = field(default=None, compare=False)

    def question(self, text: str | None = None) -> dict:
        """What the verifiers are asked, for this text in place of the credential."""
        return {
            "kind": self.kind,
            "origin": self.origin,
            "rp_id": self.rp_id,
            "challenge": text_of(self.challenge),
            "user_verification": self.user_verification,
            "user_handle": text_of(self.user_handle),
            "is_for_anybody": self.is_for_anybody,
            "stored": self.stored and self.stored.as_json(),
            "credential": json.dumps(self.credential) if text is None else text,
        }

    def part(self, name: str) -> bytes:
        """The bytes of a member of the response."""
        return bytes_of(self.credential["response"][name])

    def with_parts(self, **parts: bytes | str | None) -> "Ceremony":
        """The same with other members of the response; without those that are None."""
        credential = copy.deepcopy(self.credential)
        for name, value in parts.items():
            credential["response"][name] = text_of(value) if isinstance(value, bytes) else value
            if value is None:
                del credential["response"][name]
        return replace(self, credential=credential)

    def named(self, credential_id: bytes) -> "Ceremony":
        """The same of a passkey that is called otherwise."""
        identifier = text_of(credential_id)
        return replace(self, credential=self.credential | {"id": identifier, "rawId": identifier})

    def signed(self, **parts: bytes) -> "Ceremony":
        """The same with other members, as the genuine passkey would have signed them. A registration without
        attestation is signed by nobody."""
        changed = self.with_parts(**parts)
        if self.kind == "create":
            return changed
        return changed.with_parts(signature=sign(self.key, changed.message()))

    def message(self) -> bytes:
        """What is signed."""
        return self.part("authenticatorData") + hashlib.sha256(self.part("clientDataJSON")).digest()


def sign(key: object, message: bytes) -> bytes:
    """A signature that is the same each time."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    assert isinstance(key, ed25519.Ed25519PrivateKey)
    return key.sign(message)


def made(authenticator_data: bytes, user_handle: bytes, rp_id: str) -> Passkey:
    """The passkey that is registered with this data of an authenticator, without extensions."""
    length = int.from_bytes(authenticator_data[53:55], "big")
    return Passkey(
        credential_id=authenticator_data[55 : 55 + length],
        public_key=authenticator_data[55 + length :],
        user_handle=user_handle,
        rp_id=rp_id,
        sign_count=int.from_bytes(authenticator_data[33:37], "big"),
        aaguid=authenticator_data[37:53],
        flags=authenticator_data[32],
    )


def recorded(recording: dict | None = None) -> list[Ceremony]:
    """The ceremonies of a recording, or of the one beside this file."""
    recording = recording or json.loads(RECORDED.read_text())
    place = {"origin": recording["origin"], "rp_id": recording["rp_id"]}
    found = []
    for entry in recording["passkeys"]:
        key = load_der_private_key(base64.b64decode(entry["private_key"]), None)
        options, response = entry["create"]["options"], entry["create"]["response"]
        handle = bytes_of(options["user"]["id"])
        more = {"name": entry["name"], "key": key, "user_handle": handle, **place}
        wanted = options["authenticatorSelection"]["userVerification"]
        challenge = bytes_of(options["challenge"])
        found.append(
            Ceremony(kind="create", challenge=challenge, user_verification=wanted, credential=response, **more)
        )
        passkey = made(found[-1].part("authenticatorData"), handle, recording["rp_id"])
        for use in entry["get"]:
            options, response = use["options"], use["response"]
            ceremony = Ceremony(
                kind="get",
                challenge=bytes_of(options["challenge"]),
                user_verification=options["userVerification"],
                credential=response,
                stored=passkey,
                is_for_anybody=not options["allowCredentials"],
                **more,
            )
            found.append(ceremony)
            count = int.from_bytes(ceremony.part("authenticatorData")[33:37], "big")
            passkey = replace(passkey, sign_count=count)
    return found


def vectors() -> list[Ceremony]:
    """The test vectors of Web Authentication, section 16."""
    found = []
    for block in VECTORS.read_text().split("\n[")[1:]:
        name, _, rest = block.partition("]\n")
        parts = dict(line.split(" = ", 1) for line in rest.splitlines() if " = " in line)
        place = {"name": name, "origin": "https://example.org", "rp_id": "example.org"}
        place |= {"user_verification": "preferred", "user_handle": PERSON}
        data = _authenticator_data(bytes.fromhex(parts["create.attestationObject"]))
        for kind in ("create", "get"):
            response = {"clientDataJSON": text_of(parts[f"{kind}.clientDataJSON"].encode())}
            for member in ("attestationObject", "authenticatorData", "signature"):
                if written := parts.get(f"{kind}.{member}"):
                    response[member] = text_of(bytes.fromhex(written))
            identifier = text_of(bytes.fromhex(parts["credential_id"]))
            credential = {"id": identifier, "rawId": identifier, "type": "public-key", "response": response}
            credential["clientExtensionResults"] = {}
            challenge = bytes.fromhex(parts[f"{kind}.challenge"])
            stored = made(data, PERSON, "example.org") if kind == "get" else None
            found.append(Ceremony(kind=kind, challenge=challenge, credential=credential, stored=stored, **place))
    return found


def _authenticator_data(attestation_object: bytes) -> bytes:
    """The data in an attestation object, in which it comes last."""
    _, _, rest = attestation_object.rpartition(b"\x68authData")
    lengths = {0x58: 1, 0x59: 2}
    return rest[1 + lengths[rest[0]] :]

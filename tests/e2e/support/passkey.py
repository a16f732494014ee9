"""An authenticator of Web Authentication that is no more than a key: what it answers is right, or nearly."""

import base64
import hashlib
import json
import os
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from support.client import SECONDS, Client, bearer
from support.contract import factor_pb2

ORIGIN, RP_ID = "https://ipse.localhost", "ipse.localhost"
PRESENT_AND_VERIFIED, ATTESTED = 0b101, 0b100_0000


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Passkey:
    """An authenticator with one passkey for ES256."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = os.urandom(32)
        self.user = text(os.urandom(32))
        self.count = 0

    def with_another_key(self) -> "Passkey":
        """The same credential in the hands of somebody who does not have its key."""
        other = Passkey()
        other.id, other.user, other.count = self.id, self.user, self.count
        return other

    def data(self, flags: int, more: bytes = b"") -> bytes:
        self.count += 1
        return hashlib.sha256(RP_ID.encode()).digest() + struct.pack(">BI", flags, self.count) + more

    def create(self, options: str) -> str:
        asked = json.loads(options)
        self.user = asked["user"]["id"]
        public = self.key.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (public.x, public.y))
        cose = b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20" + x + b"\x22\x58\x20" + y
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + cose
        data = self.data(PRESENT_AND_VERIFIED | ATTESTED, attested)
        attestation = b"\xa3cfmtdnonegattStmt\xa0hauthData\x58" + bytes([len(data)]) + data
        client_data = self.client_data("webauthn.create", asked["challenge"])
        return self.credential({"clientDataJSON": text(client_data), "attestationObject": text(attestation)})

    def get(self, options: str) -> str:
        client_data = self.client_data("webauthn.get", json.loads(options)["challenge"])
        data = self.data(PRESENT_AND_VERIFIED)
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        answer = {"clientDataJSON": client_data, "authenticatorData": data, "signature": signature}
        return self.credential({name: text(raw) for name, raw in answer.items()} | {"userHandle": self.user})

    def client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": ORIGIN}).encode()

    def credential(self, response: dict[str, str]) -> str:
        return json.dumps({"id": text(self.id), "rawId": text(self.id), "type": "public-key", "response": response})


def register(client: Client, access_token: str) -> Passkey:
    """A new passkey of an account."""
    metadata = bearer(access_token)
    begun = client.factors.BeginPasskey(factor_pb2.BeginPasskeyRequest(), timeout=SECONDS, metadata=metadata)
    passkey = Passkey()
    finish = factor_pb2.FinishPasskeyRequest(
        factor_id=begun.factor_id, credential_json=passkey.create(begun.creation_options_json)
    )
    client.factors.FinishPasskey(finish, timeout=SECONDS, metadata=metadata)
    return passkey

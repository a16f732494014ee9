"""The verdicts of fido2 (PyPI)."""

import base64
import json
import sys
import warnings

from fido2.server import Fido2Server
from fido2.webauthn import AttestedCredentialData

warnings.simplefilter("ignore")


def bytes_of(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def judge(question: dict) -> None:
    """Raises what the library raises."""
    rp = {"id": question["rp_id"], "name": "Example"}
    server = Fido2Server(rp, verify_origin=lambda origin: origin == question["origin"])
    state = {"challenge": question["challenge"], "user_verification": question["user_verification"]}
    credential = json.loads(question["credential"])
    if question["kind"] == "create":
        server.register_complete(state, credential)
        return
    stored = question["stored"]
    identifier, key = bytes_of(stored["credential_id"]), bytes_of(stored["public_key"])
    length = len(identifier).to_bytes(2, "big")
    kept = AttestedCredentialData(bytes_of(stored["aaguid"]) + length + identifier + key)
    server.authenticate_complete(state, [kept], credential)


for line in sys.stdin:
    try:
        judge(json.loads(line))
        print(json.dumps({"accepts": True, "why": ""}))
    except Exception as error:  # whatever it is: the library has many kinds
        print(json.dumps({"accepts": False, "why": f"{type(error).__name__}: {error}"}))

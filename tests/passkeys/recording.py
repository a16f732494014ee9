#!/usr/bin/env python3
"""Records ceremonies of several kinds of authenticators in a real Chromium.

usage: tests/passkeys/recording.py    writes recorded.json anew; expected.json has to follow (see README.md)
"""

import base64
import json
import secrets
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from support.ceremonies import BlankSite, create, get  # noqa: E402
from support.chromium import Chromium, Page  # noqa: E402

FILE = Path(__file__).with_name("recorded.json")
RP_ID = "localhost"
EDDSA, ES256, RS256 = -8, -7, -257
SYNCED = {"defaultBackupEligibility": True, "defaultBackupState": True}
UNVERIFYING = {"hasUserVerification": False, "isUserVerified": False}
U2F = {"protocol": "u2f", "transport": "usb", "hasResidentKey": False} | UNVERIFYING
# The device, the algorithm of the passkey, and whether the device is asked to find it by itself and to verify people.
KINDS = [
    ("computer", {}, ES256, True, "required"),
    ("computer, person not verified", {}, ES256, True, "discouraged"),
    ("synced", SYNCED, ES256, True, "required"),
    ("synced, person not verified", SYNCED, ES256, True, "discouraged"),
    ("to be synced", {"defaultBackupEligibility": True}, ES256, True, "preferred"),
    ("phone beside the computer", SYNCED | {"transport": "hybrid"}, ES256, True, "required"),
    ("security key with PIN", {"transport": "usb"}, ES256, True, "required"),
    ("security key", {"transport": "usb"} | UNVERIFYING, ES256, False, "discouraged"),
    ("security key of U2F", U2F, ES256, False, "discouraged"),
    ("computer, EdDSA", {}, EDDSA, True, "required"),
    ("synced, EdDSA", SYNCED, EDDSA, True, "preferred"),
    ("computer, RS256", {}, RS256, True, "required"),
]


def text_of(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def creation_options(algorithm: int, is_found: bool, user_verification: str) -> dict:
    return {
        "rp": {"id": RP_ID, "name": "Example"},
        "user": {"id": text_of(secrets.token_bytes(32)), "name": "ada@example.com", "displayName": "Ada"},
        "challenge": text_of(secrets.token_bytes(32)),
        "pubKeyCredParams": [{"type": "public-key", "alg": algorithm}],
        "authenticatorSelection": {
            "residentKey": "required" if is_found else "discouraged",
            "requireResidentKey": is_found,
            "userVerification": user_verification,
        },
        "attestation": "none",
    }


def request_options(user_verification: str, allowed: dict | None) -> dict:
    allow = [{"type": "public-key", "id": allowed["id"]}] if allowed else []
    challenge = text_of(secrets.token_bytes(32))
    return {
        "challenge": challenge,
        "rpId": RP_ID,
        "allowCredentials": allow,
        "userVerification": user_verification,
    }


def record(page: Page, kind: tuple) -> dict:
    """One passkey: how it was made, and two uses. Its private half is there too, for what is to be signed anew."""
    name, device, algorithm, is_found, user_verification = kind
    authenticator = page.add_authenticator(**device)
    options = creation_options(algorithm, is_found, user_verification)
    made = create(page, options)
    uses = []
    for allowed in ({} if is_found else made, made):
        asked = request_options(user_verification, allowed)
        uses.append({"options": asked, "response": get(page, asked)})
    [kept] = authenticator.passkeys
    authenticator.remove()
    ceremony = {"options": options, "response": made}
    return {"name": name, "private_key": kept["privateKey"], "create": ceremony, "get": uses}


def record_all(folder: Path) -> dict:
    with BlankSite() as site, Chromium(folder) as browser, browser.new_page(site.origin) as page:
        version = browser.call("Browser.getVersion")["product"]
        passkeys = [record(page, kind) for kind in KINDS]
    return {"browser": version, "origin": site.origin, "rp_id": RP_ID, "passkeys": passkeys}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        FILE.write_text(json.dumps(record_all(Path(temporary)), indent=1) + "\n")

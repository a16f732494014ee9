"""Passkeys of a real browser, with devices of several kinds: what the service says of them, and of their people."""

import base64

import grpc
import pytest
from person import TWO_FACTORS, Person, begin_alone, finish_alone

from support.ceremonies import BlankSite, create, get
from support.chromium import Chromium, Page, ScriptError
from support.client import Client
from support.errors import refused

SYNCED = {"defaultBackupEligibility": True, "defaultBackupState": True}
UNVERIFYING = {"hasUserVerification": False, "isUserVerified": False}
# The device; what the service says of its passkey (may be copied, has copies, verifies); how tokens name it; how it is
# reached.
DEVICES = {
    "computer": ({}, (False, False, True), "hwk", ["internal"]),
    "synced": (SYNCED, (True, True, True), "swk", ["internal"]),
    "to be synced": ({"defaultBackupEligibility": True}, (True, False, True), "swk", ["internal"]),
    "security key": ({"transport": "usb"}, (False, False, True), "hwk", ["usb"]),
    "phone beside": (SYNCED | {"transport": "hybrid"}, (True, True, True), "swk", ["ble", "hybrid"]),
    "not verifying": (UNVERIFYING, (False, False, False), "hwk", ["internal"]),
    "not verifying, synced": (SYNCED | UNVERIFYING, (True, True, False), "swk", ["internal"]),
}
MODEL, NO_MODEL = "01020304-0506-0708-0102-030405060708", "00000000-0000-0000-0000-000000000000"
UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED


def refused_as_wrong():
    """What whoever answers is told, whatever is wrong."""
    return refused(UNAUTHENTICATED, "MFA_CODE_INVALID")


@pytest.mark.parametrize("name", DEVICES)
def test_a_passkey_is_what_its_device_says(name: str, ada: Person, page: Page) -> None:
    device, expected, method, transports = DEVICES[name]
    page.add_authenticator(**device)
    made = ada.add_passkey(page)
    assert len(set(made.recovery_codes)) == 10
    [factor] = ada.passkeys()
    passkey = factor.passkey
    assert (passkey.backup_eligible, passkey.backed_up, passkey.user_verifying) == expected
    assert (passkey.rp_id, sorted(passkey.transports), factor.display_name) == ("localhost", transports, "mine")
    # Chromium hides the model of security keys.
    assert passkey.aaguid == (NO_MODEL if transports == ["usb"] else MODEL)
    assert not factor.HasField("last_used_time")

    said = ada.sign_in_with_both(page)
    assert (said["acr"], set(said["amr"])) == (TWO_FACTORS, {"pwd", method, "user", "mfa"})
    assert ada.passkeys()[0].HasField("last_used_time")
    if passkey.user_verifying:
        said = ada.sign_in_alone(page)
        assert (said["acr"], set(said["amr"])) == (TWO_FACTORS, {method, "user", "mfa"})


def test_a_device_that_verifies_nobody_is_no_sign_in_alone(ada: Person, client: Client, page: Page) -> None:
    page.add_authenticator(**UNVERIFYING)
    ada.add_passkey(page)
    [passkey] = ada.passkeys()
    challenge_token, options = begin_alone(client)
    with pytest.raises(ScriptError, match="NotAllowedError"):
        get(page, options)
    # A page that asks for less gets an answer, and the service refuses it.
    challenge = ada.challenge()
    allowed = ada.question(challenge)["allowCredentials"]
    credential = get(page, options | {"userVerification": "discouraged", "allowCredentials": allowed})
    with refused_as_wrong():
        finish_alone(client, challenge_token, credential)
    assert ada.refusals()[-1] == "USER_VERIFICATION"
    assert ada.passkeys() == [passkey]


def test_a_person_has_passkeys_on_two_devices(ada: Person, page: Page) -> None:
    first = page.add_authenticator()
    ada.add_passkey(page)
    ada.step_up(page)
    factor_id, options = ada.begin()
    with pytest.raises(ScriptError, match="InvalidStateError"):  # this device has one already
        create(page, options)
    first.answer_at_once(False)
    second = page.add_authenticator(transport="usb", **SYNCED)
    second_made = ada.finish(factor_id, create(page, options | {"excludeCredentials": []}))
    assert list(second_made.recovery_codes) == []
    assert [factor.passkey.backup_eligible for factor in ada.passkeys()] == [False, True]

    assert "swk" in ada.sign_in_alone(page)["amr"]
    second.remove()
    first.answer_at_once(True)
    assert "hwk" in ada.sign_in_alone(page)["amr"]
    assert "hwk" in ada.sign_in_with_both(page)["amr"]


def test_a_step_up_is_a_new_session(ada: Person, page: Page) -> None:
    page.add_authenticator()
    ada.add_passkey(page)
    before = ada.sign_in_with_both(page)
    said = ada.step_up(page)
    assert said["sid"] != before["sid"] and said["acr"] == TWO_FACTORS and "hwk" in said["amr"]


def test_a_page_elsewhere_gets_no_sign_in(ada: Person, client: Client, page: Page, browser: Chromium) -> None:
    """On another port the browser lets the page ask, as the relying party is a domain; on an address it does not."""
    device = page.add_authenticator()
    ada.add_passkey(page)
    [kept] = device.passkeys
    with BlankSite() as elsewhere, browser.new_page(elsewhere.origin) as other:
        other.add_authenticator().copy(kept)
        challenge_token, options = begin_alone(client)
        credential = get(other, options)
        with refused_as_wrong():
            finish_alone(client, challenge_token, credential)
        assert ada.refusals()[-1] == "ORIGIN"
        other.open(f"http://127.0.0.1:{elsewhere.port}")
        with pytest.raises(ScriptError, match="SecurityError"):
            get(other, begin_alone(client)[1])
    assert "hwk" in ada.sign_in_alone(page)["amr"]


def test_a_registration_elsewhere_is_refused(ada: Person, browser: Chromium) -> None:
    with BlankSite() as elsewhere, browser.new_page(elsewhere.origin) as other:
        other.add_authenticator()
        factor_id, options = ada.begin()
        credential = create(other, options)
    with refused_as_wrong():
        ada.finish(factor_id, credential)
    assert ada.refusals()[-1] == "ORIGIN"
    assert ada.passkeys() == []


def test_a_frame_in_a_page_from_elsewhere_is_refused(ada: Person, client: Client, page: Page, site: BlankSite) -> None:
    page.add_authenticator()
    ada.add_passkey(page)
    challenge_token, options = begin_alone(client)
    with BlankSite() as elsewhere:
        page.open(elsewhere.origin)
        credential = get(page.in_frame(site.origin, "publickey-credentials-get"), options)
    with refused_as_wrong():
        finish_alone(client, challenge_token, credential)
    assert ada.refusals()[-1] == "CROSS_ORIGIN"


def test_a_ceremony_that_is_cancelled_may_be_held_again(ada: Person, client: Client, page: Page) -> None:
    device = page.add_authenticator()
    factor_id, options = ada.begin()
    device.verify_person(False)
    with pytest.raises(ScriptError, match="NotAllowedError"):
        create(page, options)
    device.verify_person(True)
    device.answer_at_once(False)
    cancel = """
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(a[0]);
    await navigator.credentials.create({publicKey, signal: AbortSignal.timeout(200)});
    """
    with pytest.raises(ScriptError, match="TimeoutError|AbortError"):
        page.run(cancel, options)
    device.answer_at_once(True)
    ada.finish(factor_id, create(page, options))

    challenge_token, options = begin_alone(client)
    device.verify_person(False)
    with pytest.raises(ScriptError, match="NotAllowedError"):
        get(page, options)
    device.verify_person(True)
    finish_alone(client, challenge_token, get(page, options))


def test_passkeys_are_offered_with_the_address(ada: Person, page: Page) -> None:
    page.add_authenticator()
    ada.add_passkey(page)
    assert page.run("return await PublicKeyCredential.isConditionalMediationAvailable()")
    said = ada.sign_in_alone(page, mediation="conditional")
    assert (said["acr"], set(said["amr"])) == (TWO_FACTORS, {"hwk", "user", "mfa"})


def test_an_answer_is_good_once(ada: Person, client: Client, page: Page) -> None:
    page.add_authenticator()
    ada.add_passkey(page)
    challenge_token, options = begin_alone(client)
    credential = get(page, options)
    finish_alone(client, challenge_token, credential)
    with refused(UNAUTHENTICATED, "MFA_CHALLENGE_INVALID"):
        finish_alone(client, challenge_token, credential)
    with refused_as_wrong():
        finish_alone(client, begin_alone(client)[0], credential)
    assert ada.refusals()[-1] == "CHALLENGE"


def test_a_copy_that_counts_for_itself_is_refused(ada: Person, client: Client, page: Page, browser: Chromium) -> None:
    device = page.add_authenticator()
    ada.add_passkey(page)
    [copied] = device.passkeys
    for _ in range(2):
        ada.sign_in_alone(page)
    with browser.new_page(page.url) as other:
        other.add_authenticator().copy(copied)
        for _ in range(2):  # its counts are those that the genuine one has shown
            challenge_token, options = begin_alone(client)
            credential = get(other, options)
            with refused_as_wrong():
                finish_alone(client, challenge_token, credential)
            assert ada.refusals()[-1] == "SIGN_COUNT"
    assert "hwk" in ada.sign_in_alone(page)["amr"]


def test_the_state_of_backups_is_kept_up_to_date(ada: Person, client: Client, page: Page) -> None:
    device = page.add_authenticator(defaultBackupEligibility=True)
    ada.add_passkey(page)
    [kept] = device.passkeys
    for is_backed_up in (True, False):
        device.call("setCredentialProperties", credentialId=kept["credentialId"], backupState=is_backed_up)
        ada.sign_in_alone(page)
        assert [factor.passkey.backed_up for factor in ada.passkeys()] == [is_backed_up]

    device.call("setCredentialProperties", credentialId=kept["credentialId"], backupEligibility=False)
    challenge_token, options = begin_alone(client)
    credential = get(page, options)
    with refused_as_wrong():
        finish_alone(client, challenge_token, credential)
    assert ada.refusals()[-1] == "BACKUP_ELIGIBILITY"


def test_somebody_elses_passkey_is_no_second_factor(client: Client, server, page: Page, browser: Chromium) -> None:
    ada, eve = Person(client, server), Person(client, server)
    page.add_authenticator()
    ada.add_passkey(page)
    with browser.new_page(page.url) as other:
        other.add_authenticator()
        eve.add_passkey(other)
        challenge_token = ada.challenge()
        credential = get(other, ada.question(challenge_token) | {"allowCredentials": []})
    with refused_as_wrong():
        ada.answer(challenge_token, credential)


def test_a_passkey_of_nobody_gets_the_answer_of_a_wrong_one(
    client: Client, ada: Person, page: Page
) -> None:
    device = page.add_authenticator()
    ada.add_passkey(page)
    [kept] = device.passkeys
    device.call("clearCredentials")
    device.copy(kept | {"credentialId": base64.b64encode(bytes(32)).decode()})
    challenge_token, options = begin_alone(client)
    credential = get(page, options)
    with refused_as_wrong():
        finish_alone(client, challenge_token, credential)
    assert ada.refusals()[-1] == "UNKNOWN_CREDENTIAL"

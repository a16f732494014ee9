"""The page in examples/passkeys, as somebody uses it in a browser."""

import http.client
import json
import secrets
from collections.abc import Iterator

import pytest

from support.chromium import Chromium
from support.client import PASSWORD
from support.passkey_page import Example, Visitor
from support.server import Server
from support.waiting import wait_until


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """The example with a server as its README has it."""
    folder = tmp_path_factory.mktemp("example")
    example = Example(folder)
    with Server(folder / "ipse", webauthn_rp_id="localhost", webauthn_origins=example.origin) as server:
        try:
            example.start(server.target)
            yield example
        finally:
            example.close()


@pytest.fixture
def visitor(example: Example, browser: Chromium) -> Iterator[Visitor]:
    """Somebody who has come to the page for the first time, with a device."""
    with browser.new_page(example.origin) as page:
        page.add_authenticator()
        yield Visitor(page).await_section("signed-out")


def sign_up(visitor: Visitor) -> str:
    email = f"ada-{secrets.token_hex(6)}@example.com"
    visitor.type("password-form", email=email, password=PASSWORD).click("[name=sign-up]").await_section("signed-in")
    return email


def add_passkey(visitor: Visitor, name: str = "my computer") -> list[str]:
    """Registers a passkey, and returns the recovery codes."""
    visitor.type("passkey-form", name=name).click("#passkey-form button")
    wait_until(lambda: visitor.items("#factors li"), f"there is a passkey, not: {visitor.text('#message')}")
    wait_until(lambda: visitor.text("#codes pre"), "codes are shown")
    return visitor.text("#codes pre").split("\n")


def sign_out(visitor: Visitor) -> None:
    """Signs out in a browser that offers no passkeys with the address: the device would choose one at once."""
    visitor.page.run("PublicKeyCredential.isConditionalMediationAvailable = undefined")
    visitor.click("#sign-out").await_section("signed-out")


def test_somebody_signs_up_and_signs_in_with_a_passkey_alone(visitor: Visitor) -> None:
    email = sign_up(visitor)
    assert (visitor.text("#email"), visitor.text("#amr"), visitor.text("#acr")) == (email, "pwd", "urn:ipse:aal:1")
    assert len(add_passkey(visitor)) == 10
    assert visitor.items("#factors li")[0] == "my computer (on one device, verifies you)"
    # The page offers passkeys as soon as nobody is signed in, and the device chooses the only one.
    visitor.click("#sign-out")
    wait_until(lambda: visitor.text("#amr") == "hwk, user, mfa", f"the passkey signs in: {visitor.text('#message')}")
    assert (visitor.text("#email"), visitor.text("#acr")) == (email, "urn:ipse:aal:2")


def test_the_button_signs_in_as_well(visitor: Visitor) -> None:
    sign_up(visitor)
    add_passkey(visitor)
    sign_out(visitor)
    visitor.click("#passkey-sign-in").await_section("signed-in")
    assert visitor.text("#amr") == "hwk, user, mfa"


def test_a_challenge_is_answered_with_a_passkey_or_a_code(visitor: Visitor) -> None:
    email = sign_up(visitor)
    codes = add_passkey(visitor)
    for amr, prove in [
        ("pwd, hwk, user, mfa", lambda: visitor.click("#prove-passkey")),
        ("pwd, otp, mfa", lambda: visitor.type("proof-form", value=codes[0]).click("#proof-form button")),
    ]:
        sign_out(visitor)
        visitor.type("password-form", email=email, password=PASSWORD).click("[name=sign-in]").await_section("challenge")
        prove()
        visitor.await_section("signed-in")
        assert visitor.text("#amr") == amr


def test_a_second_passkey_takes_a_step_up(visitor: Visitor) -> None:
    sign_up(visitor)
    add_passkey(visitor)
    second = visitor.page.add_authenticator(transport="usb", defaultBackupEligibility=True)
    assert second.passkeys == []
    visitor.type("passkey-form", name="my key").click("#passkey-form button").await_section("challenge")
    assert visitor.items("#proof-form option") == ["Recovery code"]  # the password alone does not do
    visitor.click("#prove-passkey").await_section("signed-in")
    wait_until(lambda: len(visitor.items("#factors li")) == 3, f"a second passkey: {visitor.text('#message')}")
    assert "my key (can be synced, verifies you)" in visitor.items("#factors li")


def test_who_cancels_is_where_they_were(visitor: Visitor) -> None:
    sign_up(visitor)
    visitor.click("#step-up").await_section("challenge")
    visitor.click("#cancel").await_section("signed-in").await_message("cancelled")
    visitor.click("#step-up").await_section("challenge")
    assert visitor.page.run("return document.getElementById('proof-form').elements.value.type") == "password"
    visitor.type("proof-form", value="not the password").click("#proof-form button")
    visitor.await_message("CREDENTIALS_INVALID")
    visitor.type("proof-form", value=PASSWORD).click("#proof-form button").await_section("signed-in")


def test_a_wrong_password_says_so(visitor: Visitor) -> None:
    visitor.type("password-form", email="nobody@example.com", password=PASSWORD).click("[name=sign-in]")
    visitor.await_message("CREDENTIALS_INVALID")
    assert visitor.sees("signed-out")


def test_scripts_of_the_page_see_no_secrets(visitor: Visitor) -> None:
    sign_up(visitor)
    [cookie] = visitor.page.call("Network.getCookies")["cookies"]
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"
    assert visitor.page.run("return document.cookie + JSON.stringify({...localStorage, ...sessionStorage})") == "{}"


def post(example: Example, path: str, **headers: str) -> tuple[int, dict, dict]:
    connection = http.client.HTTPConnection("127.0.0.1", example.port, timeout=10)
    try:
        connection.request("POST", path, "{}", {"content-type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), json.loads(answer.read())
    finally:
        connection.close()


def test_other_sites_have_no_say(example: Example) -> None:
    for headers in ({}, {"origin": "http://localhost:1"}, {"origin": example.origin, "content-type": "text/plain"}):
        assert post(example, "/passkey-login/begin", **headers)[0] == 403
    status, headers, told = post(example, "/passkey-login/begin", origin=example.origin)
    assert status == 200 and list(told) == ["options"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["set-cookie"].endswith("; HttpOnly; SameSite=Strict; Path=/")
    assert post(example, "/me", origin=example.origin)[2] == {"reason": "TOKEN_MISSING", "acr": ""}
    assert post(example, "/unknown", origin=example.origin)[0] == 404


def test_a_sign_in_gets_a_new_cookie(visitor: Visitor) -> None:
    visitor.page.run("await fetch('/me', {method: 'POST', headers: {'content-type': 'application/json'}, body: '{}'})")
    [before] = visitor.page.call("Network.getCookies")["cookies"]
    sign_up(visitor)
    [after] = visitor.page.call("Network.getCookies")["cookies"]
    assert before["value"] != after["value"]

"""A program with an account of its own, through grpcurl alone: from its first key to the end of the last one."""

import base64
import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from support import people
from support.grpcurl import Grpcurl
from support.server import Server
from support.waiting import wait_until

FORM = re.compile(r"ipse_[0-9a-f]{32}_[0-9a-f]{72}")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path) as server:
        yield server


@pytest.fixture
def root(server: Server) -> str:
    """The access token of an administrator."""
    with server.client() as client:
        return people.administrator(server, client)


def claims(access_token: str) -> dict:
    payload = access_token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def introspected(grpcurl: Grpcurl, bearer: str, token: str) -> dict:
    return grpcurl.call("TokenService/IntrospectToken", bearer=bearer, token=token)


def test_a_program_and_its_key(server: Server, root: str) -> None:
    grpcurl = Grpcurl(server.target)
    as_root = partial(grpcurl.call, bearer=root)

    # An account that may do what services do.
    account = as_root("ServiceAccountService/CreateServiceAccount", serviceAccount={"name": "orders"})["serviceAccount"]
    roles = {role["name"]: role["id"] for role in as_root("RoleService/ListRoles")["roles"]}
    assert as_root("RoleService/GrantRole", roleId=roles["service"], serviceAccountId=account["id"]) == {}

    # Its key is told once.
    made = as_root("ServiceAccountService/CreateApiKey", apiKey={"serviceAccountId": account["id"]})
    key, secret = made["apiKey"], made["secret"]
    assert FORM.fullmatch(secret) and secret.startswith(key["prefix"])
    listed = as_root("ServiceAccountService/ListApiKeys", serviceAccountId=account["id"])
    assert listed["apiKeys"] == [key] and secret not in str(listed)

    # The program gets a token and asks about one, its own.
    token = grpcurl.call("TokenService/ExchangeApiKey", apiKey=secret)["accessToken"]
    assert (claims(token)["sub"], claims(token)["sid"]) == (account["id"], key["id"])
    found = introspected(grpcurl, token, token)
    assert (found["active"], found["kind"], found["subject"]) == (True, "SUBJECT_KIND_SERVICE", account["id"])
    assert found["roles"] == ["service"]
    narrow = grpcurl.call("TokenService/ExchangeApiKey", apiKey=secret, scopes=["users.read"])["accessToken"]
    assert introspected(grpcurl, token, narrow)["scopes"] == ["users.read"]
    assert "PERMISSION_MISSING" in grpcurl.refusal("TokenService/IntrospectToken", bearer=narrow, token=token)
    assert "PERMISSION_MISSING" in grpcurl.refusal("TokenService/ExchangeApiKey", apiKey=secret, scopes=["users.write"])

    # The key itself is no token, and whoever is a program is no person.
    assert "TOKEN_INVALID" in grpcurl.refusal("TokenService/IntrospectToken", bearer=secret, token=token)
    assert "PERSON_REQUIRED" in grpcurl.refusal("AccountService/GetMe", bearer=token)

    # Its use is noted soon.
    def last_use() -> bool:
        keys = as_root("ServiceAccountService/ListApiKeys", serviceAccountId=account["id"])["apiKeys"]
        return "lastUsedTime" in keys[0]

    wait_until(last_use, "the use of the key is written down")

    # A revoked key is dead, and so are the tokens that it was exchanged for.
    as_root("ServiceAccountService/RevokeApiKey", id=key["id"])
    assert "CREDENTIALS_INVALID" in grpcurl.refusal("TokenService/ExchangeApiKey", apiKey=secret)
    assert "TOKEN_INVALID" in grpcurl.refusal("TokenService/IntrospectToken", bearer=token, token=token)
    assert introspected(grpcurl, root, token) == {}
    assert secret not in server.log() and secret[38:] not in server.log()


def test_a_disabled_account_and_an_erased_one(server: Server, root: str) -> None:
    grpcurl = Grpcurl(server.target)
    as_root = partial(grpcurl.call, bearer=root)
    account = as_root("ServiceAccountService/CreateServiceAccount", serviceAccount={"name": "orders"})["serviceAccount"]
    secret = as_root("ServiceAccountService/CreateApiKey", apiKey={"serviceAccountId": account["id"]})["secret"]
    token = grpcurl.call("TokenService/ExchangeApiKey", apiKey=secret)["accessToken"]
    assert introspected(grpcurl, root, token)["active"]
    as_root("ServiceAccountService/DisableServiceAccount", id=account["id"])
    assert introspected(grpcurl, root, token) == {}
    assert "CREDENTIALS_INVALID" in grpcurl.refusal("TokenService/ExchangeApiKey", apiKey=secret)
    as_root("ServiceAccountService/EnableServiceAccount", id=account["id"])
    assert introspected(grpcurl, root, token) == {}
    grpcurl.call("TokenService/ExchangeApiKey", apiKey=secret)
    as_root("ServiceAccountService/DeleteServiceAccount", id=account["id"])
    assert "CREDENTIALS_INVALID" in grpcurl.refusal("TokenService/ExchangeApiKey", apiKey=secret)
    assert "RESOURCE_NOT_FOUND" in grpcurl.refusal(
        "ServiceAccountService/GetServiceAccount", bearer=root, id=account["id"]
    )

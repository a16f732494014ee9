"""A day of an operator, through grpcurl alone: from the first administrator to the trail of all that was done. The
server is one of production, where administrators need a second factor."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import mail
from support.client import PASSWORD
from support.factors import AAL0, AAL1, AAL2, App, claims
from support.grpcurl import Grpcurl
from support.mail import INVITATION
from support.server import Server, migrated, run
from support.smtp import MailServer


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with MailServer(None) as mail_server:
        yield mail_server


@pytest.fixture
def server(mail_server: MailServer, tmp_path: Path) -> Iterator[Server]:
    url = f"smtp+plaintext://127.0.0.1:{mail_server.port}"
    with migrated(Server(tmp_path / "ipse", dev=False, reflection="true", smtp_url=url)) as server:
        yield server


class Day:
    """What the people of this day do, each with the access token of the own sign-in."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.grpcurl = Grpcurl(server.target)
        self.tokens: dict[str, str] = {}
        self.apps: dict[str, App] = {}

    def accept(self, email: str, invitation: str) -> None:
        """Sets the password with an invitation and signs in."""
        assert self.grpcurl.call("AuthService/ResetPassword", token=invitation, newPassword=PASSWORD) == {}
        self.log_in(email)

    def log_in(self, email: str) -> None:
        answer = self.grpcurl.call("AuthService/Login", identifier=email, password=PASSWORD)
        if challenge := answer.get("mfaChallenge"):
            proof = self.apps[email].proof()
            answer = self.grpcurl.call("AuthService/CompleteMfa", challengeToken=challenge["challengeToken"], **proof)
        self.tokens[email] = answer["tokens"]["accessToken"]

    def enrol(self, email: str) -> None:
        """Enrols an authenticator app."""
        begun = self.call(email, "FactorService/BeginTotp", displayName="phone")
        app = self.apps[email] = App(begun["secret"])
        confirmed = self.call(email, "FactorService/ConfirmTotp", factorId=begun["factorId"], code=app.code())
        app.recovery_codes += confirmed["recoveryCodes"]

    def call(self, who: str, method: str, **fields: object) -> dict:
        return self.grpcurl.call(method, bearer=self.tokens[who], **fields)

    def refusal(self, who: str, method: str, **fields: object) -> str:
        return self.grpcurl.refusal(method, bearer=self.tokens[who], **fields)


def first_administrator(server: Server, email: str) -> str:
    """The invitation that the command line prints."""
    done = run("admin", "create", "--email", email, cwd=server.folder, settings=server.settings)
    assert done.returncode == 0, done.stderr
    tokens = re.findall(r"^  ([\w-]{43})$", done.stdout, re.MULTILINE)
    assert len(tokens) == 1, done.stdout
    return tokens[0]


def test_a_day_of_an_operator(server: Server, mail_server: MailServer) -> None:
    day = Day(server)
    root, colleague, ada = "root@example.com", "colleague@example.com", "ada@example.com"

    # The first administrator: an invitation that works once.
    invitation = first_administrator(server, root)
    day.accept(root, invitation)
    assert "ACTION_TOKEN_INVALID" in day.grpcurl.refusal(
        "AuthService/ResetPassword", token=invitation, newPassword=PASSWORD
    )

    # Whoever has yet to enrol a second factor can do nothing else.
    assert claims(day.tokens[root])["acr"] == AAL0
    for method in ("AccountService/GetMe", "UserService/ListUsers", "AuditService/ListAuditEvents"):
        refusal = day.refusal(root, method)
        assert "PermissionDenied" in refusal and "MFA_REQUIRED" in refusal, refusal
    day.enrol(root)
    day.log_in(root)
    assert (claims(day.tokens[root])["acr"], claims(day.tokens[root])["amr"]) == (AAL2, ["pwd", "otp", "mfa"])
    assert day.call(root, "AccountService/GetMe")["roles"] == ["administrator"]

    # A colleague is invited by mail and gets a role.
    invited = day.call(root, "UserService/CreateUser", user={"email": colleague, "displayName": "Col League"})["user"]
    assert invited["state"] == "USER_STATE_PENDING"
    day.accept(colleague, mail.token(mail_server.wait_for(colleague, INVITATION), INVITATION))
    assert claims(day.tokens[colleague])["acr"] == AAL1
    assert "PERMISSION_MISSING" in day.refusal(colleague, "UserService/GetUser", id=invited["id"])
    roles = {role["name"]: role["id"] for role in day.call(root, "RoleService/ListRoles")["roles"]}
    assert day.call(root, "RoleService/GrantRole", roleId=roles["support"], userId=invited["id"]) == {}
    assert day.call(colleague, "UserService/GetUser", id=invited["id"])["user"]["email"] == colleague

    # Support creates people, finds them, and cannot touch an administrator.
    made = {}
    for number in range(12):
        email = f"person{number:02}@example.com"
        user = {"email": email, "username": f"person{number:02}", "emailVerified": True}
        made[email] = day.call(colleague, "UserService/CreateUser", user=user, password=PASSWORD)["user"]["id"]
    ada_id = day.call(
        colleague, "UserService/CreateUser", user={"email": ada, "emailVerified": True}, password=PASSWORD
    )["user"]["id"]
    me = day.call(root, "AccountService/GetMe")["user"]["id"]
    assert "PERMISSION_MISSING" in day.refusal(colleague, "UserService/SuspendUser", id=me)

    # Pages and filters.
    seen, token = [], ""
    while True:
        page = day.call(
            colleague,
            "UserService/ListUsers",
            pageSize=5,
            pageToken=token,
            filter='email = "person*" AND state = ACTIVE',
            orderBy="email desc",
        )
        seen += [user["email"] for user in page["users"]]
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert seen == sorted(made, reverse=True)
    found = day.call(colleague, "UserService/ListUsers", filter="role = support")["users"]
    assert [user["email"] for user in found] == [colleague]
    assert day.call(colleague, "UserService/LookupUser", username="person03")["user"]["email"] == seen[-4]

    # A suspension ends the session at once; an activation lets the person sign in again.
    day.log_in(ada)
    day.call(ada, "AccountService/GetMe")
    suspended = day.call(colleague, "UserService/SuspendUser", id=ada_id, reason="chargebacks")["user"]
    assert (suspended["state"], suspended["stateReason"]) == ("USER_STATE_SUSPENDED", "chargebacks")
    assert "TOKEN_INVALID" in day.refusal(ada, "AccountService/GetMe")
    refusal = day.grpcurl.refusal("AuthService/Login", identifier=ada, password=PASSWORD)
    assert "ACCOUNT_DISABLED" in refusal
    assert day.call(colleague, "UserService/ActivateUser", id=ada_id)["user"]["state"] == "USER_STATE_ACTIVE"
    day.log_in(ada)

    # A new address, by the operator; both addresses are told.
    moved = "ada@new.example"
    changed = day.call(
        colleague,
        "UserService/UpdateUser",
        user={"id": ada_id, "email": moved, "emailVerified": True},
        updateMask={"paths": ["email", "email_verified"]},
    )["user"]
    assert (changed["email"], changed["emailVerified"]) == (moved, True)
    assert day.call(colleague, "UserService/LookupUser", email=moved)["user"]["id"] == ada_id

    # Support may not delete; an administrator deletes, takes it back, deletes again and purges.
    assert "PERMISSION_MISSING" in day.refusal(colleague, "UserService/DeleteUser", id=ada_id)
    assert day.call(root, "UserService/DeleteUser", id=ada_id)["user"]["state"] == "USER_STATE_DELETED"
    listed = day.call(root, "UserService/ListUsers", filter=f'email = "{moved}"')
    assert listed.get("users", []) == []
    listed = day.call(root, "UserService/ListUsers", filter=f'email = "{moved}"', showDeleted=True)
    assert [user["id"] for user in listed["users"]] == [ada_id]
    assert day.call(root, "UserService/UndeleteUser", id=ada_id)["user"]["state"] == "USER_STATE_ACTIVE"
    assert "USER_STATE_INVALID" in day.refusal(root, "UserService/PurgeUser", id=ada_id)
    day.call(root, "UserService/DeleteUser", id=ada_id)
    assert day.call(root, "UserService/PurgeUser", id=ada_id) == {}
    assert "RESOURCE_NOT_FOUND" in day.refusal(root, "UserService/GetUser", id=ada_id)

    # The trail of all of it, oldest first, by id alone.
    assert "PERMISSION_MISSING" in day.refusal(colleague, "AuditService/ListAuditEvents")
    events = day.call(root, "AuditService/ListAuditEvents", pageSize=1000, filter=f'subject = "{ada_id}"')["events"]
    told = [(event["type"], event.get("actor", "")) for event in reversed(events)]
    assert told == [
        ("user_created", invited["id"]),
        ("authn_login_success", ada_id),
        ("user_suspended", invited["id"]),
        ("authn_login_fail", ada_id),
        ("user_activated", invited["id"]),
        ("authn_login_success", ada_id),
        ("user_updated", invited["id"]),
        ("email_change", invited["id"]),
        ("user_deleted", me),
        ("user_undeleted", me),
        ("user_deleted", me),
        ("user_purged", me),
    ]
    everything = day.call(root, "AuditService/ListAuditEvents", pageSize=1000)["events"]
    kinds = {event["type"] for event in everything}
    assert {"privilege_permissions_changed", "authz_fail", "authn_password_reset"} <= kinds
    assert not any(ada in str(event) or moved in str(event) for event in everything)

"""Second factors in production: who needs one, codes at two servers, and the way back for those who lost theirs."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from support import contract, factors, mail, people
from support.client import PASSWORD, SECONDS, Client, bearer
from support.errors import Code, Refusal, refused
from support.factors import AAL0, AAL1, AAL2, claims
from support.postgres import Cluster
from support.races import together
from support.server import Server, migrated
from support.smtp import MailServer

ROOT, ADA = "root@example.com", "ada@example.com"
RESET_PENDING = "Your second factors for"


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with MailServer(None) as mail_server:
        yield mail_server


@pytest.fixture
def server(mail_server: MailServer, tmp_path: Path) -> Iterator[Server]:
    """A server of production with the defaults."""
    url = f"smtp+plaintext://127.0.0.1:{mail_server.port}"
    with migrated(Server(tmp_path / "ipse", dev=False, smtp_url=url)) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with server.client() as client:
        yield client


def test_an_administrator_does_nothing_before_a_second_factor_is_enrolled(server: Server, client: Client) -> None:
    people.invite_administrator(server, client, ROOT)
    tokens = client.log_in(ROOT)
    assert claims(tokens.access_token)["acr"] == AAL0
    assert claims(tokens.access_token)["roles"] == []
    metadata = bearer(tokens.access_token)
    for call in (
        partial(client.account.GetMe, contract.account_pb2.GetMeRequest()),
        partial(client.users.ListUsers, contract.user_pb2.ListUsersRequest()),
        partial(client.users.CreateUser, contract.user_pb2.CreateUserRequest(user={"email": ADA})),
        partial(client.roles.ListRoles, contract.role_pb2.ListRolesRequest()),
        partial(client.keys.RotateSigningKey, contract.key_pb2.RotateSigningKeyRequest()),
    ):
        with refused(Code.PERMISSION_DENIED, "MFA_REQUIRED"):
            call(metadata=metadata, timeout=SECONDS)
    app = factors.enrol(client, tokens.access_token)
    refreshed = client.refresh(tokens.refresh_token)
    assert claims(refreshed.access_token)["acr"] == AAL1
    assert list(client.me(refreshed.access_token).roles) == ["administrator"]
    both = factors.sign_in(client, ROOT, app)
    assert claims(both.access_token)["acr"] == AAL2
    request = contract.user_pb2.CreateUserRequest(user={"email": ADA})
    made = client.users.CreateUser(request, metadata=bearer(both.access_token), timeout=SECONDS).user
    # Nobody else is asked for anything.
    assert not made.mfa_enabled


def new_person(client: Client, root: str, email: str) -> str:
    """The id of somebody with a proven address and the usual password."""
    user = {"email": email, "email_verified": True}
    request = contract.user_pb2.CreateUserRequest(user=user, password=PASSWORD)
    return client.users.CreateUser(request, metadata=bearer(root), timeout=SECONDS).user.id


def test_whoever_lost_all_factors_is_helped_after_a_time_and_can_stop_it(
    server: Server, client: Client, mail_server: MailServer
) -> None:
    root = people.administrator(server, client, ROOT)
    id = new_person(client, root, ADA)
    app = factors.enrol(client, client.log_in(ADA).access_token)
    request = contract.user_pb2.ResetUserFactorsRequest(id=id, reason="says that the phone is gone")
    answer = client.users.ResetUserFactors(request, metadata=bearer(root), timeout=SECONDS)
    waits = answer.reset_time.seconds - client.me(root).session.create_time.seconds
    assert 23 * 3600 < waits < 25 * 3600
    token = mail.token(mail_server.wait_for(ADA, f"{RESET_PENDING} id.example will be removed"), RESET_PENDING)
    client.auth.StopFactorReset(contract.auth_pb2.StopFactorResetRequest(token=token), timeout=SECONDS)
    with refused(Code.FAILED_PRECONDITION, "ACTION_TOKEN_INVALID"):
        client.auth.StopFactorReset(contract.auth_pb2.StopFactorResetRequest(token=token), timeout=SECONDS)
    assert claims(factors.sign_in(client, ADA, app).access_token)["acr"] == AAL2


def test_of_many_uses_of_one_code_at_two_servers_one_succeeds(cluster: Cluster, tmp_path: Path) -> None:
    database = cluster.new_database()
    servers = [migrated(Server(tmp_path / name, dev=False, database_url=database.url)) for name in ("a", "b")]
    with servers[0], servers[1], servers[0].client() as here, servers[1].client() as there:
        new_person(here, people.administrator(servers[0], here, ROOT), ADA)
        app = factors.enrol(here, here.log_in(ADA).access_token)
        login = contract.auth_pb2.LoginRequest(identifier=ADA, password=PASSWORD)
        clients = [here, there] * 3
        challenges = [client.auth.Login(login, timeout=SECONDS).mfa_challenge.challenge_token for client in clients]
        code = app.code()
        answers = together(
            partial(
                client.auth.CompleteMfa,
                contract.auth_pb2.CompleteMfaRequest(challenge_token=challenge, totp_code=code),
                timeout=SECONDS,
            )
            for client, challenge in zip(clients, challenges, strict=True)
        )
        refusals = [answer for answer in answers if isinstance(answer, Refusal)]
        assert len(answers) - len(refusals) == 1
        assert {refusal.reason for refusal in refusals} <= {"MFA_CODE_INVALID", "RATE_LIMITED"}

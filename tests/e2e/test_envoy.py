"""A real Envoy that asks Ipse about every request (ext_authz), as in examples/envoy/ext_authz.yaml."""

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import contract, factors
from support.client import PASSWORD, SECONDS, Client, bearer
from support.envoy import Envoy, Service
from support.errors import Code
from support.people import administrator
from support.server import Server
from support.waiting import wait_until

EMAIL = "ada@example.com"
OPEN, PERSONAL, ORDERS, REFUNDS = "/healthz", "/me", "/orders/1", "/refunds/1"

# What stands in the example beside the check itself, for the same end. Without it, the check alone has to hold.
CHECK_ALONE = {
    "REJECT_REQUEST }": "ALLOW }",
    "- remove_on_match: { key_matcher: { prefix: x-ipse-, ignore_case: true } }": "- remove: x-nothing",
}
VARIANTS = {
    "as in the example": {},
    "the check alone": CHECK_ALONE | {"allowed_headers: { patterns: [{ exact: authorization }] }": ""},
    "the check alone, raw headers": CHECK_ALONE
    | {"allowed_headers: { patterns: [{ exact: authorization }] }": "encode_raw_headers: true"},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with Server(folder, audiences="orders", trusted_proxies="127.0.0.1") as server:
        yield server


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with Service() as service:
        yield service


@pytest.fixture(scope="module", params=VARIANTS)
def envoy(
    request: pytest.FixtureRequest, server: Server, service: Service, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Envoy]:
    """Envoy with the example, and with less and less beside the check."""
    with gateway(tmp_path_factory.mktemp("envoy"), server, service, VARIANTS[request.param]) as envoy:
        yield envoy


@pytest.fixture(scope="module")
def example(server: Server, service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Envoy]:
    """Envoy with the example as it is."""
    with gateway(tmp_path_factory.mktemp("envoy"), server, service, {}) as envoy:
        yield envoy


def gateway(folder: Path, server: Server, service: Service, changes: dict[str, str]) -> Envoy:
    ports = {"port_value: 50051": f"port_value: {server.port}", "port_value: 9000": f"port_value: {service.port}"}
    # A busy machine may take longer than a good one.
    return Envoy(folder, "ext_authz.yaml", ports | {"timeout: 0.2s\n": "timeout: 5s\n"} | changes)


@pytest.fixture(scope="module")
def root(server: Server, client: Client) -> str:
    """The access token of an administrator."""
    return administrator(server, client)


@pytest.fixture(scope="module")
def ada(server: Server, client: Client) -> str:
    """The id of somebody without rights."""
    client.register(EMAIL)
    client.verify(server.mail.token(EMAIL))
    return client.me(client.log_in(EMAIL).access_token).user.id


@pytest.fixture(scope="module")
def role(client: Client, root: str) -> str:
    """The id of a role that may read orders."""
    request = contract.role_pb2.CreateRoleRequest(role={"name": "clerk", "permissions": ["orders.read"]})
    return client.roles.CreateRole(request, timeout=SECONDS, metadata=bearer(root)).role.id


@pytest.fixture
def clerk(client: Client, root: str, role: str, ada: str) -> Iterator[None]:
    """For one test, ada may read orders."""
    grant(client, root, role, ada)
    yield
    revoke(client, root, role, ada)


def grant(client: Client, root: str, role: str, user: str) -> None:
    request = contract.role_pb2.GrantRoleRequest(role_id=role, user_id=user)
    client.roles.GrantRole(request, timeout=SECONDS, metadata=bearer(root))


def revoke(client: Client, root: str, role: str, user: str) -> None:
    request = contract.role_pb2.RevokeRoleRequest(role_id=role, user_id=user)
    client.roles.RevokeRole(request, timeout=SECONDS, metadata=bearer(root))


def signed_in(client: Client, audience: str = "orders", email: str = EMAIL):
    request = contract.auth_pb2.LoginRequest(identifier=email, password=PASSWORD, audience=audience)
    return client.auth.Login(request, timeout=SECONDS).tokens


def test_without_a_token_nobody_gets_through(envoy: Envoy, service: Service) -> None:
    before = service.count
    for path in (PERSONAL, ORDERS):
        answer = envoy.get(path)
        assert (answer.status, answer.reason) == (401, "TOKEN_MISSING")
        assert answer.headers["www-authenticate"] == 'Bearer realm="ipse"'
        assert answer.headers["content-type"] == "application/json"
        forged = envoy.get(path, ("authorization", "Bearer a.b.c"))
        assert (forged.status, forged.reason) == (401, "TOKEN_INVALID")
        assert 'error="invalid_token"' in forged.headers["www-authenticate"]
        for_grpc = envoy.get(path, ("content-type", "application/grpc"))
        assert (for_grpc.status, for_grpc.headers["grpc-status"]) == (200, str(Code.UNAUTHENTICATED.value[0]))
    assert service.count == before
    assert not envoy.get(OPEN).identity()


def test_with_a_token_the_service_learns_who_calls(envoy: Envoy, client: Client, ada: str, clerk: None) -> None:
    tokens = signed_in(client)
    for path in (PERSONAL, ORDERS):
        identity = envoy.get(path, *bearer(tokens.access_token)).identity()
        assert abs(int(identity.pop("x-ipse-auth-time")) - time.time()) < 60
        assert identity == {
            "x-ipse-subject": ada,
            "x-ipse-subject-kind": "user",
            "x-ipse-session": tokens.session_id,
            "x-ipse-roles": "clerk",
            "x-ipse-acr": factors.AAL1,
        }


SPOOFS = {
    "once": [("x-ipse-subject", "root")],
    "twice": [("x-ipse-subject", "root"), ("x-ipse-subject", "root too")],
    "joined": [("x-ipse-roles", "administrator,clerk")],
    "in another case": [("X-IPSE-Subject", "root"), ("X-Ipse-SESSION", "x")],
    "with underscores": [("x_ipse_subject", "root"), ("X_Ipse-Roles", "administrator")],
    "of what is not told": [("x-ipse-roles", "administrator"), ("x-ipse-scope", "*"), ("x-ipse-nothing", "x")],
    "of the level": [("x-ipse-acr", factors.AAL2), ("x-ipse-auth-time", "4102444800")],
    "empty": [("x-ipse-subject", ""), ("x-ipse-roles", "")],
    "kept by the client's word": [("connection", "x-ipse-subject"), ("x-ipse-subject", "root")],
}


@pytest.mark.parametrize("spoof", SPOOFS)
def test_nobody_tells_the_service_who_they_are(envoy: Envoy, client: Client, ada: str, spoof: str) -> None:
    token = bearer(signed_in(client).access_token)
    answer = envoy.get(PERSONAL, *SPOOFS[spoof], *token)
    if answer.status == 400 and "_" in str(SPOOFS[spoof]):
        return
    identity = answer.identity()
    names = {"x-ipse-subject", "x-ipse-subject-kind", "x-ipse-session", "x-ipse-auth-time", "x-ipse-acr"}
    assert set(identity) == names
    assert identity["x-ipse-subject"] == ada


def test_on_open_routes_nobody_tells_either(example: Envoy) -> None:
    for spoof in SPOOFS.values():
        answer = example.get(OPEN, *spoof)
        assert answer.status == 400 or not answer.identity()


def test_rights_hold_at_once(
    example: Envoy, client: Client, root: str, role: str, ada: str, service: Service
) -> None:
    token = bearer(signed_in(client).access_token)
    before = service.count
    refused = example.get(ORDERS, *token)
    assert (refused.status, refused.reason) == (403, "PERMISSION_MISSING")
    assert 'error="insufficient_scope", scope="orders.read"' in refused.headers["www-authenticate"]
    assert service.count == before
    grant(client, root, role, ada)
    assert example.get(ORDERS, *token).identity()["x-ipse-roles"] == "clerk"
    revoke(client, root, role, ada)
    assert example.get(ORDERS, *token).status == 403


def test_no_spelling_of_a_path_walks_around_its_demands(example: Envoy, client: Client, clerk: None) -> None:
    assert example.get(ORDERS, *bearer(signed_in(client).access_token)).status == 200
    elsewhere = bearer(signed_in(client, audience="").access_token)
    assert example.get(PERSONAL, *elsewhere).status == 200
    for path in ("/orders", "//orders/1", "/x/../orders/1", "/./orders/1", "/%6frders/1", "/orders?/me", "/me/../orders"):
        assert example.get(path, *elsewhere).status == 401, path
    for path in ("/x/..%2forders/1", "/%2forders/1", "/me%5c..%5corders"):
        assert example.get(path, *elsewhere).status == 400, path


@pytest.fixture(scope="module")
def one_factor_and_two(client: Client) -> tuple[str, str]:
    """Tokens of one person, of a sign-in with one factor and with two."""
    email = "grace@example.com"
    client.register(email)
    one = client.log_in(email)
    app = factors.enrol(client, one.access_token)
    request = contract.auth_pb2.RefreshRequest(refresh_token=one.refresh_token, audience="orders")
    one = client.auth.Refresh(request, timeout=SECONDS).tokens
    return one.access_token, factors.sign_in(client, email, app, audience="orders").access_token


def test_a_route_demands_two_factors(envoy: Envoy, service: Service, one_factor_and_two: tuple[str, str]) -> None:
    one, two = one_factor_and_two
    assert envoy.get(PERSONAL, *bearer(one)).identity()["x-ipse-acr"] == factors.AAL1
    before = service.count
    refused = envoy.get(REFUNDS, *bearer(one))
    assert (refused.status, refused.reason, service.count) == (401, "STEP_UP_REQUIRED", before)
    asked = f'error="insufficient_user_authentication", acr_values="{factors.AAL2}", max_age="300"'
    assert asked in refused.headers["www-authenticate"]
    for_grpc = envoy.get(REFUNDS, ("content-type", "application/grpc"), *bearer(one))
    assert for_grpc.headers["grpc-status"] == str(Code.UNAUTHENTICATED.value[0])
    assert envoy.get(REFUNDS, *bearer(two)).identity()["x-ipse-acr"] == factors.AAL2


def test_a_route_demands_a_fresh_sign_in(
    server: Server, service: Service, one_factor_and_two: tuple[str, str], tmp_path: Path
) -> None:
    _, two = one_factor_and_two
    with gateway(tmp_path, server, service, {'max_age: "300"': 'max_age: "1"'}) as envoy:
        old = wait_until(lambda: (a := envoy.get(REFUNDS, *bearer(two))).status == 401 and a, "the sign-in is old")
        assert old.reason == "STEP_UP_REQUIRED" and 'max_age="1"' in old.headers["www-authenticate"]
        assert envoy.get(PERSONAL, *bearer(two)).status == 200


def test_who_has_yet_to_enrol_gets_through_nowhere(
    example: Envoy, server: Server, client: Client, root: str, service: Service
) -> None:
    email = "heidi@example.com"
    client.register(email)
    client.verify(server.mail.token(email))
    user = client.me(client.log_in(email).access_token).user.id
    new = contract.role_pb2.CreateRoleRequest(role={"name": "cashier", "mfa_required": True})
    role = client.roles.CreateRole(new, timeout=SECONDS, metadata=bearer(root)).role.id
    grant(client, root, role, user)
    token = signed_in(client, audience="", email=email).access_token
    assert factors.claims(token)["acr"] == factors.AAL0
    before = service.count
    answers = [example.get(path, *bearer(token)) for path in (PERSONAL, ORDERS, REFUNDS)]
    assert [(answer.status, answer.reason) for answer in answers] == [
        (403, "MFA_REQUIRED"),
        (401, "TOKEN_INVALID"),
        (401, "TOKEN_INVALID"),
    ]
    assert service.count == before


def test_a_slip_of_the_pen_opens_nothing(
    server: Server,
    client: Client,
    service: Service,
    clerk: None,
    one_factor_and_two: tuple[str, str],
    tmp_path: Path,
) -> None:
    token = bearer(signed_in(client).access_token)
    for slip in ("permision: orders.read", "permission: orders", "permission: orders.*"):
        with gateway(tmp_path, server, service, {"permission: orders.read": slip}) as envoy:
            assert envoy.get(ORDERS, *token).status == 500, slip
    for old, slip in {
        'acr: "urn:ipse:aal:2"': 'acr: "urn:ipse:aal:3"',
        'acr: "urn:': 'arc: "urn:',
        'max_age: "300"': 'max_age: "5m"',
    }.items():
        with gateway(tmp_path, server, service, {old: slip}) as envoy:
            assert envoy.get(REFUNDS, *bearer(one_factor_and_two[1])).status == 500, slip
    assert "its requests are refused" in server.log()


def test_a_token_for_another_service_is_none(example: Envoy, client: Client, clerk: None) -> None:
    refused = example.get(ORDERS, *bearer(signed_in(client, audience="").access_token))
    assert (refused.status, refused.reason) == (401, "TOKEN_INVALID")


def test_a_logout_counts_within_a_second(envoy: Envoy, client: Client, ada: str) -> None:
    tokens = signed_in(client)
    token = bearer(tokens.access_token)
    assert envoy.get(PERSONAL, *token).status == 200
    client.log_out(tokens.refresh_token)
    began = time.monotonic()
    answer = wait_until(lambda: (a := envoy.get(PERSONAL, *token)).status == 401 and a, "the token is refused", 1)
    print(f"refused {1000 * (time.monotonic() - began):.1f} ms after the logout")
    assert answer.reason == "TOKEN_INVALID"


def test_one_authorization_value_or_none(envoy: Envoy, client: Client, ada: str) -> None:
    token = signed_in(client).access_token
    other = signed_in(client).access_token
    for values in (
        [f"Bearer {token}", f"Bearer {token}"],
        [f"Bearer {token}", f"Bearer {other}"],
        ["Basic YTpi", f"Bearer {token}"],
        [f"Bearer {token}, Bearer {other}"],
        [f"Bearer {token},Bearer {token}"],
        [token],
        ["Basic YTpi"],
        [""],
    ):
        assert envoy.get(PERSONAL, *[("authorization", value) for value in values]).status == 401, values
    assert envoy.get(f"{PERSONAL}?access_token={token}").status == 401
    assert envoy.get(PERSONAL, ("cookie", f"access_token={token}")).status == 401


def test_whatever_envoy_takes_ipse_takes(envoy: Envoy, client: Client, ada: str) -> None:
    token = bearer(signed_in(client).access_token)
    # Envoy takes 60 KiB of headers, the path among them, and tells of the path twice.
    many = [(f"x-{number}", "v" * 600) for number in range(80)]
    for path, headers in ((PERSONAL, [("x-large", "v" * 50_000)]), (PERSONAL, many), ("/" + "p" * 55_000, [])):
        assert envoy.get(path, *headers, *token).identity()["x-ipse-subject"] == ada
        assert envoy.get(path, *headers).status == 401


def test_the_trail_tells_of_the_client(example: Envoy, client: Client, root: str) -> None:
    client.register("eve@example.com")
    token = signed_in(client, email="eve@example.com").access_token
    assert example.get(ORDERS, *bearer(token), source="127.0.0.2").status == 403
    # That token is for the service alone: Ipse itself takes another one.
    eve = client.me(signed_in(client, audience="", email="eve@example.com").access_token).user.id
    service = contract.audit_grpc.AuditServiceStub(client.channel)
    request = contract.audit_pb2.ListAuditEventsRequest(filter=f'type = authz_fail AND actor = "{eve}"')
    events = service.ListAuditEvents(request, timeout=SECONDS, metadata=bearer(root)).events
    assert [(event.ip_address, event.details["permission"]) for event in events] == [("127.0.0.2", "orders.read")]


def test_the_check_is_quick(client: Client, ada: str) -> None:
    token = signed_in(client).access_token
    times = []
    for _ in range(500):
        began = time.perf_counter()
        assert client.check(token).status.code == 0
        times.append(1000 * (time.perf_counter() - began))
    cuts = statistics.quantiles(times, n=100)
    print(f"Check: p50 {cuts[49]:.2f} ms, p99 {cuts[98]:.2f} ms")
    # Envoy waits for 200 ms unless told otherwise.
    assert cuts[98] < 200


def test_without_ipse_nobody_gets_through(example: Envoy, server: Server, client: Client, service: Service) -> None:
    token = bearer(signed_in(client).access_token)
    assert example.get(PERSONAL, *token).status == 200
    server.terminate()
    before = service.count
    for headers in (token, []):
        assert example.get(PERSONAL, *headers).status == 503
    assert service.count == before
    server.start()
    wait_until(lambda: example.get(PERSONAL, *token).status == 200, "requests get through again")

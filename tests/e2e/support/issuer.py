"""A server as the services find it that trust its tokens."""

from pathlib import Path

from support import contract
from support.client import PASSWORD, SECONDS, Client, bearer
from support.people import administrator
from support.server import Server, free_port

ISSUER = "https://ipse.localhost"
AUDIENCE = "orders"
PERSON = "ada@example.com"
WATCHER = "orders@example.com"


class Issuer(Server):
    """A server with a key set on HTTP, a person to sign in, and somebody who may watch revocations."""

    def __init__(self, folder: Path) -> None:
        self.http = f"127.0.0.1:{free_port()}"
        super().__init__(folder, http_listen=self.http, audiences=AUDIENCE)

    def __enter__(self) -> "Issuer":
        self.start()
        with self.client() as client:
            self._populate(client)
        return self

    @property
    def environment(self) -> dict[str, str]:
        """Where all this is, for a program that is told by its environment."""
        return {
            "IPSE_TARGET": self.target,
            "IPSE_JWKS_URL": f"http://{self.http}/.well-known/jwks.json",
            "IPSE_ISSUER": ISSUER,
            "IPSE_AUDIENCE": AUDIENCE,
            "IPSE_PERSON": PERSON,
            "IPSE_WATCHER": WATCHER,
            "IPSE_PASSWORD": PASSWORD,
        }

    def _populate(self, client: Client) -> None:
        for email in (PERSON, WATCHER):
            client.register(email)
            client.verify(self.mail.token(email))
        watcher = client.me(client.log_in(WATCHER).access_token).user.id
        metadata = bearer(administrator(self, client))
        roles = client.roles.ListRoles(contract.role_pb2.ListRolesRequest(), timeout=SECONDS, metadata=metadata).roles
        role = next(role.id for role in roles if role.name == "service")
        request = contract.role_pb2.GrantRoleRequest(role_id=role, user_id=watcher)
        client.roles.GrantRole(request, timeout=SECONDS, metadata=metadata)

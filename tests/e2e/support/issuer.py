"""A server as the services find it that trust its tokens."""

from pathlib import Path

from support import contract
from support.client import PASSWORD, SECONDS, Client, bearer
from support.people import administrator
from support.server import Server, free_port

ISSUER = "https://ipse.localhost"
AUDIENCE = "orders"
PERSON = "ada@example.com"
# The id of the role `service`.
SERVICE = "00000000-0000-7000-8000-000000000004"


class Issuer(Server):
    """A server with a key set on HTTP, a person to sign in, and the key of a service that may watch revocations."""

    def __init__(self, folder: Path) -> None:
        self.http = f"127.0.0.1:{free_port()}"
        super().__init__(folder, http_listen=self.http, audiences=AUDIENCE)

    def __enter__(self) -> "Issuer":
        self.start()
        with self.client() as client:
            client.register(PERSON)
            client.verify(self.mail.token(PERSON))
            self.api_key = self._new_api_key(client)
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
            "IPSE_PASSWORD": PASSWORD,
            "IPSE_API_KEY": self.api_key,
        }

    def _new_api_key(self, client: Client) -> str:
        metadata = bearer(administrator(self, client))
        accounts, roles = contract.service_account_pb2, contract.role_pb2
        account = client.service_accounts.CreateServiceAccount(
            accounts.CreateServiceAccountRequest(service_account={"name": AUDIENCE}), timeout=SECONDS, metadata=metadata
        ).service_account
        grant = roles.GrantRoleRequest(role_id=SERVICE, service_account_id=account.id)
        client.roles.GrantRole(grant, timeout=SECONDS, metadata=metadata)
        key = {"service_account_id": account.id, "scopes": ["tokens.introspect"]}
        request = accounts.CreateApiKeyRequest(api_key=key)
        return client.service_accounts.CreateApiKey(request, timeout=SECONDS, metadata=metadata).secret

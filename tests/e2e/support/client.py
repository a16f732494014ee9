"""The generated stubs as a person uses them."""

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from support import contract

PASSWORD = "correct horse battery staple"
SECONDS = 15
OPTIONS = [
    # A connection of its own, made anew at once, that nothing is repeated on behind the test's back.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 100),
    ("grpc.enable_retries", 0),
    ("grpc.enable_http_proxy", 0),
]


def bearer(access_token: str) -> list[tuple[str, str]]:
    """The metadata of a call with an access token."""
    return [("authorization", f"Bearer {access_token}")]


def question_about(access_token: str, **demands: str):
    """Envoy's question about a request with this access token, to a route with these demands."""
    pb = contract.envoy_pb2
    http = pb.AttributeContext.HttpRequest(headers={"authorization": f"Bearer {access_token}"})
    request = pb.AttributeContext.Request(http=http)
    return pb.CheckRequest(attributes=pb.AttributeContext(request=request, context_extensions=demands))


def from_address(number: int) -> list[tuple[str, str]]:
    """The metadata of a call that a trusted proxy forwards for the client of this number."""
    return [("x-forwarded-for", f"198.18.{number // 256 % 256}.{number % 256}")]


class Client:
    """All services over one connection."""

    def __init__(self, target: str, authority: bytes | None = None, options: tuple = ()) -> None:
        options = [*OPTIONS, *options]
        if authority:
            self.channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(authority), options)
        else:
            self.channel = grpc.insecure_channel(target, options)
        self.auth = contract.auth_grpc.AuthServiceStub(self.channel)
        self.account = contract.account_grpc.AccountServiceStub(self.channel)
        self.factors = contract.factor_grpc.FactorServiceStub(self.channel)
        self.keys = contract.key_grpc.KeyServiceStub(self.channel)
        self.roles = contract.role_grpc.RoleServiceStub(self.channel)
        self.service_accounts = contract.service_account_grpc.ServiceAccountServiceStub(self.channel)
        self.tokens = contract.token_grpc.TokenServiceStub(self.channel)
        self.users = contract.user_grpc.UserServiceStub(self.channel)
        self.gateway = contract.envoy_grpc.AuthorizationStub(self.channel)
        self._health = health_pb2_grpc.HealthStub(self.channel)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()

    def register(self, email: str, password: str = PASSWORD, metadata: list | None = None) -> None:
        request = contract.auth_pb2.RegisterRequest(email=email, password=password)
        self.auth.Register(request, timeout=SECONDS, metadata=metadata)

    def verify(self, token: str) -> None:
        self.auth.VerifyEmail(contract.auth_pb2.VerifyEmailRequest(token=token), timeout=SECONDS)

    def log_in(self, identifier: str, password: str = PASSWORD, metadata: list | None = None):
        """Signs in and returns the tokens."""
        request = contract.auth_pb2.LoginRequest(identifier=identifier, password=password)
        return self.auth.Login(request, timeout=SECONDS, metadata=metadata).tokens

    def refresh(self, token: str):
        """Refreshes and returns the new tokens."""
        return self.auth.Refresh(contract.auth_pb2.RefreshRequest(refresh_token=token), timeout=SECONDS).tokens

    def log_out(self, refresh_token: str) -> None:
        self.auth.Logout(contract.auth_pb2.LogoutRequest(refresh_token=refresh_token), timeout=SECONDS)

    def request_reset(self, email: str) -> None:
        request = contract.auth_pb2.RequestPasswordResetRequest(email=email)
        self.auth.RequestPasswordReset(request, timeout=SECONDS)

    def reset(self, token: str, new_password: str) -> None:
        request = contract.auth_pb2.ResetPasswordRequest(token=token, new_password=new_password)
        self.auth.ResetPassword(request, timeout=SECONDS)

    def revoke(self, token: str) -> None:
        self.tokens.RevokeToken(contract.token_pb2.RevokeTokenRequest(token=token), timeout=SECONDS)

    def me(self, access_token: str):
        request = contract.account_pb2.GetMeRequest()
        return self.account.GetMe(request, timeout=SECONDS, metadata=bearer(access_token))

    def check(self, access_token: str):
        """What Envoy would be told about a request with this access token."""
        return self.gateway.Check(question_about(access_token), timeout=SECONDS)

    def health(self, service: str = "") -> str:
        """The state that the health service tells, or the code of its refusal."""
        try:
            answer = self._health.Check(health_pb2.HealthCheckRequest(service=service), timeout=SECONDS)
        except grpc.RpcError as error:
            return error.code().name
        return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)

"""The first thing that people do with the service, as the README tells it."""

from support.client import PASSWORD
from support.grpcurl import Grpcurl
from support.server import Server


def live_through(server: Server, email: str = "ada@example.com") -> None:
    """Signs up, proves the address with the mailed token, signs in, looks, refreshes and signs out."""
    grpcurl = Grpcurl(server.target)
    assert grpcurl.call("AuthService/Register", email=email, password=PASSWORD) == {}
    assert grpcurl.call("AuthService/VerifyEmail", token=server.mail.token(email)) == {}

    first = grpcurl.call("AuthService/Login", identifier=email, password=PASSWORD)["tokens"]
    me = grpcurl.call("AccountService/GetMe", bearer=first["accessToken"])
    assert me["user"]["email"] == email
    assert me["user"]["emailVerified"] is True
    assert me["user"]["state"] == "USER_STATE_ACTIVE"
    assert (me["session"]["id"], me["session"]["current"]) == (first["sessionId"], True)

    second = grpcurl.call("AuthService/Refresh", refreshToken=first["refreshToken"])["tokens"]
    assert second["sessionId"] == first["sessionId"]
    assert second["refreshToken"] != first["refreshToken"]
    assert grpcurl.call("AccountService/GetMe", bearer=second["accessToken"])["user"] == me["user"]

    assert grpcurl.call("AuthService/Logout", refreshToken=second["refreshToken"]) == {}
    for access_token in (first["accessToken"], second["accessToken"]):
        refusal = grpcurl.refusal("AccountService/GetMe", bearer=access_token)
        assert "Unauthenticated" in refusal and "TOKEN_INVALID" in refusal
    refusal = grpcurl.refusal("AuthService/Refresh", refreshToken=second["refreshToken"])
    assert "REFRESH_TOKEN_INVALID" in refusal

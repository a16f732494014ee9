"""Everything that one client can hold and cause, at once, in a process of its own: it says `ready` and goes on until it is
ended. Usage: python -m support.attackers GRPC_PORT ACCESS_TOKEN EMAIL"""

import socket
import sys
import threading
import time
from collections.abc import Callable

import grpc
from h2.settings import SettingCodes

from support.client import PASSWORD, Client, bearer
from support.contract import account_pb2, auth_pb2
from support.http2 import Connection

ADDRESS = "127.0.0.2"
# Behind the proxy that the server trusts.
FORWARDED = ("x-forwarded-for", "198.51.100.66")
# Each of its characters may stand for a letter: the estimator of passwords takes half a second for all of it.
SLOW_PASSWORD = ("4@8({[<369!1|0$5+7%2" * 4)[:62]
# How often each of the loops calls, at the most: the attack is to be on the server, not on the processor of the tests.
PACE = 0.05


def hold_silence(port: int) -> list[socket.socket]:
    sockets = []
    for first in (b"", b"PRI * HTTP/2.0\r\n"):
        for _ in range(40):
            one = socket.socket()
            one.bind((ADDRESS, 0))
            one.connect(("127.0.0.1", port))
            one.sendall(first)
            sockets.append(one)
    return sockets


def hold_streams(port: int, token: str) -> Connection:
    """Exports whose answers nobody reads."""
    connection = Connection(port)
    connection.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 0})
    for _ in range(20):
        stream = connection.begin(
            "/ipse.v1.AccountService/ExportMyData", ("authorization", f"Bearer {token}"), FORWARDED
        )
        connection.send(stream, bytes(5))
    return connection


def hold_calls(port: int) -> None:
    """Calls whose message never comes, again and again."""
    while True:
        with Connection(port) as connection:
            for _ in range(70):
                connection.begin("/ipse.v1.AuthService/Login", FORWARDED)
            connection.flush()
            time.sleep(3)


def again_and_again(call: Callable[[int], object]) -> None:
    number = 0
    while True:
        number += 1
        began = time.monotonic()
        try:
            call(number)
        except grpc.RpcError:
            pass
        time.sleep(max(0.0, PACE - (time.monotonic() - began)))


def calls(client: Client, token: str, email: str) -> list[Callable[[int], object]]:
    mine = [FORWARDED, *bearer(token)]
    auth, account = client.auth, client.account

    def come_and_go(_: int) -> None:
        tokens = auth.Login(
            auth_pb2.LoginRequest(identifier=email, password=PASSWORD), timeout=10, metadata=[FORWARDED]
        ).tokens
        auth.Logout(auth_pb2.LogoutRequest(refresh_token=tokens.refresh_token), timeout=10, metadata=[FORWARDED])

    def sign_up(number: int) -> None:
        request = auth_pb2.RegisterRequest(email=f"victim{number}@example.com", password=SLOW_PASSWORD)
        auth.Register(request, timeout=10, metadata=[FORWARDED])

    def reset(_: int) -> None:
        request = auth_pb2.ResetPasswordRequest(token="A" * 43, new_password=SLOW_PASSWORD)
        auth.ResetPassword(request, timeout=10, metadata=[FORWARDED])

    def update(number: int) -> None:
        request = account_pb2.UpdateMeRequest(user={"display_name": f"name {number}"})
        account.UpdateMe(request, timeout=10, metadata=mine)

    def mail(number: int) -> None:
        request = account_pb2.ChangeEmailRequest(new_email=f"stranger{number}@example.com")
        account.ChangeEmail(request, timeout=10, metadata=mine)

    return [come_and_go, sign_up, reset, update, mail]


def main() -> None:
    port, token, email = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    held = [hold_silence(port), hold_streams(port, token)]
    threading.Thread(target=hold_calls, args=(port,), daemon=True).start()
    with Client(f"127.0.0.1:{port}") as client:
        for call in calls(client, token, email):
            threading.Thread(target=again_and_again, args=(call,), daemon=True).start()
        print("ready", flush=True)
        sys.stdin.read()
    del held


if __name__ == "__main__":
    main()

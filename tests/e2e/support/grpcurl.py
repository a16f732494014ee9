"""The command grpcurl, which learns the contract from the server's reflection."""

import json
import subprocess


class Grpcurl:
    """Calls to one server."""

    def __init__(self, target: str) -> None:
        self.target = target

    def call(self, method: str, bearer: str = "", **fields: object) -> dict:
        """Calls a method such as `AuthService/Login` and returns its response."""
        done = self._call(method, bearer, fields)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def refusal(self, method: str, bearer: str = "", **fields: object) -> str:
        """Calls a method that must fail, and returns what grpcurl shows of the error."""
        done = self._call(method, bearer, fields)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def list(self, *symbol: str) -> list[str]:
        """The services of the server, or the methods of one."""
        return self._run(self.target, "list", *symbol).stdout.split()

    def _call(self, method: str, bearer: str, fields: dict) -> subprocess.CompletedProcess[str]:
        headers = ["-H", f"authorization: Bearer {bearer}"] if bearer else []
        return self._run(*headers, "-d", json.dumps(fields), self.target, f"ipse.v1.{method}")

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["grpcurl", "-plaintext", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=30)

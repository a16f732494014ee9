"""Stands between a service and the server that it trusts, and publishes a key of the test beside the server's own: what
the test signs is as genuine to the service as what the server would never sign."""

import json
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import grpc
import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from support import contract
from support.client import SECONDS
from support.issuer import Issuer

LIST_KEYS = "/ipse.v1.KeyService/ListSigningKeys"
WATCH = "/ipse.v1.TokenService/WatchRevocations"
KID = "key-of-the-test"


class KeyFront(grpc.GenericRpcHandler):
    """Passes calls on, and serves the key set on HTTP, both with one key more."""

    def __init__(self, issuer: Issuer) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        public = jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        self._jwk = public | {"kid": KID, "alg": "ES256", "use": "sig"}
        self._channel = grpc.insecure_channel(issuer.target)
        self._grpc = grpc.server(ThreadPoolExecutor(16), handlers=[self])
        port = self._grpc.add_insecure_port("127.0.0.1:0")
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._page())
        self.environment = issuer.environment | {
            "IPSE_TARGET": f"127.0.0.1:{port}",
            "IPSE_JWKS_URL": f"http://127.0.0.1:{self._http.server_port}/jwks.json",
        }

    def __enter__(self) -> "KeyFront":
        self._grpc.start()
        Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._grpc.stop(0).wait(SECONDS)
        self._channel.close()

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        metadata = [(name, value) for name, value in details.invocation_metadata if name == "authorization"]
        if details.method == WATCH:
            watch = self._channel.unary_stream(WATCH)
            return grpc.unary_stream_rpc_method_handler(lambda request, _: watch(request, metadata=metadata))
        if details.method == LIST_KEYS:
            return grpc.unary_unary_rpc_method_handler(lambda *_: self._keys().SerializeToString())
        call = self._channel.unary_unary(details.method)
        return grpc.unary_unary_rpc_method_handler(
            lambda request, _: call(request, metadata=metadata, timeout=SECONDS)
        )

    def _keys(self):
        stub = contract.key_grpc.KeyServiceStub(self._channel)
        found = stub.ListSigningKeys(contract.key_pb2.ListSigningKeysRequest(), timeout=SECONDS)
        found.keys.add(kid=KID, algorithm="ES256", jwk=json.dumps(self._jwk))
        return found

    def _page(self) -> type[BaseHTTPRequestHandler]:
        front = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps({"keys": [json.loads(key.jwk) for key in front._keys().keys]}).encode()
                self.send_response(200)
                self.send_header("content-type", "application/jwk-set+json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Page

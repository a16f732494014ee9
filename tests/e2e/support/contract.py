"""The client that protoc generates from the folder proto/ alone, made anew for each run. What is beside it is no part of
the contract: the part of Envoy's that the service answers, and what the examples guard."""

import atexit
import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import grpc_tools
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[3]
PROTO = ROOT / "proto"
GATEWAY = ROOT / "src/presentation/grpc/services"
EXAMPLES = ROOT / "examples/proto"


def _generate() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="ipse-client-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    contract = [f"--descriptor_set_out={folder}/contract.binpb", "--include_source_info"]
    _compile([PROTO], sorted(PROTO.rglob("*.proto")), folder, *contract)
    _compile([GATEWAY, PROTO], [GATEWAY / "envoy.proto"], folder)
    _compile([EXAMPLES], list(EXAMPLES.rglob("*.proto")), folder)
    sys.path.insert(0, str(folder))
    return folder


def _compile(places: list[Path], files: list[Path], folder: Path, *arguments: str) -> None:
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    arguments += (f"--python_out={folder}", f"--grpc_python_out={folder}")
    arguments += tuple(f"-I{place}" for place in [*places, well_known])
    if protoc.main(["protoc", *arguments, *map(str, files)]) != 0:
        raise RuntimeError(f"protoc cannot generate a client from {places[0]}")


_folder = _generate()

account_pb2 = import_module("ipse.v1.account_service_pb2")
account_grpc = import_module("ipse.v1.account_service_pb2_grpc")
audit_pb2 = import_module("ipse.v1.audit_service_pb2")
audit_grpc = import_module("ipse.v1.audit_service_pb2_grpc")
auth_pb2 = import_module("ipse.v1.auth_service_pb2")
auth_grpc = import_module("ipse.v1.auth_service_pb2_grpc")
envoy_pb2 = import_module("envoy_pb2")
envoy_grpc = import_module("envoy_pb2_grpc")
error_pb2 = import_module("ipse.v1.error_pb2")
factor_pb2 = import_module("ipse.v1.factor_service_pb2")
factor_grpc = import_module("ipse.v1.factor_service_pb2_grpc")
key_pb2 = import_module("ipse.v1.key_service_pb2")
key_grpc = import_module("ipse.v1.key_service_pb2_grpc")
orders_pb2 = import_module("orders.v1.orders_service_pb2")
orders_grpc = import_module("orders.v1.orders_service_pb2_grpc")
role_pb2 = import_module("ipse.v1.role_service_pb2")
role_grpc = import_module("ipse.v1.role_service_pb2_grpc")
service_account_pb2 = import_module("ipse.v1.service_account_service_pb2")
service_account_grpc = import_module("ipse.v1.service_account_service_pb2_grpc")
token_pb2 = import_module("ipse.v1.token_service_pb2")
token_grpc = import_module("ipse.v1.token_service_pb2_grpc")
user_pb2 = import_module("ipse.v1.user_service_pb2")
user_grpc = import_module("ipse.v1.user_service_pb2_grpc")


def descriptors() -> FileDescriptorSet:
    """The contract with its comments."""
    return FileDescriptorSet.FromString((_folder / "contract.binpb").read_bytes())

"""The client that protoc generates from the folder proto/ alone, made anew for each run; and one of what the examples
guard."""

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


def _generate() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="ipse-client-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _compile(PROTO, folder, f"--descriptor_set_out={folder}/contract.binpb", "--include_source_info")
    _compile(ROOT / "examples" / "proto", folder)
    sys.path.insert(0, str(folder))
    return folder


def _compile(proto: Path, folder: Path, *arguments: str) -> None:
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    files = sorted(str(file.relative_to(proto)) for file in proto.rglob("*.proto"))
    arguments += (f"--python_out={folder}", f"--grpc_python_out={folder}")
    if protoc.main(["protoc", f"-I{proto}", f"-I{well_known}", *arguments, *files]) != 0:
        raise RuntimeError(f"protoc cannot generate a client from {proto}")


_folder = _generate()

account_pb2 = import_module("ipse.v1.account_service_pb2")
account_grpc = import_module("ipse.v1.account_service_pb2_grpc")
auth_pb2 = import_module("ipse.v1.auth_service_pb2")
auth_grpc = import_module("ipse.v1.auth_service_pb2_grpc")
error_pb2 = import_module("ipse.v1.error_pb2")
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

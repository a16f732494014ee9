"""The client that protoc generates from the folder proto/ alone, made anew for each run."""

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
GATEWAY = ROOT / "src/presentation/grpc"


def _generate() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="ipse-client-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    files = sorted(str(file.relative_to(PROTO)) for file in PROTO.rglob("*.proto"))
    arguments = [f"--python_out={folder}", f"--grpc_python_out={folder}"]
    arguments += [f"--descriptor_set_out={folder}/contract.binpb", "--include_source_info"]
    if protoc.main(["protoc", f"-I{PROTO}", f"-I{well_known}", *arguments, *files]) != 0:
        raise RuntimeError("protoc cannot generate a client from proto/")
    sys.path.insert(0, str(folder))
    return folder


def _add_gateway(folder: Path) -> None:
    """The part of Envoy's contract, which is no part of `proto/`."""
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    places = [f"-I{GATEWAY}", f"-I{PROTO}", f"-I{well_known}"]
    arguments = [f"--python_out={folder}", f"--grpc_python_out={folder}", "envoy.proto"]
    if protoc.main(["protoc", *places, *arguments]) != 0:
        raise RuntimeError("protoc cannot generate a client from envoy.proto")


_folder = _generate()
_add_gateway(_folder)

account_pb2 = import_module("ipse.v1.account_service_pb2")
account_grpc = import_module("ipse.v1.account_service_pb2_grpc")
audit_pb2 = import_module("ipse.v1.audit_service_pb2")
audit_grpc = import_module("ipse.v1.audit_service_pb2_grpc")
auth_pb2 = import_module("ipse.v1.auth_service_pb2")
auth_grpc = import_module("ipse.v1.auth_service_pb2_grpc")
envoy_pb2 = import_module("envoy_pb2")
envoy_grpc = import_module("envoy_pb2_grpc")
error_pb2 = import_module("ipse.v1.error_pb2")
key_pb2 = import_module("ipse.v1.key_service_pb2")
key_grpc = import_module("ipse.v1.key_service_pb2_grpc")
service_account_pb2 = import_module("ipse.v1.service_account_service_pb2")
service_account_grpc = import_module("ipse.v1.service_account_service_pb2_grpc")
role_pb2 = import_module("ipse.v1.role_service_pb2")
role_grpc = import_module("ipse.v1.role_service_pb2_grpc")
token_pb2 = import_module("ipse.v1.token_service_pb2")
token_grpc = import_module("ipse.v1.token_service_pb2_grpc")
user_pb2 = import_module("ipse.v1.user_service_pb2")
user_grpc = import_module("ipse.v1.user_service_pb2_grpc")


def descriptors() -> FileDescriptorSet:
    """The contract with its comments."""
    return FileDescriptorSet.FromString((_folder / "contract.binpb").read_bytes())

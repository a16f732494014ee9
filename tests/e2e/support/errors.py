"""Reading the errors of the service."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
from google.rpc import error_details_pb2 as details_pb2
from google.rpc import status_pb2
from grpc_status import rpc_status

Code = grpc.StatusCode


@dataclass
class Refusal:
    """An error as a client reads it."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    domain: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    fields: list[str] = field(default_factory=list)
    retry_seconds: float | None = None
    kinds: list[str] = field(default_factory=list)


def refusal_of(error: grpc.RpcError) -> Refusal:
    """What the error says. Without details, as when there is no connection, `reason` is empty."""
    refusal = Refusal(error.code(), error.details())
    status = rpc_status.from_call(error)
    return add_details(refusal, status) if status else refusal


def add_details(refusal: Refusal, status: status_pb2.Status) -> Refusal:
    """The refusal with what the details of the status say."""
    info, request, retry = details_pb2.ErrorInfo(), details_pb2.BadRequest(), details_pb2.RetryInfo()
    for detail in status.details:
        refusal.kinds.append(detail.type_url.rpartition(".")[2])
        if detail.Unpack(info):
            refusal.reason, refusal.domain, refusal.metadata = info.reason, info.domain, dict(info.metadata)
        elif detail.Unpack(request):
            refusal.fields = [violation.field for violation in request.field_violations]
        elif detail.Unpack(retry):
            refusal.retry_seconds = retry.retry_delay.ToTimedelta().total_seconds()
    return refusal


@contextmanager
def refused(code: grpc.StatusCode, reason: str) -> Iterator[Refusal]:
    """Expects the call inside to be refused in this way; what it said is there afterwards."""
    seen = Refusal(Code.OK, "")
    try:
        yield seen
    except grpc.RpcError as error:
        seen.__dict__.update(refusal_of(error).__dict__)
        assert (seen.code, seen.reason) == (code, reason), seen
        assert seen.domain == "ipse.v1", seen
    else:
        raise AssertionError(f"not refused, although {reason} was expected")

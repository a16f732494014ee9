"""Every request of the contract, read from its descriptors."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from support import contract

# What makes a request complete, by the names of fields.
REQUIRED = {
    "email": "eve@example.com",
    "identifier": "eve@example.com",
    # Of nobody, or DeleteMe would take the account away that makes the calls.
    "password": "the password of nobody",
    "current_password": "not the password",
    "new_password": "a wholly different sentence",
    "new_email": "eve.new@example.com",
    "user": {"display_name": "Eve"},
    "token": "x" * 43,
    "refresh_token": "x" * 43,
    "session_id": str(uuid.UUID(int=7)),
}
# As the comments of the contract write it. Passwords state the shortest length too, as a default.
MAXIMUM = re.compile(r"(?:most|to|of) (\d+) (?:bytes|characters|code points)")


@dataclass(frozen=True)
class Method:
    """An RPC."""

    name: str
    public: bool
    request: type[Message]
    comments: tuple[tuple[str, str], ...]

    @property
    def path(self) -> str:
        return f"/ipse.v1.{self.name}"

    def strings(self) -> list[str]:
        """The names of the request's string fields."""
        fields = self.request.DESCRIPTOR.fields
        return [field.name for field in fields if field.type == FieldDescriptorProto.TYPE_STRING]

    def maximum(self, field: str) -> int:
        """The greatest length of a field, as its comment states it."""
        found = MAXIMUM.search(dict(self.comments)[field])
        assert found, f"the comment of {self.name}.{field} states no maximum"
        return int(found[1])

    def required(self) -> list[str]:
        """The names of the fields that a request must have."""
        return [field.name for field in self.request.DESCRIPTOR.fields if field.name in REQUIRED]

    def complete(self, **changes: str) -> Message:
        """A request that is well formed but for the changes."""
        return self.request(**{name: REQUIRED[name] for name in self.required()} | changes)

    def number(self, field: str) -> int:
        return self.request.DESCRIPTOR.fields_by_name[field].number


@cache
def methods() -> tuple[Method, ...]:
    """All RPCs of the contract."""
    access = import_module("ipse.v1.access_pb2").access
    found = []
    for file in contract.descriptors().file:
        if not file.package.startswith("ipse."):
            continue
        comments = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}
        requests = dict(_requests(file, comments))
        for service in file.service:
            for method in service.method:
                name = method.input_type.removeprefix(".")
                request = GetMessageClass(_pool().FindMessageTypeByName(name))
                public = method.options.Extensions[access].public
                found.append(Method(f"{service.name}/{method.name}", public, request, requests[name]))
    return tuple(found)


def _pool():
    return contract.auth_pb2.DESCRIPTOR.pool


def _requests(
    file: FileDescriptorProto, comments: dict[tuple, str]
) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    """The messages of a file with the comments of their fields. 4 and 2 are the numbers by which places are told."""
    message: DescriptorProto
    for index, message in enumerate(file.message_type):
        texts = [(field.name, comments.get((4, index, 2, place), "")) for place, field in enumerate(message.field)]
        yield f"{file.package}.{message.name}", tuple((name, " ".join(text.split())) for name, text in texts)


def of_length(field: str, length: int) -> str:
    """A value for a field that has this length and otherwise the field's form."""
    if field in ("email", "new_email"):
        local = "a" * 60 + "@"
        return local + ("b" * 49 + ".") * 3 + "c" * (length - len(local) - 150)
    if field == "session_id":
        return str(uuid.UUID(int=7)).ljust(length, "0")
    if field == "locale":
        return ("en" + "-abcdefgh" * 4)[:length]
    return "x" * length

"""The requests that anybody, or anybody signed in, may make with one message for one answer, read from the descriptors.

Those that take a permission are tried in the same ways beside the sources, on both databases."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from support import contract

# What makes a request complete, by the names of fields. No secret in it is right.
REQUIRED = {
    "email": "eve@example.com",
    "new_email": "eve@example.com",
    "identifier": "eve@example.com",
    "password": "not the right password",
    "current_password": "not the right password",
    "new_password": "a wholly different sentence",
    "token": "x" * 43,
    "refresh_token": "x" * 43,
    "api_key": "x" * 110,
    "session_id": str(uuid.UUID(int=7)),
    "id": str(uuid.UUID(int=7)),
    "user.id": str(uuid.UUID(int=7)),
    "user.email": "eve@example.com",
    "user.display_name": "Eve",
}
# What a caller may write of a resource that a request carries; the rest is the server's, and passed over.
WRITABLE = {
    "UpdateMeRequest.user": ("display_name", "username", "locale"),
    "CreateUserRequest.user": ("email", "username", "display_name", "locale"),
    "UpdateUserRequest.user": ("id", "email", "username", "display_name", "locale", "etag"),
}
# As the comments of the contract write it. Passwords state the shortest length too, as a default.
MAXIMUM = re.compile(r"(?:most|to|of) (\d+) (?:bytes|characters|code points)")


@dataclass(frozen=True)
class Field:
    """A string of a request, perhaps within a resource that the request carries."""

    path: str
    numbers: tuple[int, ...]
    comment: str

    @property
    def maximum(self) -> int:
        """The greatest length, as the comment states it."""
        found = MAXIMUM.search(self.comment)
        assert found, f"the comment of {self.path} states no maximum: {self.comment}"
        return int(found[1])

    def encode(self, content: bytes) -> bytes:
        """A message with these bytes, fewer than 128, in this field."""
        for number in reversed(self.numbers):
            content = bytes([number << 3 | 2, len(content)]) + content
        return content

    def of_length(self, length: int) -> str:
        """A value of this length that has the field's form otherwise."""
        match self.path.rpartition(".")[2]:
            case "email" | "new_email":
                local = "a" * 60 + "@"
                return local + ("b" * 49 + ".") * 3 + "c" * (length - len(local) - 150)
            case "session_id" | "id" | "request_id":
                return REQUIRED["session_id"].ljust(length, "0")
            case "locale":
                return ("en" + "-abcdefgh" * 4)[:length]
        return "x" * length


@dataclass(frozen=True)
class Method:
    """An RPC."""

    name: str
    public: bool
    request: type[Message]
    strings: tuple[Field, ...]

    @property
    def path(self) -> str:
        return f"/ipse.v1.{self.name}"

    def required(self) -> list[str]:
        """The paths of the strings that make the request complete."""
        return [field.path for field in self.strings if field.path in REQUIRED]

    def complete(self, **changes: str) -> Message:
        """A request that is well formed but for the changes, which are given by path."""
        request = self.request()
        for path, value in ({path: REQUIRED[path] for path in self.required()} | changes).items():
            *outer, name = path.split(".")
            setattr(getattr(request, outer[0]) if outer else request, name, value)
        return request


@cache
def methods() -> tuple[Method, ...]:
    """All such RPCs of the contract."""
    access = import_module("ipse.v1.access_pb2").access
    found, comments = [], _comments()
    for file in contract.descriptors().file:
        for service in file.service:
            for method in service.method:
                policy = method.options.Extensions[access]
                if policy.permission or method.client_streaming or method.server_streaming:
                    continue
                descriptor = contract.auth_pb2.DESCRIPTOR.pool.FindMessageTypeByName(method.input_type.lstrip("."))
                strings = tuple(_strings(descriptor, comments))
                name = f"{service.name}/{method.name}"
                found.append(Method(name, policy.public, GetMessageClass(descriptor), strings))
    return tuple(found)


def _comments() -> dict[str, str]:
    """The comments of all fields. 4 and 2 are the numbers by which descriptors tell messages and fields."""
    found = {}
    for file in contract.descriptors().file:
        texts = {
            tuple(place.path): " ".join(place.leading_comments.split()) for place in file.source_code_info.location
        }
        for index, message in enumerate(file.message_type):
            for place, field in enumerate(message.field):
                found[f"{file.package}.{message.name}.{field.name}"] = texts.get((4, index, 2, place), "")
    return found


def _strings(message: Descriptor, comments: dict[str, str]) -> Iterator[Field]:
    for field in message.fields:
        if field.type == FieldDescriptor.TYPE_STRING and not field.is_repeated:
            yield Field(field.name, (field.number,), comments[field.full_name])
        for name in WRITABLE.get(f"{message.name}.{field.name}", ()):
            inner = field.message_type.fields_by_name[name]
            yield Field(f"{field.name}.{name}", (field.number, inner.number), comments[inner.full_name])

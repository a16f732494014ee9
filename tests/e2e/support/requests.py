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
    "challenge_token": "x" * 43,
    "totp_code": "000000",
    "code": "000000",
    "credential_json": "{}",
    "session_id": str(uuid.UUID(int=7)),
    "id": str(uuid.UUID(int=7)),
    "factor_id": str(uuid.UUID(int=7)),
    "factor.id": str(uuid.UUID(int=7)),
    "factor.display_name": "phone",
    "user.id": str(uuid.UUID(int=7)),
    "user.email": "eve@example.com",
    "user.display_name": "Eve",
}
# What a caller may write of a resource that a request carries; the rest is the server's, and passed over.
WRITABLE = {
    "UpdateMeRequest.user": ("display_name", "username", "locale"),
    "UpdateMyFactorRequest.factor": ("id", "display_name", "etag"),
    "CreateUserRequest.user": ("email", "username", "display_name", "locale"),
    "UpdateUserRequest.user": ("id", "email", "username", "display_name", "locale", "etag"),
}
# As the comments of the contract write it. Passwords state the shortest length too, as a default.
MAXIMUM = re.compile(r"(?:most|to|of|form,) (\d+) (?:bytes|characters|code points)")


@dataclass(frozen=True)
class Field:
    """A string of a request, perhaps within a resource that the request carries."""

    path: str
    numbers: tuple[int, ...]
    comment: str
    # The alternatives that it is one of.
    oneof: str = ""

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
            case "email" | "new_email" | "identifier":
                local = "a" * 60 + "@"
                return local + ("b" * 49 + ".") * 3 + "c" * (length - len(local) - 150)
            case "session_id" | "id" | "factor_id" | "request_id":
                return REQUIRED["session_id"].ljust(length, "0")
            case "acr" if length <= self.maximum:
                return "urn:ipse:aal:1"  # None that there is has the greatest length.
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

    def missing(self) -> list[str]:
        """What an empty request lacks, as its refusal names it: the alternatives by their common name."""
        required = [field for field in self.strings if field.path in REQUIRED]
        ids = {field.path.partition(".")[0]: field.path for field in required if field.path.endswith(".id")}
        outer = {field.oneof or field.path.partition(".")[0] for field in required}
        return sorted(ids.get(name, name) for name in outer)

    def complete(self, **changes: str) -> Message:
        """A request that is well formed but for the changes, which are given by path."""
        request = self.request()
        required = [(path, REQUIRED[path]) for path in self.required() if path not in changes]
        # The changes come last: of alternatives the last one stays.
        for path, value in [*required, *changes.items()]:
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
            oneof = field.containing_oneof.name if field.containing_oneof else ""
            yield Field(field.name, (field.number,), comments[field.full_name], oneof)
        for name in WRITABLE.get(f"{message.name}.{field.name}", ()):
            inner = field.message_type.fields_by_name[name]
            yield Field(f"{field.name}.{name}", (field.number, inner.number), comments[inner.full_name])

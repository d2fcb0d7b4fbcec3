"""How a route is declared: the one source of checks and of the OpenAPI document.

A route names its schemas; the body of a request is validated by them before the
handler sees it, and the tests validate each answer by them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Any

from hardware.gateway import Gateway

Json = dict[str, Any]

PREFIX = "/gwa/v1"
LARGEST_BODY = 256 * 1024


class Guard(Enum):
    """What a request must say of the state that it goes by (rest-gwa.md 3)."""

    NONE = auto()
    MATCH = auto()
    """If-Match with the ETag of what is there."""
    PUT = auto()
    """If-None-Match: * to create, If-Match to replace."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query; texts, numbers by the type of the schema."""

    name: str
    schema: Json
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a handler answers; `etag` without quotes."""

    status: int = 200
    body: Json | None = None
    etag: str = ""
    location: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request as its handler sees it: authenticated, parsed, valid by its schema.

    `content` are the raw bytes where the route takes no JSON. `headers` are those of
    the request, `connection` tells one connection from another. `facts` is what the
    listener knows and this app does not.
    """

    gateway: Gateway
    now: datetime
    path: str
    ids: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Json = field(default_factory=dict)
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    certificate: str = ""
    connection: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


Handler = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one path below `/gwa/v1`.

    `body` and `replies` name schemas of `gwa_api.rest.schemas`; a reply of None has no
    body. A `writes` route runs in one transaction. `in_lockdown`: whether it works in
    the soft lock-down.
    """

    method: str
    path: str
    answer: Handler
    summary: str
    replies: Mapping[int, str | None]
    body: str = ""
    media: str = "application/json"
    largest: int = LARGEST_BODY
    query: tuple[Parameter, ...] = ()
    guard: Guard = Guard.NONE
    problems: tuple[int, ...] = ()
    writes: bool = False
    in_lockdown: bool = True

    @property
    def tag(self) -> str:
        """The first part of the path: what the document groups by."""
        return self.path.split("/")[1]

    @property
    def takes_key(self) -> bool:
        """Whether a repetition is known by its Idempotency-Key."""
        return self.method == "POST"

    @property
    def is_conditional(self) -> bool:
        """Whether its answer has an ETag that If-None-Match is compared with."""
        return self.method == "GET" and 304 in self.problems

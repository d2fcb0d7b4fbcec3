"""The five routes of a resource that the administrator keeps under its id."""

from dataclasses import dataclass

from gwa_api.rest.declaration import Guard, Handler, Route
from gwa_api.rest.paging import PAGE


@dataclass(frozen=True, slots=True)
class Handlers:
    """What answers them."""

    read_all: Handler
    read: Handler
    put: Handler
    patch: Handler
    delete: Handler


@dataclass(frozen=True, slots=True)
class Summaries:
    """What the OpenAPI document says of them."""

    read_all: str
    read: str
    put: str
    patch: str
    delete: str


def resource_routes(
    path: str,
    key: str,
    schema: str,
    handlers: Handlers,
    summaries: Summaries,
    *,
    delete_problems: tuple[int, ...] = (404,),
) -> tuple[Route, ...]:
    """List, read, put, patch and delete of `path` and `path/{key}`.

    `schema` is the stem of their names: `WayPage`, `WayBody`, `WayPatch`.
    """
    one = f"{path}/{{{key}}}"
    return (
        *_reading(path, one, schema, handlers, summaries),
        *_writing(one, schema, handlers, summaries),
        Route(
            method="DELETE",
            path=one,
            answer=handlers.delete,
            summary=summaries.delete,
            replies={204: None},
            guard=Guard.MATCH,
            problems=delete_problems,
            writes=True,
        ),
    )


def _reading(
    path: str, one: str, schema: str, handlers: Handlers, summaries: Summaries
) -> tuple[Route, ...]:
    return (
        Route(
            method="GET",
            path=path,
            answer=handlers.read_all,
            summary=summaries.read_all,
            replies={200: f"{schema}Page"},
            query=PAGE,
        ),
        Route(
            method="GET",
            path=one,
            answer=handlers.read,
            summary=summaries.read,
            replies={200: schema},
            problems=(304, 404),
            writes=True,
        ),
    )


def _writing(
    one: str, schema: str, handlers: Handlers, summaries: Summaries
) -> tuple[Route, ...]:
    return (
        Route(
            method="PUT",
            path=one,
            answer=handlers.put,
            summary=summaries.put,
            body=f"{schema}Body",
            replies={200: schema, 201: schema},
            guard=Guard.PUT,
            writes=True,
        ),
        Route(
            method="PATCH",
            path=one,
            answer=handlers.patch,
            summary=summaries.patch,
            body=f"{schema}Patch",
            media="application/merge-patch+json",
            replies={200: schema},
            guard=Guard.MATCH,
            problems=(404,),
            writes=True,
        ),
    )

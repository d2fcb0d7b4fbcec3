"""A resource that the administrator keeps under its id: its five routes, its rows."""

from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Model

from gwa_api.rest.declaration import Guard, Handler, Json, Parameter, Reply, Route
from gwa_api.rest.paging import PAGE
from gwa_api.rest.problem import not_found

Row = TypeVar("Row", bound=Model)


def locked(model: type[Row], id_: str) -> Row:
    """The row of an id, until the end of the transaction; raises ApiProblem (404)."""
    found = row_of(model, id_)
    if found is None:
        raise not_found()
    return found


def row_of(model: type[Row], id_: str) -> Row | None:
    """The same; None when there is none."""
    return model._default_manager.select_for_update().filter(pk=id_).first()


def answer_of(path: str, body: Json, *, etag: str, status: int = 200) -> Reply:
    """What stands below `path` under the id in its body; what is new says where."""
    location = f"{path}/{body['id']}" if status == 201 else ""
    return Reply(status=status, body=body, etag=etag, location=location)


@dataclass(frozen=True, slots=True)
class Handlers:
    """What answers the five routes."""

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


@dataclass(frozen=True, slots=True)
class Refusals:
    """Their statuses beside those that every such route has."""

    put: tuple[int, ...] = ()
    patch: tuple[int, ...] = (404,)
    delete: tuple[int, ...] = (404,)


def resource_routes(
    path: str,
    key: str,
    schema: str,
    handlers: Handlers,
    summaries: Summaries,
    *,
    refusals: Refusals | None = None,
    query: tuple[Parameter, ...] = PAGE,
    read_locks: bool = True,
) -> tuple[Route, ...]:
    """List, read, put, patch and delete of `path` and `path/{key}`.

    `schema` is the stem of their names: `WayPage`, `WayBody`, `WayPatch`. With
    `read_locks` reading one needs a transaction too.
    """
    one = f"{path}/{{{key}}}"
    return (
        Route(
            method="GET",
            path=path,
            answer=handlers.read_all,
            summary=summaries.read_all,
            replies={200: f"{schema}Page"},
            query=query,
        ),
        Route(
            method="GET",
            path=one,
            answer=handlers.read,
            summary=summaries.read,
            replies={200: schema},
            problems=(304, 404),
            writes=read_locks,
        ),
        *_writing(one, schema, handlers, summaries, refusals or Refusals()),
    )


def _writing(
    one: str,
    schema: str,
    handlers: Handlers,
    summaries: Summaries,
    refusals: Refusals,
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
            problems=refusals.put,
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
            problems=refusals.patch,
            writes=True,
        ),
        Route(
            method="DELETE",
            path=one,
            answer=handlers.delete,
            summary=summaries.delete,
            replies={204: None},
            guard=Guard.MATCH,
            problems=refusals.delete,
            writes=True,
        ),
    )

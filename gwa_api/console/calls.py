"""Calls the routes of the REST interface from a page: same checks, same services.

A page never writes a model. What it wants is put into the words of the API and goes
where a request of the API would go: lock-down, schema, handler, one transaction.
"""

from collections.abc import Mapping
from contextlib import nullcontext

from django.db import transaction

from gwa_api.console.request import ConsoleRequest
from gwa_api.rest.declaration import Call, Json, Reply, Route
from gwa_api.rest.identity import connection_of
from gwa_api.rest.problem import ApiProblem, invalid
from gwa_api.rest.query import query_of
from gwa_api.rest.refusals import problem_of
from gwa_api.rest.routes import ROUTES
from gwa_api.rest.validation import problems_of
from logbooks import device_state
from logbooks.services import log_fault

_BY_METHOD = {(route.method, route.path): route for route in ROUTES}


def route_of(method: str, path: str) -> Route:
    """A declared route; KeyError for one that the API does not have."""
    return _BY_METHOD[method, path]


def carry_out(
    request: ConsoleRequest,
    route: Route,
    ids: Mapping[str, str],
    body: Json | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes = b"",
    only_try: bool = False,
) -> Reply:
    """What the route answers; raises ApiProblem for every refusal.

    With `only_try` everything is checked and carried out, and then undone: nothing
    stays but the entry of a fault.
    """
    try:
        return _answer(
            route,
            _call(request, route, ids, body or {}, headers or {}, content),
            only_try=only_try,
        )
    except Exception as error:
        problem = problem_of(error)
        if problem is None:
            raise
        if problem.fault_code is not None and not problem.is_logged:
            now = request.received_at
            log_fault(request.gateway, problem.fault_code, now=now)
        raise problem from error


def _answer(route: Route, call: Call, *, only_try: bool) -> Reply:
    if not route.in_lockdown and device_state.is_locked(call.gateway):
        raise ApiProblem("lockdown")
    is_json = route.body and route.media.endswith("json")
    if is_json and (problems := problems_of(route.body, call.body)):
        raise invalid(problems)
    with transaction.atomic() if route.writes or only_try else nullcontext():
        reply = route.answer(call)
        if only_try:
            transaction.set_rollback(True)
    return reply


def _call(
    request: ConsoleRequest,
    route: Route,
    ids: Mapping[str, str],
    body: Json,
    headers: Mapping[str, str],
    content: bytes,
) -> Call:
    return Call(
        gateway=request.gateway,
        now=request.received_at,
        path=route.path.format(**ids),
        ids=ids,
        query=query_of(route.query, {}),
        body=body,
        content=content,
        headers=headers,
        certificate=request.certificate,
        connection=connection_of(request.META),
        facts=request.META.get("casa.facts", {}),
    )


def matching(etag: str) -> dict[str, str]:
    """The header of a change that goes by the state `etag`."""
    return {"if-match": f'"{etag}"'}


NEW = {"if-none-match": "*"}
"""The header of a PUT that makes what is not there."""

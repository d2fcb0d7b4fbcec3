"""The OpenAPI 3.1 document, made of the routes and schemas that requests meet."""

from collections.abc import Iterable

from gwa_api.rest.conditions import TAGS
from gwa_api.rest.declaration import PREFIX, Guard, Json, Route
from gwa_api.rest.path_ids import PATTERNS, names_in
from gwa_api.rest.problem import MEDIA_TYPE
from gwa_api.rest.schemas import SCHEMAS
from gwa_api.rest.shapes import ref
from gwa_api.rest.validation import may_be_left_out

VERSION = "1.0.0"
_ALWAYS = (400, 403, 406, 413, 422, 429, 500)
_WORDS = {
    200: "what was asked for",
    201: "it was made",
    202: "it was accepted",
    204: "it was done",
    304: "what the client has is up to date",
}
_ETAG: Json = {"ETag": {"schema": {"type": "string"}, "description": "the state"}}
_IN_HEADER = {"in": "header", "schema": {"type": "string"}}
_TAG_PATTERN = f"^{TAGS}$"


def document(routes: Iterable[Route]) -> Json:
    """All routes as an OpenAPI document."""
    paths: dict[str, Json] = {}
    for route in routes:
        operations = paths.setdefault(PREFIX + route.path, {})
        operations[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "CASA, interface of the gateway administrator",
            "version": VERSION,
            "description": "Mutual TLS with the exact certificate of the administrator "
            "in office. No answer holds a reading or an entry of a consumer's log.",
        },
        "security": [{"certificate": []}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"certificate": {"type": "mutualTLS"}},
        },
    }


def _operation(route: Route) -> Json:
    operation: Json = {
        "operationId": operation_id(route),
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": [*_path_parameters(route), *_query(route), *_headers(route)],
        "responses": {
            **{str(code): _answer(route, code) for code in sorted(route.replies)},
            **{str(code): _problem(code) for code in sorted(_codes(route))},
        },
    }
    if route.body:
        operation["requestBody"] = _request_body(route)
    return operation


def operation_id(route: Route) -> str:
    """Such as get_meters_meter."""
    words = route.path.replace("{", "").replace("}", "").replace("-", "_").split("/")
    return "_".join([route.method.lower(), *filter(None, words)]).replace(".", "_")


def _request_body(route: Route) -> Json:
    is_json = route.media.endswith("json")
    schema = ref(route.body) if is_json else {"type": "string", "format": "binary"}
    return {
        "required": not may_be_left_out(route.body),
        "content": {route.media: {"schema": schema}},
    }


def _path_parameters(route: Route) -> list[Json]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": f"^{PATTERNS[name]}$"},
        }
        for name in names_in(route.path)
    ]


def _query(route: Route) -> list[Json]:
    return [
        {
            "name": one.name,
            "in": "query",
            "schema": one.schema,
            "description": one.description,
        }
        for one in route.query
    ]


def _headers(route: Route) -> list[Json]:
    """Those that change what happens; the correlation id is always allowed."""
    found = []
    if route.takes_key:
        pattern = "^[A-Za-z0-9_-]{8,64}$"
        schema = {"type": "string", "pattern": pattern}
        found.append({**_named("Idempotency-Key"), "schema": schema, "required": True})
    if route.guard is not Guard.NONE:
        is_needed = route.guard is Guard.MATCH
        found.append({**_named("If-Match", _TAG_PATTERN), "required": is_needed})
    if route.guard is Guard.PUT:
        found.append(_named("If-None-Match", r"^\*$"))
    if route.is_conditional:
        found.append(_named("If-None-Match", _TAG_PATTERN))
    return found


def _named(name: str, pattern: str = "") -> Json:
    schema = {"type": "string", "pattern": pattern} if pattern else {"type": "string"}
    return {**_IN_HEADER, "name": name, "schema": schema}


def _codes(route: Route) -> set[int]:
    codes = {*_ALWAYS, *route.problems}
    if names_in(route.path):
        codes.add(404)
    if route.guard is not Guard.NONE:
        codes |= {412, 428}
    if route.body:
        codes.add(415)
    if route.takes_key:
        codes.add(409)
    if not route.in_lockdown:
        codes.add(503)
    return codes


def _answer(route: Route, code: int) -> Json:
    schema = route.replies[code]
    answer: Json = {"description": _WORDS[code]}
    if schema is not None:
        media = {"schema": ref(schema) if schema in SCHEMAS else {"type": "object"}}
        answer["content"] = {"application/json": media}
    if route.is_conditional or (route.guard is not Guard.NONE and schema):
        answer["headers"] = _ETAG
    return answer


def _problem(code: int) -> Json:
    if code == 304:
        return {"description": _WORDS[304], "headers": _ETAG}
    return {
        "description": "why not",
        "content": {MEDIA_TYPE: {"schema": ref("Problem")}},
    }

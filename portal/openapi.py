"""The OpenAPI 3.1 documents of the interfaces of the HAN, made from their routes.

`./casa manage openapi` writes them to docs/openapi/; a test holds them to the routes
and to what is really answered.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.views import View

from portal import api, api_urls, con_api, con_urls
from portal.con_query import DETACHED
from portal.con_view import ConView
from portal.openapi_schemas import SCHEMAS, SCHEMAS_OF

Json = dict[str, Any]

_GROUP = re.compile(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)")
_NAMES = re.compile(r"{(\w+)}")

QUERIES: Mapping[str, Json] = {
    "q.fromtime": {"type": "string", "format": "date-time"},
    "q.totime": {"type": "string", "format": "date-time"},
    "q.type": {"type": "string", "maxLength": 255},
    "q.count": {"type": "integer", "minimum": 0, "maximum": 999_999_999},
    "q.obis": {"type": "string", "examples": ["1-0:1.8.0*255"]},
    "q.level": {"type": "string", "enum": ["I", "W", "E", "F"]},
    "q.signed": {"type": "string", "enum": [DETACHED]},
}


def han_json() -> Json:
    """The document of the HAN JSON interface, `/json/`."""
    paths = {
        f"/json/{_template(pattern)}": {"get": _operation(pattern, view)}
        for pattern, view in api_urls.VIEWS.items()
    }
    return _document(
        "CASA HAN JSON interface",
        "HTTP digest, MD5 unless the operator set SHA-256; or client certificate, or "
        "the login cookie of the portal. Each path is served with and without a final "
        "slash.",
        paths,
    )


def con_rest() -> Json:
    """The document of the REST service of the consumer, `/smgw/con/v1/`."""
    listings = {
        f"/smgw/{_template(pattern)}": {"get": _listing(pattern)}
        for pattern in con_urls.LISTINGS
    }
    paths = {
        f"/smgw/{_template(pattern)}": _item(pattern, view)
        for pattern, view in con_urls.VIEWS.items()
    }
    return _document(
        "CASA REST service of the consumer (TR-03109-1, con/v1)",
        "HTTP digest (RFC 7616) with SHA-256, or client certificate.",
        listings | paths,
    )


DOCUMENTS = {"han-json.json": han_json, "con-rest.json": con_rest}
"""File name below docs/openapi/ -> what makes it."""


def _document(title: str, description: str, paths: Json) -> Json:
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1", "description": description},
        "security": [{"digest": []}, {"certificate": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": {
                "digest": {"type": "http", "scheme": "digest"},
                "certificate": {"type": "mutualTLS"},
            },
            "schemas": SCHEMAS,
        },
    }


def _template(pattern: str) -> str:
    return _GROUP.sub(r"{\1}", pattern)


def _item(pattern: str, view: type[View]) -> Json:
    if view is not con_api.SelfTest:
        return {"get": _operation(pattern, view)}
    replies = {202: _content("State"), 409: _content("Problem")}
    return {
        "post": {
            "summary": "Trigger a self-test, at most one in 24 hours",
            "responses": _responses(replies, view),
        }
    }


def _listing(pattern: str) -> Json:
    replies = {200: _content("Names")}
    return {
        "summary": f"What stands below /smgw/{pattern}",
        "responses": _responses(replies, con_api.Listing),
    }


def _operation(pattern: str, view: type[View]) -> Json:
    document = getattr(view, "document", None)
    if issubclass(view, con_api.Export):
        document = view.entries
    replies: dict[int, Json] = {200: _content(SCHEMAS_OF[view])}
    if view is api.SignatureCertificate:
        replies = {200: {"application/x-pem-file": {"schema": {"type": "string"}}}}
    if view in (con_api.Readings, con_api.Log):
        replies[206] = _content(SCHEMAS_OF[view])
    parameters = [_in_path(name) for name in _NAMES.findall(_template(pattern))]
    parameters += [
        {"name": name, "in": "query", "schema": QUERIES[name]}
        for name in sorted(getattr(view, "queries", ()))
    ]
    operation = {
        "summary": (document.__doc__ or "").strip().split("\n")[0].rstrip("."),
        "responses": _responses(replies, view),
    }
    return operation | ({"parameters": parameters} if parameters else {})


def _in_path(name: str) -> Json:
    kind = "integer" if name in ("months_back", "index") else "string"
    return {"name": name, "in": "path", "required": True, "schema": {"type": kind}}


def _responses(replies: Mapping[int, Json], view: type[View]) -> Json:
    found: Json = {
        str(status): {"description": _WORDS[status], "content": content}
        for status, content in replies.items()
    }
    if not issubclass(view, ConView):
        return found | {str(s): {"description": _WORDS[s]} for s in (401, 404, 503)}
    problem = {"content": _content("Problem")}
    statuses = (400, 401, 404, 406, 414, 431)
    return found | {str(s): {"description": _WORDS[s]} | problem for s in statuses}


_WORDS = {
    200: "What was asked for",
    202: "Triggered",
    206: "The first entries; there are more",
    400: "A query that is not understood",
    401: "Not logged in, or the access is locked (Retry-After)",
    404: "Does not exist, or is somebody else's",
    406: "Only application/json",
    409: "Not yet possible (Retry-After), or one is running",
    414: "The address is too long",
    431: "The header is too long",
    503: "The device is locked down",
}


def _content(schema: str) -> Json:
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {"application/json": {"schema": reference}}

"""Keyset paging: a page goes on behind the last key of the one before.

What is added meanwhile moves nothing. The cursor is signed and belongs to its filter.
"""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, QuerySet

from gwa_api.rest.declaration import PREFIX, Call, Json, Parameter, Reply
from gwa_api.rest.problem import invalid
from tariffs.problem import Problem

LIMIT = 100
_MOST = 1000
_MAC_BYTES = 16
_LABEL = "gwa-cursor"

PAGE = (
    Parameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": _MOST, "default": LIMIT},
        "the most items of the page",
    ),
    Parameter(
        "cursor",
        {"type": "string", "minLength": 1, "maxLength": 512},
        "`next` of the page before",
    ),
    Parameter(
        "order",
        {"type": "string", "enum": ["asc", "desc"], "default": "asc"},
        "oldest first, or newest first",
    ),
)

Row = TypeVar("Row", bound=Model)


def page(
    call: Call, rows: QuerySet[Row], key: str, shown: Callable[[Row], Json]
) -> Reply:
    """A page of rows in the order of their unique column `key`."""
    descending = call.query.get("order") == "desc"
    limit = call.query.get("limit", LIMIT)
    if "cursor" in call.query:
        last = _opened(call, call.query["cursor"])
        rows = rows.filter(**{f"{key}__{'lt' if descending else 'gt'}": last})
    found = list(rows.order_by(f"-{key}" if descending else key)[: limit + 1])
    following = None
    if len(found) > limit:
        following = _sealed(call, getattr(found[limit - 1], key))
    body = {"items": [shown(row) for row in found[:limit]], "next": following}
    return Reply(body=body, headers=_link(call, following))


def _link(call: Call, following: str | None) -> Mapping[str, str]:
    if following is None:
        return {}
    query = urlencode({**call.query, "cursor": following})
    return {"Link": f'<{PREFIX}{call.path}?{query}>; rel="next"'}


def _sealed(call: Call, key: Any) -> str:
    content = json.dumps(key if isinstance(key, int) else str(key)).encode()
    mac = _mac(call, content)
    return base64.urlsafe_b64encode(mac + content).decode().rstrip("=")


def _opened(call: Call, cursor: str) -> Any:
    try:
        padding = "=" * (-len(cursor) % 4)
        whole = base64.urlsafe_b64decode(cursor + padding)
        mac, content = whole[:_MAC_BYTES], whole[_MAC_BYTES:]
        if hmac.compare_digest(mac, _mac(call, content)):
            return json.loads(content)
    except ValueError:
        pass
    raise invalid([Problem("/cursor", "not a cursor of this list and filter")])


def _mac(call: Call, content: bytes) -> bytes:
    """Over the key and the filter; the size of a page may change."""
    own = ("cursor", "limit")
    filters = sorted((k, str(v)) for k, v in call.query.items() if k not in own)
    text = json.dumps([call.path, filters]).encode() + b"\0" + content
    secret = call.gateway.device_key.sub_key(_LABEL)
    return hmac.digest(secret, text, sha256)[:_MAC_BYTES]

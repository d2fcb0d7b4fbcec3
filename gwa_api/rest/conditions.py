"""ETags and what requests say of them (RFC 9110 ch. 13, rest-gwa.md 3)."""

import re
from hashlib import sha256

from gwa_api.json_object import document_text
from gwa_api.rest.declaration import Call, Json, Reply
from gwa_api.rest.problem import ApiProblem

TAGS = r'("[!#-~]*"(, ?"[!#-~]*")*|\*)'
"""What stands in If-Match and If-None-Match: strong tags, or *."""
_TAGS = re.compile(TAGS)


def hashed(document: Json) -> str:
    """An ETag made of what is shown, for things that count no versions."""
    return sha256(document_text(document).encode()).hexdigest()[:16]


def require_new(call: Call, etag: str | None) -> bool:
    """Whether a PUT is to create; `etag` is that of what is there, None for nothing.

    Raises 428 without a condition, 412 when it does not hold.
    """
    given = call.headers.get("if-none-match")
    if "if-match" in call.headers:
        if given is not None:
            raise ApiProblem("malformed", "If-Match or If-None-Match, not both")
        require_match(call, etag)
        return False
    if given is None:
        raise ApiProblem("precondition-required")
    if given != "*":
        raise ApiProblem("malformed", "If-None-Match: *")
    if etag is not None:
        raise _failed(etag)
    return True


def require_match(call: Call, etag: str | None) -> None:
    """Raises 428 without If-Match, 412 when it names no current state."""
    given = call.headers.get("if-match")
    if given is None:
        raise ApiProblem("precondition-required")
    if not _names(given, etag or "") or etag is None:
        raise _failed(etag)


def unless_known(call: Call, reply: Reply) -> Reply:
    """304 for a GET whose sender has this state already."""
    given = call.headers.get("if-none-match")
    if given is None or not reply.etag or not _names(given, reply.etag):
        return reply
    return Reply(status=304, etag=reply.etag)


def _names(header: str, etag: str) -> bool:
    if not _TAGS.fullmatch(header):
        raise ApiProblem("malformed", "If-Match and If-None-Match hold strong tags")
    return header == "*" or f'"{etag}"' in header.replace(", ", ",").split(",")


def _failed(etag: str | None) -> ApiProblem:
    more = {"current_version": etag} if etag else None
    return ApiProblem("precondition-failed", more=more)

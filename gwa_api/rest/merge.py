"""Merge patches (RFC 7396): the whole that comes out is checked as a PUT would be."""

from typing import Any

from gwa_api.rest.declaration import Json
from gwa_api.rest.problem import invalid
from gwa_api.rest.validation import problems_of


def merged(schema: str, there: Json, patch: Json) -> Json:
    """The patched document; raises ApiProblem when the schema does not hold."""
    whole = patched(there, patch)
    if problems := problems_of(schema, whole):
        raise invalid(problems)
    return whole


def patched(there: Any, patch: Json) -> Json:
    """Objects are merged, null takes a member away, all else is replaced."""
    whole = dict(there) if isinstance(there, dict) else {}
    for name, value in patch.items():
        if value is None:
            whole.pop(name, None)
        elif isinstance(value, dict):
            whole[name] = patched(whole.get(name), value)
        else:
            whole[name] = value
    return whole

"""The parameters of a query: strict, as declared."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.http import QueryDict
from jsonschema_rs import Draft202012Validator

from gwa_api.rest.declaration import Parameter
from gwa_api.rest.problem import invalid
from tariffs.problem import Problem

_NUMBER = re.compile(r"-?[0-9]{1,18}")


def query_of(
    declared: Sequence[Parameter], given: QueryDict | Mapping[str, Any]
) -> dict[str, Any]:
    """Each parameter by its type; raises ApiProblem with everything that is wrong."""
    known = {one.name: one for one in declared}
    found, problems = {}, []
    for name in given:
        texts = given.getlist(name) if isinstance(given, QueryDict) else [given[name]]
        if name not in known or len(texts) != 1:
            problems.append(Problem(f"/{name}", "unknown, or given twice"))
            continue
        value = _value(known[name], str(texts[0]))
        if _is_good(known[name], value):
            found[name] = value
        else:
            problems.append(Problem(f"/{name}", f"must be {known[name].description}"))
    if problems:
        raise invalid(problems)
    return found


def instant_of(text: str) -> datetime:
    """The instant of a parameter of format date-time."""
    return datetime.fromisoformat(text).astimezone(UTC)


def _value(parameter: Parameter, text: str) -> Any:
    if parameter.schema["type"] == "integer" and _NUMBER.fullmatch(text):
        return int(text)
    return text


def _is_good(parameter: Parameter, value: Any) -> bool:
    if isinstance(value, str) and "\0" in value:  # PostgreSQL has none
        return False
    checked = Draft202012Validator(parameter.schema, validate_formats=True)
    if not checked.is_valid(value):
        return False
    if parameter.schema.get("format") != "date-time":
        return True
    try:
        return instant_of(value).year > 1970
    except (ValueError, OverflowError):
        return False

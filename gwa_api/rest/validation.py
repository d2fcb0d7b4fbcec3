"""Checks JSON by the declared schemas; what is wrong is said by JSON pointers."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError

from gwa_api.rest.schemas import SCHEMAS
from tariffs.problem import Problem

_MASK = "the value"
"""Never what was sent: it may be a password."""


@cache
def validator(name: str) -> Draft202012Validator:
    """The validator of a schema by its name."""
    document = {
        "components": {"schemas": SCHEMAS},
        "$ref": f"#/components/schemas/{name}",
    }
    return Draft202012Validator(document, mask=_MASK, validate_formats=True)


def may_be_left_out(name: str) -> bool:
    """Whether nothing in the body is needed, so that the body is not."""
    schema = SCHEMAS.get(name, {})
    return schema.get("type") == "object" and not schema.get("required")


def problems_of(name: str, value: Any) -> list[Problem]:
    """Everything that the schema says is wrong with a value."""
    return [
        problem
        for error in validator(name).iter_errors(value)
        for problem in _problems(error)
    ]


def _problems(error: ValidationError) -> Iterator[Problem]:
    pointer = "".join(f"/{_escaped(part)}" for part in error.instance_path)
    kind: Any = error.kind
    if kind.name == "required":
        yield Problem(f"{pointer}/{_escaped(kind.property)}", "is needed")
    elif kind.name == "additionalProperties":
        for name in kind.unexpected:
            yield Problem(f"{pointer}/{_escaped(name)}", "unknown member")
    else:
        yield Problem(pointer, error.message)


def _escaped(part: object) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")

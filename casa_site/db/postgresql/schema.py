"""Whose tables are meant: the schema of the gateway that this context works for.

A context variable and no setting, so that one process can serve many gateways, each
thread and each request its own (decisions D4).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_schema: ContextVar[str | None] = ContextVar("casa_schema", default=None)


def current_schema() -> str | None:
    """The schema in force, None outside of any."""
    return _schema.get()


def enter_schema(name: str) -> None:
    """From here on this context works on the tables of `name`.

    Raises ValueError for what is no plain lower-case name.
    """
    _schema.set(_checked(name))


@contextmanager
def in_schema(name: str) -> Iterator[None]:
    """Work on the tables of `name` inside the block; ValueError as above."""
    before = _schema.set(_checked(name))
    try:
        yield
    finally:
        _schema.reset(before)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a schema")
    return name

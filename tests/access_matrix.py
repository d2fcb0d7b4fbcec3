"""Reads docs/access-matrix.md, and the routes of a listener, for the test of both."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.urls import URLResolver
from django.urls.resolvers import RegexPattern

PAGE = Path(__file__).parents[1] / "docs" / "access-matrix.md"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_CODE = re.compile(r"`([^`]*)`")
_NAMED_GROUP = re.compile(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)")
_CONVERTER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Row:
    """One line of a table: a route, some methods, and what each party gets."""

    route: str
    methods: tuple[str, ...]
    cells: dict[str, str]


def rows_of(heading: str) -> list[Row]:
    """The lines of the table below a heading of the page."""
    text = PAGE.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.split("\n") if line.startswith("|")]
    names = _cells(lines[0])[2:]
    return [_row(_cells(line), names) for line in lines[2:]]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def _row(cells: list[str], names: list[str]) -> Row:
    match = _CODE.fullmatch(cells[0])
    assert match, cells[0]
    methods = tuple(cells[1].split())
    assert set(methods) <= set(METHODS), cells
    return Row(match[1], methods, dict(zip(names, cells[2:], strict=True)))


def routes_of(patterns: Sequence[Any], before: str = "/") -> set[str]:
    """Every route as the tables write it: `/log/{name}`, `...` for anything else."""
    return set(_routes(patterns, before))


def _routes(patterns: Sequence[Any], before: str) -> Iterator[str]:
    for pattern in patterns:
        text = str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, before + written(text))
        else:
            is_rest = isinstance(pattern.pattern, RegexPattern) and not text
            yield before + ("..." if is_rest else written(text))


def written(text: str) -> str:
    """A pattern of Django as the tables write it: `log/{name}`."""
    for end in ("\\Z", "$", "/?"):
        text = text.removesuffix(end)
    return _CONVERTER.sub(r"{\1}", _NAMED_GROUP.sub(r"{\1}", text)).replace("^", "")

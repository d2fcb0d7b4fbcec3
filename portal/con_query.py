"""The queries `q.*` of the REST service (TR-03109-1 detail specification ch. 6).

`q.fromtime` is inclusive, `q.totime` exclusive; names have 1 to 50 characters, values
at most 255. Each resource says which it knows; anything else is an error, for a filter
that is silently ignored would give more than was asked for.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hardware.obis import Obis
from portal.day_field import EARLIEST, LATEST

FROM, TO, TYPE, COUNT = "q.fromtime", "q.totime", "q.type", "q.count"
OBIS, LEVEL, SIGNED = "q.obis", "q.level", "q.signed"
TIMES = frozenset({FROM, TO, COUNT})

DETACHED = "CMS_ECDSA_SHA256_Detached"
LEVELS = {"I": "INFO", "W": "WARNING", "E": "ERROR", "F": "FATAL"}
DEFAULT_COUNT = 1000
"""How many entries a list has at most when `q.count` is left out."""

_LONGEST_NAME, _LONGEST_VALUE = 50, 255
_OBIS = re.compile(r"\d{1,3}-\d{1,3}:\d{1,3}\.\d{1,3}\.\d{1,3}(\*\d{1,3})?", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class QueryInvalid(ValueError):
    """A query that is not understood; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked for: `[begin, end)`, None for no bound.

    `count` 0 is no limit, None when it was left out; `obis` is 12 hex digits,
    `level` a word of the logs, `kind` the value of `q.type`; "" for not given.
    """

    begin: datetime | None = None
    end: datetime | None = None
    count: int | None = None
    obis: str = ""
    level: str = ""
    kind: str = ""
    is_signed: bool = False

    @property
    def limit(self) -> int | None:
        """How many entries the list may have; None for no limit."""
        return DEFAULT_COUNT if self.count is None else self.count or None


def parse_query(given: Mapping[str, Iterable[str]], known: frozenset[str]) -> Query:
    """The query of a request: all values of each name; raises QueryInvalid."""
    values = {name: _one(name, list(texts), known) for name, texts in given.items()}
    begin, end = (_instant(name, values.get(name)) for name in (FROM, TO))
    if begin and end and begin > end:
        raise QueryInvalid(f"{FROM} is later than {TO}")
    return Query(
        begin=begin,
        end=end,
        count=_count(values.get(COUNT)),
        obis=_obis(values.get(OBIS)),
        level=_level(values.get(LEVEL)),
        kind=values.get(TYPE, ""),
        is_signed=_is_signed(values.get(SIGNED)),
    )


def _one(name: str, texts: list[str], known: frozenset[str]) -> str:
    if name not in known:
        shown = name if len(name) <= _LONGEST_NAME and name.isprintable() else "?"
        raise QueryInvalid(f"{shown} is not a query of this resource")
    if len(texts) != 1:
        raise QueryInvalid(f"{name} is given more than once")
    if len(texts[0]) > _LONGEST_VALUE:
        raise QueryInvalid(f"{name} has more than {_LONGEST_VALUE} characters")
    return texts[0]


def _instant(name: str, text: str | None) -> datetime | None:
    """An instant with offset; whole seconds, rounded up, as everything stored is."""
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise QueryInvalid(f"{name} is not a time such as {_EXAMPLE}") from None
    if datetime.fromisoformat(text).tzinfo is None:
        raise QueryInvalid(f"{name} needs an offset, as {_EXAMPLE}")
    if not EARLIEST <= instant.date() <= LATEST:
        raise QueryInvalid(f"{name} is out of range")
    fraction = (instant - _EPOCH) % timedelta(seconds=1)
    return instant + (timedelta(seconds=1) - fraction if fraction else timedelta())


_EXAMPLE = "2026-06-22T13:00:00Z"


def _count(text: str | None) -> int | None:
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        raise QueryInvalid(f"{COUNT} is not a number from 0 to 999999999")
    return int(text)


def _obis(text: str | None) -> str:
    if text is None:
        return ""
    try:
        if _OBIS.fullmatch(text):
            return Obis.parse(text).logical_name
    except ValueError:
        pass
    raise QueryInvalid(f"{OBIS} is not A-B:C.D.E or A-B:C.D.E*F")


def _level(text: str | None) -> str:
    if text is not None and text not in LEVELS:
        raise QueryInvalid(f"{LEVEL} is not I, W, E or F")
    return LEVELS[text] if text else ""


def _is_signed(text: str | None) -> bool:
    if text not in (None, DETACHED):
        raise QueryInvalid(f"{SIGNED} can only be {DETACHED}")
    return text is not None

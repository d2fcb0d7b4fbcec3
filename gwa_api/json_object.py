"""Reads JSON objects strictly: each member by its type, unknown ones refused."""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tariffs.profile_spec import Problem

NEEDED = "is needed"
TEXT_RULE = "must be a text, not empty, without control characters"
_HALVES = re.compile(r"[\ud800-\udfff]")
"""Halves of characters: JSON can write them, UTF-8 cannot."""
_DURATION = re.compile(
    r"P(?:([0-9]{1,4})D)?(?:T(?:([0-9]{1,5})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,7})S)?)?"
)


class DocumentInvalid(Exception):
    """A document that is refused; `problems` says everything that is wrong with it.

    The pointers are JSON pointers (RFC 6901) into the document.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.pointer}: {p.message}" for p in problems))


def document_of(text: str) -> dict[str, Any]:
    """The JSON object in `text`; raises DocumentInvalid.

    A member that stands twice is refused: which one counts could not be said.
    """
    try:
        document = json.loads(text, object_pairs_hook=_without_doubles)
    except ValueError as error:
        raise DocumentInvalid([Problem("", f"not JSON: {error}")]) from None
    except RecursionError:
        raise DocumentInvalid([Problem("", "nested too deeply")]) from None
    if not isinstance(document, dict):
        raise DocumentInvalid([Problem("", "must be a JSON object")])
    if any(_HALVES.search(text) for text in texts_of(document)):
        raise DocumentInvalid([Problem("", "half a character in a text")])
    return document


def texts_of(document: object) -> Iterator[str]:
    """Every text and every name of a member."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += [*value, *value.values()]


def document_text(document: Mapping[str, Any]) -> str:
    """JSON in one form for one content: sorted members, no blanks."""
    return json.dumps(
        document, ensure_ascii=False, separators=(",", ":"), sort_keys=True
    )


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the member {twice!r} stands twice in one object")
    return members


class JsonObject:
    """One object of a document; notes what is wrong in the list of problems.

    A reader of a member always returns a value of its type, after a problem the
    default; so all problems of a document are found in one go.
    """

    def __init__(
        self,
        value: object,
        pointer: str,
        problems: list[Problem],
        *,
        allowed: Collection[str],
    ) -> None:
        self.pointer = pointer
        self._problems = problems
        self._members: dict[str, object] = value if isinstance(value, dict) else {}
        if not isinstance(value, dict):
            problems.append(Problem(pointer, "must be an object"))
        for name in self._members:
            if name not in allowed:
                listed = ", ".join(sorted(allowed))
                self.refuse(name, f"unknown member; known are {listed}")

    def refuse(self, name: str, message: str) -> None:
        """Note a problem with a member."""
        escaped = name.replace("~", "~0").replace("/", "~1")
        self._problems.append(Problem(f"{self.pointer}/{escaped}", message))

    def has(self, name: str) -> bool:
        """Whether the member is there and not null."""
        return self._members.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """A text; without a default the member is needed."""
        value = self._members.get(name)
        if isinstance(value, str) and value.strip() and value.isprintable():
            return value
        if value is None and default is not None:
            return default
        self.refuse(name, NEEDED if value is None else TEXT_RULE)
        return default or ""

    def integer(self, name: str, default: int | None = None) -> int | None:
        """A whole number, or the default when it is left out."""
        value = self._members.get(name)
        if value is None:
            return default
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        self.refuse(name, "must be a whole number")
        return default

    def needed_integer(self, name: str) -> int:
        """A whole number that must be there."""
        if not self.has(name):
            self.refuse(name, NEEDED)
        return self.integer(name, 0) or 0

    def flag(self, name: str, *, default: bool = False) -> bool:
        """True or false, or the default when it is left out."""
        value = self._members.get(name)
        if isinstance(value, bool):
            return value
        if value is not None:
            self.refuse(name, "must be true or false")
        return default

    def instant(self, name: str) -> datetime | None:
        """An instant of RFC 3339 in UTC, whole seconds; None when it is left out."""
        text = self.text(name, "")
        if not text:
            return None
        try:
            instant = datetime.fromisoformat(text)
            if instant.tzinfo is not None:
                return instant.astimezone(UTC).replace(microsecond=0)
        except (ValueError, OverflowError):
            pass
        self.refuse(name, "must be a time with offset: 2026-01-01T00:00:00+01:00")
        return None

    def needed_instant(self, name: str) -> datetime:
        """An instant that must be there."""
        if not self.has(name):
            self.refuse(name, NEEDED)
        return self.instant(name) or datetime(1970, 1, 1, tzinfo=UTC)

    def duration_s(self, name: str, default: int) -> int:
        """A duration of ISO 8601 in seconds: PT15M, P1D."""
        text = self.text(name, "")
        match = _DURATION.fullmatch(text)
        if text and (match is None or not any(match.groups())):
            self.refuse(name, "must be a duration in days to seconds: PT15M")
        if match is None or not any(match.groups()):
            return default
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        span = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        return int(span.total_seconds())

    def texts(
        self, name: str, default: Sequence[str] = (), *, one_allowed: bool = False
    ) -> tuple[str, ...]:
        """A list of texts, or the default when it is left out.

        `one_allowed`: a single text may stand for a list of one.
        """
        value = self._members.get(name)
        if value is None:
            return tuple(default)
        if one_allowed and isinstance(value, str):
            return (value,)
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return tuple(value)
        self.refuse(name, "must be a list of texts")
        return tuple(default)

    def part(self, name: str, allowed: Collection[str]) -> "JsonObject":
        """An object inside this one; an empty one when it is left out."""
        value = self._members.get(name)
        pointer = f"{self.pointer}/{name}"
        shown = {} if value is None else value
        return JsonObject(shown, pointer, self._problems, allowed=allowed)

    def parts(self, name: str, allowed: Collection[str]) -> Iterator["JsonObject"]:
        """The objects of a list; none when it is left out."""
        value = self._members.get(name)
        if value is not None and not isinstance(value, list):
            self.refuse(name, "must be a list")
            return
        for position, one in enumerate(value or ()):
            pointer = f"{self.pointer}/{name}/{position}"
            yield JsonObject(one, pointer, self._problems, allowed=allowed)

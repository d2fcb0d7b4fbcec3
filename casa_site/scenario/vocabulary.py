"""The words of a scenario file: what may be done, what may be expected, with what keys.

A form says which keys a word has and what they hold. What the words do is in `actions`
and `expectations`, which have a function for each; a test holds them together.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from casa_site.scenario.document import Part
from hardware.simulator.scenario import duration_of

_EVENT = re.compile(r"(\d{1,10})(?:/(\d{1,10}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a form: how its value is read, and whether it has to be there."""

    read: Callable[[Part], Any]
    needed: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A word of the file with what was said about it, and where."""

    word: str
    given: Any
    part: Part


@dataclass(frozen=True, slots=True)
class EntryWanted:
    """An entry of a log; None is anything. `sub_id` None stands for any, too."""

    event_id: int
    sub_id: int | None = None
    at: timedelta | datetime | None = None
    arguments: tuple[str, ...] | None = None
    profile: str | None = None
    recipient: str | None = None

    def __str__(self) -> str:
        return f"{self.event_id}" + ("" if self.sub_id is None else f"/{self.sub_id}")


@dataclass(frozen=True, slots=True)
class LogWanted:
    """What has come into a log since it was last looked at.

    `exact`: these and no others, in this order. `has`: these among others. `lacks`:
    none of these. `count`: so many.
    """

    exact: tuple[EntryWanted, ...] | None = None
    has: tuple[EntryWanted, ...] = ()
    lacks: tuple[EntryWanted, ...] = ()
    count: int | None = None


def duration(part: Part) -> timedelta:
    """A time from the begin on: 00:15:00, or 3d 00:15:00."""
    try:
        return duration_of(part.text())
    except ValueError as error:
        raise part.refuse(str(error)) from None


def moment(part: Part) -> timedelta | datetime:
    """A time from the begin on, or a date and time with its offset from UTC."""
    text = part.text()
    if "-" not in text:
        return duration(part)
    return instant(part)


def instant(part: Part) -> datetime:
    """A date and time with its offset: 2026-03-03T12:00:00Z; comes out in UTC."""
    try:
        found = datetime.fromisoformat(part.text())
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise part.refuse("a time with its offset is wanted: 2026-03-03T12:00:00Z")
    return found.astimezone(UTC)


def texts(part: Part) -> tuple[str, ...]:
    """A list of texts, or one text."""
    if part.is_plain:
        return (part.text(),)
    return tuple(one.text() for one in part.items())


def integers(part: Part) -> tuple[int, ...]:
    """A list of whole numbers."""
    return tuple(one.integer() for one in part.items())


def moments(part: Part) -> tuple[timedelta | datetime, ...]:
    """A list of times."""
    return tuple(moment(one) for one in part.items())


def one_of(*words: str) -> Callable[[Part], str]:
    """One of these words."""

    def read(part: Part) -> str:
        if part.text() not in words:
            raise part.refuse(f"one of {', '.join(words)} is wanted")
        return part.text()

    return read


def form(keys: Mapping[str, Key]) -> Callable[[Part], dict[str, Any]]:
    """Reads a mapping with these keys; what is left out is missing."""

    def read(part: Part) -> dict[str, Any]:
        found = part.members(keys)
        for name, key in keys.items():
            if key.needed and name not in found:
                raise part.refuse(f"'{name}' is missing")
        return {name: keys[name].read(one) for name, one in found.items()}

    return read


def by_name(read: Callable[[Part], Any]) -> Callable[[Part], dict[str, Any]]:
    """Reads a mapping whose keys are names of things."""
    return lambda part: {name: read(one) for name, one in part.members().items()}


def list_of(read: Callable[[Part], Any]) -> Callable[[Part], list[Any]]:
    """Reads a list of such things."""
    return lambda part: [read(one) for one in part.items()]


def entry(part: Part) -> EntryWanted:
    """`19006/1`, or a mapping with `event` and more."""
    if part.is_plain:
        return _event(part)
    found = part.members(["event", *_OF_ENTRY])
    if "event" not in found:
        raise part.refuse("'event' is missing")
    given = {k: _OF_ENTRY[k](one) for k, one in found.items() if k != "event"}
    event = _event(found["event"])
    return EntryWanted(event.event_id, event.sub_id, **given)


_OF_ENTRY: dict[str, Callable[[Part], Any]] = {
    "at": moment,
    "arguments": texts,
    "profile": Part.text,
    "recipient": Part.text,
}


def _event(part: Part) -> EntryWanted:
    found = _EVENT.fullmatch(part.text())
    if found is None:
        raise part.refuse("an event (19006/1) or a fault code (103118) is wanted")
    number, sub_id = found.groups()
    return EntryWanted(int(number), None if sub_id is None else int(sub_id))


def log(part: Part) -> LogWanted:
    """A list of entries: exactly these; or a mapping with has, lacks, count."""
    if part.is_list:
        return LogWanted(exact=_entries(part))
    found = part.members(["has", "lacks", "count"])
    return LogWanted(
        has=_entries(found["has"]) if "has" in found else (),
        lacks=_entries(found["lacks"]) if "lacks" in found else (),
        count=found["count"].integer() if "count" in found else None,
    )


def _entries(part: Part) -> tuple[EntryWanted, ...]:
    return tuple(entry(one) for one in part.items())


@dataclass(frozen=True, slots=True)
class Word:
    """A word: how what is said about it is read, and what it means, in one line."""

    read: Callable[[Part], Any]
    meaning: str
    keys: Mapping[str, Key] = field(default_factory=dict)


def _word(meaning: str, **keys: Key) -> Word:
    return Word(form(keys), meaning, keys)


TEXT, NEEDED = Key(Part.text), Key(Part.text, needed=True)
NUMBER, FLAG, JSON = Key(Part.integer), Key(Part.flag), Key(Part.plain)

ACTIONS = {
    "login": _word("by the form of the portal", user=NEEDED, password=TEXT),
    "logout": _word("by the button of the portal", user=NEEDED),
    "get": _word("a page or file of the portal", path=NEEDED, user=TEXT),
    "post": _word("a form of the portal", path=NEEDED, user=TEXT, form=JSON),
    "digest": _word(
        "a document of the HAN JSON interface",
        path=NEEDED,
        user=NEEDED,
        password=TEXT,
    ),
    "gwa": _word(
        "a request of the administrator's REST interface",
        method=Key(one_of("GET", "PUT", "POST", "PATCH", "DELETE"), needed=True),
        path=NEEDED,
        body=JSON,
        certificate=Key(one_of("own", "foreign", "unknown", "none")),
    ),
    "technician": _word("a page of the service access", path=NEEDED),
    "partner": _word(
        "what a partner on the WAN does from now on",
        id=NEEDED,
        reachable=FLAG,
        answers=Key(integers),
        certificate=Key(one_of("own", "foreign")),
    ),
    "time_server": _word(
        "what the time server does from now on",
        reachable=FLAG,
        seconds=NUMBER,
        mischief=TEXT,
    ),
    "clock": _word("the host's clock jumps", seconds=Key(Part.integer, needed=True)),
    "restart": _word(
        "the gateway ends and begins again",
        how=Key(one_of("orderly", "power_loss", "crash"), needed=True),
        off=Key(duration),
    ),
    "tamper": _word(
        "somebody changes a stored row past the gateway",
        list=Key(one_of("original", "consumer_log", "system_log"), needed=True),
        change=Key(one_of("value", "removed"), needed=True),
    ),
    "storage": _word("so much is free", free_percent=Key(Part.integer, needed=True)),
    "radio": _word(
        "how the module of a stick fails from now on",
        port=NEEDED,
        silent=FLAG,
        answers_short=FLAG,
        refuses_mode=FLAG,
        refuses_restart=FLAG,
        module=NUMBER,
        firmware=NUMBER,
    ),
}

_ALARM = {"kind": NEEDED, "subject": TEXT, "code": NUMBER}
_OF_LIST = {
    "records": NUMBER,
    "placeholders": Key(moments),
    "fatal": Key(moments),
    "last": Key(by_name(Part.integer)),
    "truth": FLAG,
}

EXPECTATIONS = {
    "answer": _word(
        "the last answer to somebody's request",
        status=NUMBER,
        contains=Key(texts),
        lacks=Key(texts),
        json=JSON,
    ),
    "system_log": Word(log, "what has come into the system log since the last look"),
    "calibration_log": Word(log, "the same of the calibration log"),
    "consumer_log": Word(by_name(log), "the same of a consumer's log, by consumer"),
    "alarms": Word(list_of(form(_ALARM)), "all alarms that stand"),
    "reported": Word(list_of(form(_ALARM)), "all alarms that the GWA was told so far"),
    "leds": _word("the lights", pwr=TEXT, tls=TEXT, lmc=TEXT, wmt=TEXT),
    "device": _word(
        "the state of the device",
        mode=Key(one_of("normal", "soft", "hard")),
        codes=Key(integers),
        time_valid=FLAG,
        time_source=TEXT,
        for_billing=FLAG,
        off_by_ms=NUMBER,
    ),
    "original_list": Word(by_name(form(_OF_LIST)), "a meter's records, by meter"),
    "derived_list": Word(by_name(form(_OF_LIST)), "a profile's records, by profile"),
    "received": Word(
        by_name(form({"documents": NUMBER, "records": NUMBER})),
        "what a participant has got so far, decrypted and checked, by participant",
    ),
    "outbox": _word(
        "rows of the outbox",
        due=NUMBER,
        sent=NUMBER,
        acknowledged=NUMBER,
        failed=NUMBER,
    ),
    "profiles": Word(by_name(Part.text), "the state of profiles, by profile"),
}

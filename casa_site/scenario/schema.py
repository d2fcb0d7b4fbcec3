"""The form of a scenario file: read, checked, and as data. Nothing happens here."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from casa_site.scenario.document import Part, read
from casa_site.scenario.vocabulary import (
    ACTIONS,
    EXPECTATIONS,
    Call,
    Key,
    duration,
    form,
    instant,
    one_of,
    texts,
)
from hardware.simulator.scenario import Fault, fault_of

LONGEST = timedelta(days=1100)
DEFAULT_KEY = bytes(range(0x20, 0x30)).hex()
"""The master key of a meter for which the file names none."""

_COVERS = re.compile(r"R[1-9]\d{0,2}|\d{5,10}", re.ASCII)
_SHORTEST_PACE = timedelta(seconds=1)
_FILE = (
    *("name", "about", "covers", "begin", "end", "slow"),
    *("pace", "live_period", "installation", "wan", "time_server", "faults", "steps"),
)
_CONFIGURATION = ("consumers", "meters", "participants", "profiles")
_SIMULATED = {
    "profile": Key(one_of("household", "household_pv", "heat_pump")),
    "every": Key(duration),
    "seed": Key(Part.integer),
    "configured": Key(Part.flag),
}
_WAN = {
    "participants": Key(texts),
    "route": Key(one_of("direct", "via_gwa")),
}


@dataclass(frozen=True, slots=True)
class Simulated:
    """What hangs on the line: a meter's entry for the gateway, and how it behaves.

    `entry` is the meter of a document for `manage apply`; `is_configured`: the gateway
    is told of it. `every` is how often a meter sends that sends unasked.
    """

    entry: dict[str, Any]
    is_configured: bool = True
    profile: str = "household"
    every: timedelta | None = None
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Wan:
    """The partners on the WAN: a GWA, these participants, and the way to them."""

    participants: tuple[str, ...] = ()
    route: str = "direct"


@dataclass(frozen=True, slots=True)
class Step:
    """What is done at a time, and what has to be found right after it."""

    at: timedelta
    line: int
    note: str
    actions: tuple[Call, ...]
    expected: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole file. `configuration` is the document for `manage apply`."""

    path: Path
    name: str
    about: str
    covers: tuple[str, ...]
    begin: datetime
    end: timedelta
    is_slow: bool
    pace: timedelta
    live_period: timedelta
    configuration: dict[str, Any]
    installation: Part
    meters: tuple[Simulated, ...]
    wan: Wan | None
    has_time_server: bool
    faults: tuple[Fault, ...]
    steps: tuple[Step, ...]


def load(path: Path) -> Scenario:
    """Read a file; raises FileInvalid that names file, line and key."""
    whole = read(path)
    found = whole.members(_FILE)
    for name in ("name", "covers", "begin", "installation", "steps"):
        if name not in found:
            raise whole.refuse(f"'{name}' is missing")
    begin = instant(found["begin"])
    steps = tuple(_step(one) for one in found["steps"].items())
    end = _end(found, steps)
    configuration, meters = _installation(found["installation"])
    return Scenario(
        path=path,
        name=found["name"].text(),
        about=found["about"].text() if "about" in found else "",
        covers=_covers(found["covers"]),
        begin=begin,
        end=end,
        is_slow="slow" in found and found["slow"].flag(),
        pace=_period(found, "pace", timedelta(minutes=1)),
        live_period=_period(found, "live_period", timedelta(minutes=1)),
        configuration=configuration,
        installation=found["installation"],
        meters=meters,
        wan=_wan(found["wan"]) if "wan" in found else None,
        has_time_server="time_server" in found and found["time_server"].flag(),
        faults=_faults(found["faults"], begin) if "faults" in found else (),
        steps=steps,
    )


def _end(found: dict[str, Part], steps: tuple[Step, ...]) -> timedelta:
    """As it says, else with the last step; never before that."""
    last = max((step.at for step in steps), default=timedelta())
    end = duration(found["end"]) if "end" in found else last
    if end < last:
        raise found["end"].refuse("there is a step after it")
    if end > LONGEST:
        raise found.get("end", found["steps"]).refuse("more than three years")
    return end


def _covers(part: Part) -> tuple[str, ...]:
    covers = texts(part)
    for one, word in zip(part.items(), covers, strict=True):
        if not _COVERS.fullmatch(word):
            raise one.refuse("a requirement (R28) or a fault code (103118) is wanted")
    if not covers:
        raise part.refuse("name at least one requirement or fault code")
    return covers


def _period(found: dict[str, Part], name: str, default: timedelta) -> timedelta:
    period = duration(found[name]) if name in found else default
    if period < _SHORTEST_PACE:
        raise found[name].refuse("a second is the least")
    return period


def _wan(part: Part) -> Wan:
    return Wan(**form(_WAN)(part))


def _installation(part: Part) -> tuple[dict[str, Any], tuple[Simulated, ...]]:
    """The document for `apply`, and what hangs on the lines."""
    found = part.members(_CONFIGURATION)
    given = found.get("meters")
    meters = tuple(_meter(one) for one in given.items()) if given else ()
    document = {name: one.plain() for name, one in found.items() if name != "meters"}
    document["meters"] = [one.entry for one in meters if one.is_configured]
    return document, meters


def _meter(part: Part) -> Simulated:
    members = part.members()
    entry = {name: one.plain() for name, one in members.items() if name != "simulated"}
    for name in ("id", "source", "port"):
        if not isinstance(entry.get(name), str):
            raise part.refuse(f"'{name}' is missing")
    _name_keys(entry)
    given = form(_SIMULATED)(members["simulated"]) if "simulated" in members else {}
    return Simulated(entry, given.pop("configured", True), **given)


def _name_keys(entry: dict[str, Any]) -> None:
    """What the file leaves out and both sides have to know."""
    if entry["source"] == "wmbus":
        entry.setdefault("stick", "im871a")
        entry.setdefault("security", "mode7")
    if entry["source"] in ("hdlc", "wmbus") and entry.get("security") != "plain":
        entry.setdefault("master_key", DEFAULT_KEY)


def _faults(part: Part, begin: datetime) -> tuple[Fault, ...]:
    return tuple(_fault(one, begin) for one in part.items())


def _fault(part: Part, begin: datetime) -> Fault:
    """By the same keys as in the fault files of the simulated meters."""
    members = part.members()
    numbers = {"bits", "seconds"}
    entry = {
        name: one.integer() if name in numbers else one.text()
        for name, one in members.items()
    }
    try:
        return fault_of(entry, begin)
    except ValueError as error:
        raise part.refuse(str(error)) from None


def _step(part: Part) -> Step:
    found = part.members(["at", "note", "expect", *ACTIONS])
    if "at" not in found:
        raise part.refuse("'at' is missing")
    actions = [_call(found[word], word, ACTIONS) for word in found if word in ACTIONS]
    expected: list[Call] = []
    if "expect" in found:
        wanted = found["expect"].members(EXPECTATIONS)
        expected = [_call(one, word, EXPECTATIONS) for word, one in wanted.items()]
    if not actions and not expected:
        raise part.refuse("nothing is done and nothing expected here")
    return Step(
        at=duration(found["at"]),
        line=part.line,
        note=found["note"].text() if "note" in found else "",
        actions=tuple(actions),
        expected=tuple(expected),
    )


def _call(part: Part, word: str, words: Any) -> Call:
    return Call(word, words[word].read(part), part)

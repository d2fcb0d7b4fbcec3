"""A small file that says which faults simulated meters have, and when.

    # Times count from the start of the scenario.
    [[fault]]
    kind = "silence"
    meter = "1emh0000000001"
    begin = "00:10:00"
    end = "00:20:00"

| kind | what happens | also needs |
|---|---|---|
| silence | the meter says nothing | meter |
| noise | bytes of what it says are changed on the way | meter |
| checksum | its checksums are wrong | meter |
| collision | somebody else speaks at the same time | meter |
| echo | the line gives back what the gateway sends | |
| status | its status word shows `bits` | meter, bits |
| clock | its operating seconds are off by `seconds` | meter, seconds |
| rollover | its counters begin at 0 again | meter |
| exchange | the meter `by` hangs there in its place | meter, by |
| overload | the supply of the bus is overloaded | |
| unplugged | the port is not there | |
| wrong_key | a wireless meter encrypts with another key | meter |
| replay | somebody sends old telegrams of a wireless meter again | meter |

Without `end` a fault lasts. A time may name days before it: "12d 06:30:00". Nothing
here reads a clock: the time is given in. The files of `./casa scenario` describe faults
by the same kinds and keys.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from hardware.device_id import server_id_of
from hardware.wmbus_address import address_of_meter_id

_MBUS_ID_LENGTH = 16
_DURATION = re.compile(r"(?:(\d{1,4})d ?)?(\d{1,2}):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
_FIELDS = {"kind", "meter", "begin", "end", "bits", "seconds", "by"}


class FaultKind(StrEnum):
    """What goes wrong; see the table above."""

    SILENCE = "silence"
    NOISE = "noise"
    CHECKSUM = "checksum"
    COLLISION = "collision"
    ECHO = "echo"
    STATUS = "status"
    CLOCK = "clock"
    ROLLOVER = "rollover"
    EXCHANGE = "exchange"
    OVERLOAD = "overload"
    UNPLUGGED = "unplugged"
    WRONG_KEY = "wrong_key"
    REPLAY = "replay"


_OF_LINE = {FaultKind.ECHO, FaultKind.OVERLOAD, FaultKind.UNPLUGGED}
_NEEDS = {
    FaultKind.STATUS: "bits",
    FaultKind.CLOCK: "seconds",
    FaultKind.EXCHANGE: "by",
}


class ScenarioInvalid(ValueError):
    """A scenario file that cannot be used; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: from `begin` up to, not including, `end` (None: for ever).

    `meter` and `by` are server ids, b"" where none is meant; `bits` are status bits.
    """

    kind: FaultKind
    begin: datetime
    end: datetime | None = None
    meter: bytes = b""
    bits: int = 0
    seconds: int = 0
    by: bytes = b""

    def is_active(self, now: datetime) -> bool:
        """Whether it goes wrong at `now`."""
        return self.begin <= now and (self.end is None or now < self.end)


class Scenario:
    """The faults of one installation."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self.faults = tuple(faults)

    @classmethod
    def load(cls, path: Path, begin: datetime) -> "Scenario":
        """Read a file whose times count from `begin`; raises ScenarioInvalid."""
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ScenarioInvalid(f"{path}: {error}") from None
        entries = document.get("fault", [])
        if set(document) - {"fault"} or not isinstance(entries, list):
            raise ScenarioInvalid(f"{path}: only [[fault]] tables are known")
        try:
            return cls(fault_of(entry, begin) for entry in entries)
        except (ValueError, TypeError, KeyError) as error:
            raise ScenarioInvalid(f"{path}: {error}") from None

    def active(
        self, kind: FaultKind, now: datetime, meter: bytes = b""
    ) -> Fault | None:
        """The first fault of this kind at a meter, or of the line, at `now`."""
        for fault in self.faults:
            if fault.kind is kind and fault.meter == meter and fault.is_active(now):
                return fault
        return None

    def has(self, kind: FaultKind, now: datetime, meter: bytes = b"") -> bool:
        """Whether there is such a fault at `now`."""
        return self.active(kind, now, meter) is not None

    def is_present(self, meter: bytes, now: datetime) -> bool:
        """Whether the meter hangs on the line: not exchanged yet, or put in already."""
        exchanges = [f for f in self.faults if f.kind is FaultKind.EXCHANGE]
        if any(f.meter == meter and f.is_active(now) for f in exchanges):
            return False
        arrivals = [f for f in exchanges if f.by == meter]
        return not arrivals or any(f.is_active(now) for f in arrivals)


def fault_of(entry: dict[str, Any], begin: datetime) -> Fault:
    """The fault that a table of the file describes; its times count from `begin`.

    Raises ValueError with what is wrong with it.
    """
    if "kind" not in entry:
        raise ValueError("kind is missing")
    kind = FaultKind(entry["kind"])
    unknown = set(entry) - _FIELDS
    if unknown:
        raise ValueError(f"{kind}: unknown {', '.join(sorted(unknown))}")
    missing = {_NEEDS[kind]} - set(entry) if kind in _NEEDS else set()
    if kind not in _OF_LINE and "meter" not in entry:
        missing = missing | {"meter"}
    if missing:
        raise ValueError(f"{kind}: {', '.join(sorted(missing))} is missing")
    return Fault(
        kind=kind,
        begin=begin + duration_of(entry.get("begin", "00:00:00")),
        end=begin + duration_of(entry["end"]) if "end" in entry else None,
        meter=_server_id(entry["meter"]) if "meter" in entry else b"",
        bits=int(entry.get("bits", 0)),
        seconds=int(entry.get("seconds", 0)),
        by=_server_id(entry["by"]) if "by" in entry else b"",
    )


def _server_id(meter_id: str) -> bytes:
    """Of a wired meter, or of a wireless one with its 16 hex digits."""
    if len(meter_id) == _MBUS_ID_LENGTH:
        return address_of_meter_id(meter_id).server_id
    return server_id_of(meter_id)


def duration_of(text: str) -> timedelta:
    """Of "HH:MM:SS", with days before it "3d HH:MM:SS"; raises ValueError."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"'{text}' is no time: 00:15:00, or 3d 00:15:00 with days")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)

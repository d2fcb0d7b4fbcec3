"""The events of the manual's ch. 9.3 and the fault codes of ch. 9.4, as data.

`data/events.json` and `data/faults.json` hold the manual's words, unchanged. What the
system and the calibration log may show of an entry is decided here, per placeholder
(decisions D32).
"""

import json
import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Literal

Log = Literal["consumer", "system", "calibration"]
Level = Literal["info", "warning", "error", "fatal"]

_DATA = Path(__file__).parent / "data"
_PLACEHOLDER = re.compile(r"\[(\d)\]")
_NOTHING = "-"


class Event(Enum):
    """Each event of ch. 9.3 by name; the value is (event id, sub-id).

    Ids above 2^31 are the vendor's: 2^32 - id is the number (4294954294 = -13002).
    """

    METER_STATUS_TEMPORARY = (1011, 1)
    METER_STATUS_FATAL = (1011, 2)
    PASSWORD_LOGIN_DONE = (5001, 0)
    PASSWORD_LOGIN_REFUSED = (5001, 1)
    PASSWORD_LOGIN_FAILED = (5001, 2)
    CERTIFICATE_LOGIN_DONE = (5002, 0)
    CERTIFICATE_LOGIN_REFUSED = (5002, 1)
    CERTIFICATE_LOGIN_FAILED = (5002, 2)
    POWER_RETURNED = (6001, 0)
    TIME_INVALID = (13001, 1)
    TIME_SET = (13002, 0)
    TIME_SYNCHRONISED = (13003, 0)
    TIME_TOO_FAR_OFF = (13005, 1)
    TIME_SET_FROM_RTC = (4_294_954_294, 0)
    SELF_TEST_PASSED = (15001, 0)
    SELF_TEST_FAILED = (15001, 1)
    SELF_TEST_TRIGGERED = (15002, 0)
    SELF_TEST_NOT_TRIGGERED = (15002, 1)
    VALUES_SENT = (16001, 0)
    FIRST_READING_SENT = (16002, 0)
    FINAL_READING_SENT = (16003, 0)
    ON_DEMAND_TRIGGERED = (16004, 0)
    ON_DEMAND_RECIPIENT_UNKNOWN = (16004, 4)
    ON_DEMAND_VALUES_SENT = (16005, 0)
    INTEGRITY_VIOLATED = (19001, 1)
    FIRMWARE_STARTED = (19004, 0)
    METERING_STOPPED = (19005, 1)
    METERING_STARTED = (19006, 0)
    VALUE_WARNING = (19006, 1)
    VALUE_ERROR = (19006, 2)
    STORAGE_EXHAUSTED = (19007, 2)
    CALIBRATION_LOG_EXHAUSTED = (19008, 2)
    CONSUMER_LOG_FULL = (4_294_948_294, 1)
    TOO_MANY_LOGIN_FAILURES = (4_294_948_293, 1)
    FATAL_FAULT = (4_294_948_286, 1)
    RESTARTING = (4_294_948_285, 0)
    LOG_ENTRY_INCOMPLETE = (4_294_948_284, 1)
    UNEXPECTED_START = (4_294_948_266, 2)
    COMMUNICATION_PROFILE_UPDATED = (20003, 0)
    PROFILE_CREATED = (20010, 0)
    PROFILE_UPDATED = (20011, 0)
    PROFILE_ENDED = (20012, 0)
    PROFILE_DELETED = (20013, 0)
    PROXY_CONNECTED = (20018, 0)
    PROXY_DISCONNECTED = (20020, 0)
    PROFILE_READ_BY_GWA = (20029, 0)
    METER_PROFILE_READ_BY_GWA = (20030, 0)
    END_DATE_CORRECTED = (20032, 0)
    CREDENTIALS_UPDATED = (20033, 0)
    TARIFF_STAGE_SWITCHED = (21002, 0)
    TAF_STARTED = (4_294_946_295, 0)


@dataclass(frozen=True, slots=True)
class EventRow:
    """What the catalogue says of an event.

    `placeholders` names what [1], [2], ... hold. With `concerns_all` an entry goes to
    every consumer's log unless the caller names some.
    """

    event_id: int
    sub_id: int
    level: Level
    text: str
    category: str
    logs: tuple[Log, ...]
    concerns_all: bool
    placeholders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FaultRow:
    """A fault code: its words, its service, and whether it forces soft lock-down."""

    code: int
    description: str
    soft_lockdown: bool
    service: str

    @property
    def level(self) -> Level:
        """The level of its entry in the system log."""
        return "fatal" if self.soft_lockdown else "error"


def _load_events() -> dict[tuple[int, int], EventRow]:
    rows = json.loads((_DATA / "events.json").read_text(encoding="utf-8"))
    return {
        (row["event_id"], row["sub_id"]): EventRow(
            event_id=row["event_id"],
            sub_id=row["sub_id"],
            level=row["level"],
            text=row["text"],
            category=row["category"],
            logs=tuple(row["logs"]),
            concerns_all=row["consumers"] == "all",
            placeholders=tuple(row["placeholders"]),
        )
        for row in rows
    }


def _load_faults() -> dict[int, FaultRow]:
    rows = json.loads((_DATA / "faults.json").read_text(encoding="utf-8"))
    return {row["code"]: FaultRow(**row) for row in rows}


_EVENTS = _load_events()
_FAULTS = _load_faults()


def event_row(event: Event) -> EventRow:
    """The catalogue's row of an event."""
    return _EVENTS[event.value]


def fault(code: int) -> FaultRow:
    """The catalogue's row of a fault code; raises KeyError for an unknown one."""
    return _FAULTS[code]


def fault_codes() -> tuple[int, ...]:
    """All fault codes, ascending."""
    return tuple(_FAULTS)


GWA_ACCESS = 4_294_946_395
"""An id of our own (2^32 - 20901), for what the manual has no event for: a request of
the gateway administrator. Sub-id 0: answered, 1: refused, 2: an error of ours."""

SERVICE_CHANGE = 4_294_946_394
"""An id of our own (2^32 - 20902): somebody changed something at the service access."""

_OWN_TEXTS = {
    GWA_ACCESS: (
        "Zugriff des Gateway-Administrators: [1] [2], Ergebnis [3], Vorgang [4]."
    ),
    SERVICE_CHANGE: "Servicezugang, [1]: [2].",
}


def rendered(event_id: int, sub_id: int, arguments: list[str]) -> str:
    """The text of an entry: [n] replaced by the n-th argument, "-" where it is missing.

    An id that the catalogue does not know (an entry of a later version) is shown as
    `id/sub-id` with its arguments.
    """
    row = _EVENTS.get((event_id, sub_id))
    if row is None:
        known = _FAULTS.get(event_id)
        if known:
            return known.description
        if event_id not in _OWN_TEXTS:
            return _unknown(event_id, sub_id, arguments)

    def argument(match: re.Match[str]) -> str:
        at = int(match[1]) - 1
        return arguments[at] if 0 <= at < len(arguments) else _NOTHING

    return _PLACEHOLDER.sub(argument, row.text if row else _OWN_TEXTS[event_id])


def _unknown(event_id: int, sub_id: int, arguments: list[str]) -> str:
    return " ".join([f"{event_id}/{sub_id}", *arguments])


_PERSONAL = frozenset(
    {"user", "consumer", "meter", "status", "profile", "actor", "log"}
)
"""Placeholders that name a person, a meter or a contract, or may do so.

"user" is a user name or a subject or issuer of a user's certificate, "actor" who
started a self-test, "log" a log's name, which can be a consumer's. Profile ids are
free text of the administrator and often hold a name.
"""

_METER_ID = re.compile(
    r"\b(?:[0-9a-f][a-z]{3}[0-9a-f]{2}\d{8}|[0-9a-f]{16}|[0-9a-f]{20})\b", re.IGNORECASE
)


def shown_to_gwa(row: EventRow, arguments: list[str], log: Log) -> list[str]:
    """The arguments as the system or the calibration log may keep them (R81).

    Personal ones become "-", and so do meter ids inside free text. The calibration
    log keeps profile ids: a changed tariff profile must be retraceable (R82).
    """
    hidden = _PERSONAL - {"profile"} if log == "calibration" else _PERSONAL
    return [
        _NOTHING if kind in hidden else _METER_ID.sub(_NOTHING, argument)
        for kind, argument in zip(row.placeholders, arguments, strict=True)
    ]

"""Faults that stand, explained: cause, effect, who has to act and how (R143)."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import get_language

from logbooks import device_state
from logbooks.alarms import AlarmKind, open_alarms
from logbooks.catalogue import fault
from logbooks.explanations import explanation, language_of
from logbooks.models import Alarm
from portal import formats

_NAMES_A_THING = frozenset(
    {
        AlarmKind.METER_ABSENT,
        AlarmKind.TRANSPORT_ERRORS,
        AlarmKind.INTERFACE_MISSING,
        AlarmKind.METER_FATAL,
        AlarmKind.METER_TAMPER,
        AlarmKind.SUPPLY_OVERLOAD,
    }
)
"""Kinds whose subject is a meter or a port; of others it may name somebody (D32)."""


@dataclass(frozen=True, slots=True)
class FaultView:
    """A fault that stands; texts are "" where an event is no fault of ch. 9.4."""

    code: int
    subject: str
    since: str
    last: str
    count: int
    description: str
    cause: str
    effect: str
    who: str
    remedy: str


def standing_faults() -> list[FaultView]:
    """What stands, oldest first."""
    return [_of_alarm(alarm) for alarm in open_alarms()]


def lockdown_causes() -> list[FaultView]:
    """What the device is locked for, in the order of the reports."""
    row = device_state.current()
    since = formats.record_time(row.since) if row.since else ""
    return [_explained(code, "", since, since, 1) for code in row.codes]


def codes_of(faults: Iterable[FaultView]) -> str:
    """'103190, 900135': for a line that says how many there are."""
    return ", ".join(str(code) for code in dict.fromkeys(f.code for f in faults))


def _of_alarm(alarm: Alarm) -> FaultView:
    subject = alarm.subject if alarm.kind in _NAMES_A_THING else ""
    since, last = map(formats.record_time, (alarm.since, alarm.last_at))
    return _explained(alarm.code, subject, since, last, alarm.count)


def _explained(code: int, subject: str, since: str, last: str, count: int) -> FaultView:
    try:
        found = explanation(code, language_of(get_language()))
        words = (
            fault(code).description,
            found.cause,
            found.effect,
            found.who,
            found.remedy,
        )
    except KeyError:
        words = ("",) * 5
    return FaultView(code, subject, since, last, count, *words)

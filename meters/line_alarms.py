"""The alarms of one interface: its port, its transport, the supply of its bus."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import NamedTuple

from hardware.gateway import Gateway
from logbooks.alarms import (
    NOTED_EVERY,
    AlarmKind,
    clear_alarms,
    open_alarms,
    raise_alarm,
)
from logbooks.catalogue import Event
from logbooks.services import log_event
from meters import selectors
from meters.interface import InterfaceSpec
from meters.transport_watch import TransportWatch

INTERFACE_CODES = frozenset(
    {100702, 100703} | {200504, 200505, 200506, 200507, 200509, 200701, 200702, 200710}
)
"""The port is not there, or its radio module does not work (R26)."""
TRANSPORT_CODES = frozenset({103106, 103117, 103165})
"""Undecodable and unexpected frames, failed TLS connections (R25)."""

PORT = "port"
"""The place of faults of the port itself; other places are server ids in hex, or
whatever else an interface tells apart."""

SUPPLY_OVERLOADED = "Überlast der Busversorgung am LMN"

_OF_METERS = (
    AlarmKind.METER_ABSENT,
    AlarmKind.TRANSPORT_ERRORS,
    AlarmKind.INTERFACE_MISSING,
    AlarmKind.METER_FATAL,
    AlarmKind.METER_TAMPER,
    AlarmKind.SUPPLY_OVERLOAD,
)


class DueAlarm(NamedTuple):
    """An alarm that is to be raised or cleared."""

    kind: AlarmKind
    subject: str


class LineAlarms:
    """Raises and clears the alarms of an interface as its faults come and go.

    `spec` gives what the interface is at present. What stands is read from the
    database once, so that an alarm of an earlier run is cleared too. The methods that
    write raise django.db.Error; the others need no database.
    """

    def __init__(self, gateway: Gateway, spec: Callable[[], InterfaceSpec]) -> None:
        self._gateway = gateway
        self._spec = spec
        self._transport = TransportWatch()
        self._noted_at: dict[DueAlarm, datetime] = {}
        self._standing: set[DueAlarm] | None = None
        self._is_overloaded: bool | None = None

    def due(self, where: str, code: int, now: datetime) -> DueAlarm | None:
        """The alarm that a fault raises; None for none, or one noted a moment ago."""
        if code in INTERFACE_CODES:
            return self._unless_noted(
                DueAlarm(AlarmKind.INTERFACE_MISSING, self._spec().port), now
            )
        if code in TRANSPORT_CODES and self._transport.note(where, now):
            return self._unless_noted(
                DueAlarm(AlarmKind.TRANSPORT_ERRORS, self._subject(where)), now
            )
        return None

    def begin(self, due: DueAlarm, code: int, now: datetime) -> list[str]:
        """Raise an alarm; the consumers to be told when an episode begins with it."""
        is_new = raise_alarm(due.kind, code=code, subject=due.subject, now=now)
        self._noted_at[due] = now
        self._known().add(due)
        return selectors.owners_of(self._meters_at(due.subject)) if is_new else []

    def forget(self, due: DueAlarm) -> None:
        """The alarm could not be stored: it is due again with the next fault."""
        self._noted_at.pop(due, None)

    def clear(self, where: str, now: datetime) -> None:
        """All is well at this place; clears what is over."""
        if where == PORT:
            self._end(DueAlarm(AlarmKind.INTERFACE_MISSING, self._spec().port), now)
        elif self._transport.is_calm(where, now):
            self._end(DueAlarm(AlarmKind.TRANSPORT_ERRORS, self._subject(where)), now)

    def note_supply(self, is_overloaded: bool, now: datetime) -> None:
        """Whether the supply of the bus is overloaded now (R6)."""
        if is_overloaded == self._is_overloaded:
            return
        due = DueAlarm(AlarmKind.SUPPLY_OVERLOAD, self._spec().port)
        if is_overloaded:
            event = Event.VALUE_WARNING
            if raise_alarm(due.kind, code=event.value[0], subject=due.subject, now=now):
                log_event(self._gateway, event, SUPPLY_OVERLOADED, now=now)
            self._known().add(due)
        else:
            self._end(due, now)
        self._is_overloaded = is_overloaded

    def _unless_noted(self, due: DueAlarm, now: datetime) -> DueAlarm | None:
        noted_at = self._noted_at.get(due)
        rests = noted_at is not None and abs(now - noted_at) < NOTED_EVERY
        return None if rests else due

    def _subject(self, where: str) -> str:
        """The meter whose server id the place is, else the port."""
        spec = self._spec()
        for meter in spec.meters:
            if meter.server_id.hex() == where:
                return meter.id
        return spec.port

    def _meters_at(self, subject: str) -> Collection[str]:
        meter_ids = self._spec().meter_ids
        return [subject] if subject in meter_ids else meter_ids

    def _end(self, due: DueAlarm, now: datetime) -> None:
        if due in self._known():
            clear_alarms(due.kind, [due.subject], now=now)
            self._known().discard(due)
            self._noted_at.pop(due, None)

    def _known(self) -> set[DueAlarm]:
        if self._standing is None:
            self._standing = {
                DueAlarm(AlarmKind(alarm.kind), alarm.subject)
                for alarm in open_alarms().filter(kind__in=_OF_METERS)
            }
        return self._standing


def clear_alarms_of_others(subjects: Collection[str], *, now: datetime) -> int:
    """End the alarms of meters and ports that are no longer configured.

    `subjects` are the ids and ports of those that are; returns how many ended.
    """
    standing = open_alarms().filter(kind__in=_OF_METERS).exclude(subject__in=subjects)
    return standing.update(cleared_at=now)

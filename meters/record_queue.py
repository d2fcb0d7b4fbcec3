"""What was read and is not in the original list yet: nothing is dropped, no order lost.

A boundary that cannot be stored stays here and is tried again until it is stored
(R33). While the database is away, what came after it waits behind it. When only this
boundary fails, for whatever reason, the meters at fault keep waiting and all else goes
on; no placeholder takes the place of a value that waits. Only the end of the process
loses it.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from django.db import Error, InterfaceError, OperationalError, connection

from hardware.gateway import Gateway
from hardware.readings import MeterReading
from meters import services
from meters.absence import watch_absence

RETRY_AFTER_S = 5.0
_UNTOLD_KEPT = 1000
"""Failures that could not be logged, although their boundary was stored later."""

Kept = frozenset[tuple[str, datetime]]
"""Meter and boundary of values that wait: no placeholder may take their place."""

_AWAY = (OperationalError, InterfaceError)
"""The database cannot be reached or is full: nothing else would be stored either."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReadBoundary:
    """Readings for a boundary, by meter id."""

    target_time: datetime
    readings: Mapping[str, MeterReading]

    @property
    def meter_ids(self) -> Sequence[str]:
        """The meters whose values wait here."""
        return list(self.readings)

    def only(self, meter_ids: Collection[str]) -> Self:
        """The same for some of the meters."""
        readings = {id_: one for id_, one in self.readings.items() if id_ in meter_ids}
        return replace(self, readings=readings)

    def store(self, gateway: Gateway, now: datetime) -> int:
        """Write the records; returns how many are new."""
        return services.record_boundary(
            gateway, target_time=self.target_time, readings=self.readings, now=now
        )


@dataclass(frozen=True, slots=True)
class Closing:
    """All boundaries whose late wait was over at `closed_at` are to be closed.

    `listened_since` is since when somebody has listened to the meters: those that
    gave nothing since then for long are absent (R24). None when nobody has. What is
    `kept` has a value that waits, and gets no placeholder.
    """

    closed_at: datetime
    meter_ids: Sequence[str]
    listened_since: datetime | None = None
    kept: Kept = frozenset()

    def only(self, meter_ids: Collection[str]) -> Self:
        """The same for some of the meters."""
        return replace(self, meter_ids=list(meter_ids))

    def store(self, gateway: Gateway, _now: datetime) -> int:
        """Write the placeholders; returns how many are new."""
        stored = services.close_missed_boundaries(
            gateway, now=self.closed_at, meter_ids=self.meter_ids, kept=self.kept
        )
        # More than one boundary at once: the clock was set, nobody could listen.
        was_set = stored > len(self.meter_ids)
        if self.listened_since is not None and not was_set:
            watch_absence(
                gateway,
                self.meter_ids,
                since=self.listened_since,
                now=self.closed_at,
            )
        return stored


@dataclass(slots=True, eq=False)
class _Entry:
    """Work that waits, and whether its failure has been logged."""

    work: ReadBoundary | Closing
    has_failed: bool = False
    is_reported: bool = False


class RecordQueue:
    """The way into the original list for one interface; for one thread at a time.

    `send_hint` is called after each commit that stored something.
    """

    def __init__(
        self,
        gateway: Gateway,
        send_hint: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gateway = gateway
        self._send_hint = send_hint
        self._monotonic = monotonic
        self._waiting: deque[_Entry] = deque()
        self._untold: deque[_Entry] = deque(maxlen=_UNTOLD_KEPT)
        self._retry_at: float | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, work: ReadBoundary | Closing) -> None:
        """Take over work; `flush` stores it."""
        self._waiting.append(_Entry(work))

    def hint(self) -> None:
        """Tell that something new was stored, by this queue or beside it."""
        self._send_hint()

    def flush(self) -> None:
        """Store what waits, oldest first; after a failure not before some seconds."""
        if self._retry_at is not None and self._monotonic() < self._retry_at:
            return
        self._retry_at = None
        for _ in range(len(self._untold)):
            self._report(self._untold.popleft())
        for entry in list(self._waiting):
            try:
                stored = self._store(entry.work)
            except Exception as error:
                self._fail(entry, error)
                if isinstance(error, _AWAY) or not self._store_parts(entry):
                    return
                continue
            self._waiting.remove(entry)
            self._report(entry)  # when the log could not be written before, then now
            if stored:
                self._send_hint()

    def _store_parts(self, entry: _Entry) -> bool:
        """Store meter by meter, so that one holds up no other; False when that ends
        because the database went away."""
        failed = []
        for meter_id in entry.work.meter_ids if len(entry.work.meter_ids) > 1 else ():
            try:
                stored = self._store(entry.work.only([meter_id]))
            except _AWAY:
                return False
            except Exception:
                failed.append(meter_id)
                continue
            if stored:
                self._send_hint()
        if failed:
            entry.work = entry.work.only(failed)
        self._forget_older_closing(entry)
        return True

    def _store(self, work: ReadBoundary | Closing) -> int:
        """How many rows are new; a closing spares the values that wait."""
        if isinstance(work, Closing):
            work = replace(work, kept=self._kept())
        return work.store(self._gateway, self._gateway.clock.now())

    def _kept(self) -> Kept:
        return frozenset(
            (id_, entry.work.target_time)
            for entry in self._waiting
            if isinstance(entry.work, ReadBoundary)
            for id_ in entry.work.meter_ids
        )

    def _forget_older_closing(self, entry: _Entry) -> None:
        """A closing does what an earlier one of the same meters could not do."""
        if isinstance(entry.work, ReadBoundary):
            return
        for other in list(self._waiting):
            if other is entry:
                return
            is_closing = isinstance(other.work, Closing)
            if is_closing and set(other.work.meter_ids) <= set(entry.work.meter_ids):
                self._waiting.remove(other)

    def _fail(self, entry: _Entry, error: Exception) -> None:
        connection.close_if_unusable_or_obsolete()
        if not entry.has_failed:
            logger.error(
                "a boundary could not be stored and is kept: %s",
                error,
                exc_info=None if isinstance(error, Error) else error,
            )
        entry.has_failed = True
        self._retry_at = self._monotonic() + RETRY_AFTER_S
        self._report(entry)

    def _report(self, entry: _Entry) -> None:
        """Log 300033 once per failure, as soon as the log can be written."""
        if entry.is_reported or not entry.has_failed:
            return
        try:
            services.report_storage_fault(
                self._gateway,
                meter_ids=entry.work.meter_ids,
                now=self._gateway.clock.now(),
            )
        except Exception:
            connection.close_if_unusable_or_obsolete()
            if entry not in self._waiting:  # stored meanwhile: told next time
                self._untold.append(entry)
            return
        entry.is_reported = True

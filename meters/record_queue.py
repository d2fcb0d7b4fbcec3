"""What was read and is not in the original list yet: nothing is dropped, no order lost.

A boundary that the database refuses stays here and is tried again until it is stored
(R33); what came after it waits behind it. Only the end of the process loses it, and
then the missed boundary gets its placeholder at the next start.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import Error, connection

from hardware.gateway import Gateway
from hardware.readings import MeterReading
from meters import services
from meters.absence import watch_absence

RETRY_AFTER_S = 5.0

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

    def store(self, gateway: Gateway, now: datetime) -> int:
        """Write the records; returns how many are new."""
        return services.record_boundary(
            gateway, target_time=self.target_time, readings=self.readings, now=now
        )


@dataclass(frozen=True, slots=True)
class Closing:
    """All boundaries whose late wait was over at `closed_at` are to be closed.

    `listened_since` is since when somebody has listened to the meters: those that
    gave nothing since then for long are absent (R24). None when nobody has.
    """

    closed_at: datetime
    meter_ids: Sequence[str]
    listened_since: datetime | None = None

    def store(self, gateway: Gateway, _now: datetime) -> int:
        """Write the placeholders; returns how many are new."""
        stored = services.close_missed_boundaries(
            gateway, now=self.closed_at, meter_ids=self.meter_ids
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
        self._waiting: deque[ReadBoundary | Closing] = deque()
        self._retry_at: float | None = None
        self._is_reported = True

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, work: ReadBoundary | Closing) -> None:
        """Take over work; `flush` stores it."""
        self._waiting.append(work)

    def flush(self) -> None:
        """Store what waits, oldest first; after a failure not before some seconds."""
        if self._retry_at is not None and self._monotonic() < self._retry_at:
            return
        while self._waiting:
            work = self._waiting[0]
            try:
                stored = work.store(self._gateway, self._gateway.clock.now())
            except Error as error:
                self._fail(work, error)
                return
            self._waiting.popleft()
            self._succeed(work)
            if stored:
                self._send_hint()

    def _fail(self, work: ReadBoundary | Closing, error: Error) -> None:
        connection.close_if_unusable_or_obsolete()
        if self._retry_at is None:
            logger.error("a boundary could not be stored and is kept: %s", error)
            self._is_reported = False
        self._retry_at = self._monotonic() + RETRY_AFTER_S
        self._report(work)

    def _succeed(self, work: ReadBoundary | Closing) -> None:
        self._retry_at = None
        self._report(work)  # when the log could not be written either, then now

    def _report(self, work: ReadBoundary | Closing) -> None:
        """Log 300033 once per failure, as soon as the log can be written."""
        if self._is_reported:
            return
        try:
            services.report_storage_fault(
                self._gateway,
                meter_ids=work.meter_ids,
                now=self._gateway.clock.now(),
            )
        except Error:
            connection.close_if_unusable_or_obsolete()
            return
        self._is_reported = True

"""The thread's work on a line whose one meter is read on demand (`d0_pull`)."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import cast

from hardware.d0_pull import D0Puller
from hardware.errors import LmnError, PortVanished
from hardware.gateway import Gateway
from hardware.link import SwitchingLink
from hardware.ports import open_port
from hardware.readings import MeterReading
from meters import selectors
from meters.boundaries import LATE_WAIT, BoundarySchedule, Duty
from meters.interface import InterfaceSpec, OpenLink
from meters.line_interface import LineInterface
from meters.live import show_live
from meters.record_queue import ReadBoundary, RecordQueue

SHORTEST_PERIOD = timedelta(seconds=60)
"""A meter is not asked more often, except again at a boundary when it failed."""

QUIET_BEFORE_BOUNDARY = timedelta(seconds=55)
"""A readout may take as long (50 s at most), so none begins in this time."""


class PullInterface(LineInterface):
    """The line of one meter on demand; see `Interface`."""

    def __init__(
        self,
        gateway: Gateway,
        spec: InterfaceSpec,
        queue: RecordQueue,
        *,
        open_link: OpenLink = open_port,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(gateway, spec, queue, open_link=open_link, monotonic=monotonic)
        self._schedule: BoundarySchedule | None = None
        self._puller: D0Puller | None = None

    def step(self) -> float:
        """Do what is due; returns the seconds until the next deadline."""
        self._open()
        schedule = self._schedule or self._begin()
        try:
            self._perform(schedule, schedule.due(self._now()))
        except PortVanished as error:
            self._port.lose(error)
            self._puller = None
        self._queue.flush()
        return schedule.wait(self._now()).total_seconds()

    def close(self) -> None:
        """Give the port back."""
        super().close()
        self._puller = None

    def _begin(self) -> BoundarySchedule:
        """Close what was missed while nobody read, then go by the schedule."""
        self._close_missed()
        self._schedule = BoundarySchedule(
            now=self._now(),
            live_period=max(self._gateway.live_period, SHORTEST_PERIOD),
            last=selectors.last_common_boundary(self.spec.meter_ids),
            quiet=QUIET_BEFORE_BOUNDARY,
        )
        return self._schedule

    def _open(self) -> None:
        if self._port.open() and self._port.link is not None:
            self._puller = D0Puller(
                cast(SwitchingLink, self._port.link),
                self.spec.meters[0].server_id,
                clock=self._now,
                monotonic=self._monotonic,
                baudrate=self.spec.baudrate,
            )

    def _perform(self, schedule: BoundarySchedule, duty: Duty) -> None:
        if duty is Duty.CLOSE:
            schedule.closed(self._put_closing())
        elif duty is Duty.READ_BOUNDARY:
            self._read_boundary(schedule, schedule.begin_boundary())
        elif duty is Duty.RETRY and schedule.open_boundary is not None:
            self._read_boundary(schedule, schedule.open_boundary)
        elif duty is Duty.READ_LIVE:
            self._read(schedule)

    def _read_boundary(self, schedule: BoundarySchedule, boundary: datetime) -> None:
        reading = self._read(schedule)
        if reading and abs(reading.captured_at - boundary) <= LATE_WAIT:
            readings = {self.spec.meters[0].id: reading}
            self._queue.put(ReadBoundary(boundary, readings))
            schedule.settled()

    def _read(self, schedule: BoundarySchedule) -> MeterReading | None:
        """Read the meter and show what it says; None when that fails."""
        meter = self.spec.meters[0]
        try:
            reading = self._puller.read() if self._puller is not None else None
        except PortVanished:
            raise
        except LmnError as error:
            self._faults.take(self._line, error, self._now())
            return None
        finally:
            schedule.pass_ended(self._now())
        if reading is not None and reading.registers:
            self._faults.clear(self._line)
            show_live(self._gateway, {meter.id: reading})
            return reading
        return None

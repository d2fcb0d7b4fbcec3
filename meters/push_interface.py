"""The thread's work on a line where one meter sends unasked (`sml_push`)."""

import time
from collections.abc import Callable, Iterable
from datetime import datetime

from hardware.errors import LmnError, PortNotOpen, PortVanished
from hardware.gateway import Gateway
from hardware.link import SerialLink
from hardware.readings import MeterReading
from hardware.sml_push import PushReader
from meters import selectors
from meters.boundaries import LivePace, PushWindow, SettledBoundary
from meters.fault_log import FaultLog
from meters.interface import ClosableLink, InterfaceSpec, OpenLink
from meters.live import show_live
from meters.record_queue import Closing, ReadBoundary, RecordQueue

REOPEN_AFTER_S = 2.0
"""Between two attempts to open a port that is not there."""

_LISTEN_S = 0.5
_GATHER_S = 0.05
"""Pause after bytes came, so that a slow line does not wake the thread for each."""

_PORT, _LINE = "port", "line"


class PushInterface:
    """The line of one pushing meter; see `Interface`."""

    def __init__(
        self,
        gateway: Gateway,
        spec: InterfaceSpec,
        queue: RecordQueue,
        *,
        open_link: OpenLink = SerialLink.open,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.spec = spec
        self._gateway = gateway
        self._queue = queue
        self._open_link = open_link
        self._monotonic = monotonic
        self._faults = FaultLog(gateway)
        self._pace = LivePace(gateway.live_period)
        self._window: PushWindow | None = None
        self._link: ClosableLink | None = None
        self._reader = self._new_reader()
        self._open_at = monotonic()

    @property
    def _meter_id(self) -> str:
        return self.spec.meters[0].id

    def step(self) -> float:
        """Listen for a moment and do what is due."""
        self._open()
        window = self._window or self._begin()
        data = self._listen()
        if self._link is not None:
            self._take(window, self._reader.feed(data))
        self._settle(window.expire(self._now()))
        latest = self._pace.due(self._now())
        if latest is not None:
            show_live(self._gateway, {self._meter_id: latest})
        self._queue.flush()
        if self._link is None:
            return _LISTEN_S
        return _GATHER_S if data else 0.0

    def close(self) -> None:
        """Give the port back."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def _now(self) -> datetime:
        return self._gateway.clock.now()

    def _begin(self) -> PushWindow:
        """Close what was missed while nobody listened, then wait for boundaries."""
        self._queue.put(Closing(self._now(), self.spec.meter_ids))
        self._queue.flush()
        self._window = PushWindow(
            now=self._now(), last=selectors.last_common_boundary(self.spec.meter_ids)
        )
        return self._window

    def _open(self) -> None:
        if self._link is not None or self._monotonic() < self._open_at:
            return
        try:
            self._link = self._open_link(self.spec.port, self.spec.baudrate)
        except PortNotOpen as error:
            self._faults.report(_PORT, error.code, self._now())
            self._open_at = self._monotonic() + REOPEN_AFTER_S
            return
        self._faults.clear(_PORT)
        self._reader = self._new_reader()

    def _new_reader(self) -> PushReader:
        return PushReader(self.spec.meters[0].server_id, self._now, self._monotonic)

    def _listen(self) -> bytes:
        if self._link is None:
            return b""
        try:
            return self._link.read(_LISTEN_S)
        except PortVanished as error:
            self._faults.report(_PORT, error.code, self._now())
            self._open_at = self._monotonic() + REOPEN_AFTER_S
            self.close()
            return b""

    def _take(
        self, window: PushWindow, found: Iterable[MeterReading | LmnError]
    ) -> None:
        for one in found:
            if isinstance(one, LmnError):
                self._faults.report(_LINE, one.code, self._now())
                continue
            self._faults.clear(_LINE)
            self._settle(window.offer(one))
            self._pace.offer(one)

    def _settle(self, boundaries: Iterable[SettledBoundary]) -> None:
        for boundary in boundaries:
            if boundary.reading is None:
                self._queue.put(Closing(self._now(), self.spec.meter_ids))
                continue
            readings = {self._meter_id: boundary.reading}
            self._queue.put(ReadBoundary(boundary.target_time, readings))

"""The thread's work on a line where one meter sends unasked.

`sml_push`, `d0_push` and `replay`: they differ in the reader only.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Protocol

from hardware.errors import LmnError, PortVanished
from hardware.gateway import Gateway
from hardware.ports import open_port
from hardware.readings import MeterReading
from hardware.sml_push import PushReader
from meters import selectors
from meters.boundaries import LivePace, PushWindow, SettledBoundary
from meters.interface import InterfaceSpec, OpenLink
from meters.line_interface import LineInterface
from meters.live import show_live
from meters.record_queue import ReadBoundary, RecordQueue

_LISTEN_S = 0.5
_GATHER_S = 0.05
"""Pause after bytes came, so that a slow line does not wake the thread for each."""


class LineReader(Protocol):
    """Turns the bytes of a line into readings and faults."""

    def feed(self, data: bytes) -> Iterator[MeterReading | LmnError]:
        """Take what the port gave, also b""."""
        ...


NewReader = Callable[[bytes, Callable[[], datetime], Callable[[], float]], LineReader]
"""Makes a reader from server id, clock and monotonic time."""


class PushInterface(LineInterface):
    """The line of one pushing meter; see `Interface`."""

    def __init__(
        self,
        gateway: Gateway,
        spec: InterfaceSpec,
        queue: RecordQueue,
        *,
        open_link: OpenLink = open_port,
        monotonic: Callable[[], float] = time.monotonic,
        new_reader: NewReader = PushReader,
    ) -> None:
        super().__init__(gateway, spec, queue, open_link=open_link, monotonic=monotonic)
        self._new_reader = new_reader
        self._pace = LivePace(gateway.live_period)
        self._window: PushWindow | None = None
        self._reader = self._make_reader()

    @property
    def _meter_id(self) -> str:
        return self.spec.meters[0].id

    def step(self) -> float:
        """Listen for a moment and do what is due."""
        if self._port.open():
            self._reader = self._make_reader()
        window = self._window or self._begin()
        data = self._listen()
        if self._port.link is not None:
            self._take(window, self._reader.feed(data))
        self._settle(window.expire(self._now()))
        latest = self._pace.due(self._now())
        if latest is not None:
            show_live(self._gateway, {self._meter_id: latest})
        self._queue.flush()
        if self._port.link is None:
            return _LISTEN_S
        return _GATHER_S if data else 0.0

    def _begin(self) -> PushWindow:
        """Close what was missed while nobody listened, then wait for boundaries."""
        self._close_missed()
        self._window = PushWindow(
            now=self._now(), last=selectors.last_common_boundary(self.spec.meter_ids)
        )
        return self._window

    def _make_reader(self) -> LineReader:
        server_id = self.spec.meters[0].server_id
        return self._new_reader(server_id, self._now, self._monotonic)

    def _listen(self) -> bytes:
        if self._port.link is None:
            return b""
        try:
            return self._port.link.read(_LISTEN_S)
        except PortVanished as error:
            self._port.lose(error)
            return b""

    def _take(
        self, window: PushWindow, found: Iterable[MeterReading | LmnError]
    ) -> None:
        for one in found:
            if isinstance(one, LmnError):
                self._faults.take(self._line, one, self._now())
                continue
            self._faults.clear(self._line)
            self._settle(window.offer(one))
            self._pace.offer(one)

    def _settle(self, boundaries: Iterable[SettledBoundary]) -> None:
        for boundary in boundaries:
            if boundary.reading is None:
                self._put_closing()
                continue
            readings = {self._meter_id: boundary.reading}
            self._queue.put(ReadBoundary(boundary.target_time, readings))

"""The plain source `d0_push`: a meter that sends its readout unasked (mode D)."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime

from hardware.d0 import D0Fault, D0Reader, D0Readout
from hardware.d0_registers import meter_reading, server_ids
from hardware.push_watch import PushedReadings
from hardware.readings import MeterReading


class D0PushReader(PushedReadings[D0Readout]):
    """Readings from D0 readouts; see `PushedReadings`."""

    called = "D0 readout"

    def __init__(
        self,
        server_id: bytes,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(server_id, clock, monotonic)
        self._reader = D0Reader()

    def _cut(self, data: bytes) -> Iterator[D0Readout | D0Fault]:
        return self._reader.feed(data)

    def _readings(self, telegram: D0Readout) -> Iterator[MeterReading]:
        if self._server_id not in server_ids(telegram):
            self.ignored += 1
            return
        captured_at = self._arrivals.of(telegram.offset)
        reading = meter_reading(telegram, self._server_id, captured_at)
        if reading.registers:
            yield reading

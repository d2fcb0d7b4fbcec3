"""The plain source `d0_push`: a meter that sends its readout unasked (mode D)."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime

from hardware.d0 import D0Fault, D0Reader, D0Readout
from hardware.d0_registers import meter_reading, server_ids
from hardware.errors import FrameUndecodable, LmnError
from hardware.push_watch import Arrivals, PushWatch
from hardware.readings import MeterReading


class D0PushReader:
    """Turns the bytes of one port into readings of one meter.

    `server_id` is the configured one; readouts of other meters are counted in
    `ignored`. `clock` gives the time of reception (UTC), `monotonic` measures
    silence. The time of a reading is when its readout began to arrive.
    """

    def __init__(
        self,
        server_id: bytes,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ignored = 0
        self._server_id = server_id
        self._reader = D0Reader()
        self._arrivals = Arrivals(clock)
        self._watch = PushWatch(monotonic)

    def feed(self, data: bytes) -> Iterator[MeterReading | LmnError]:
        """Take what the port gave, also b"", and give readings and faults to log.

        Faults are FrameUndecodable (103106, at most one a minute) and AnswerTimeout
        (103191, after each minute without a good readout).
        """
        self._arrivals.note(data)
        return self._taken(self._reader.feed(data))

    def _taken(
        self, found: Iterator[D0Readout | D0Fault]
    ) -> Iterator[MeterReading | LmnError]:
        for one in found:
            if isinstance(one, D0Fault):
                error = FrameUndecodable(
                    one.reason, header=one.header, length=one.length
                )
                yield from self._watch.garbage(one.offset, one.length, error)
            else:
                self._watch.heard()
                yield from self._reading(one)
        yield from self._watch.silence("D0 readout")

    def _reading(self, readout: D0Readout) -> Iterator[MeterReading]:
        if self._server_id not in server_ids(readout):
            self.ignored += 1
            return
        captured_at = self._arrivals.of(readout.offset)
        reading = meter_reading(readout, self._server_id, captured_at)
        if reading.registers:
            yield reading

"""The plain source `sml_push`: a meter that sends its list unasked (lmn-wired.md 8)."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime

from hardware.errors import FrameUndecodable, LmnError
from hardware.push_watch import Arrivals, PushWatch
from hardware.readings import MeterReading
from hardware.sml_lists import GET_LIST_RESPONSE, get_list_response, meter_reading
from hardware.sml_transport import SmlFault, SmlFile, SmlFileReader

BAUDRATE = 9600
"""Of most optical heads; 8 data bits, no parity."""


class PushReader:
    """Turns the bytes of one port into readings of one meter.

    `server_id` is the configured one; lists of other meters are counted in `ignored`.
    `clock` gives the time of reception (UTC), `monotonic` measures silence. The time
    of a reading is when its file began to arrive: the seconds that a meter sends may
    be missing, stand still or jump, and are not used.
    """

    def __init__(
        self,
        server_id: bytes,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ignored = 0
        self._server_id = server_id
        self._reader = SmlFileReader()
        self._arrivals = Arrivals(clock)
        self._watch = PushWatch(monotonic)

    def feed(self, data: bytes) -> Iterator[MeterReading | LmnError]:
        """Take what the port gave, also b"", and give readings and faults to log.

        Faults are FrameUndecodable (103106, at most one a minute) and AnswerTimeout
        (103191, after each minute without a good file).
        """
        self._arrivals.note(data)
        return self._taken(self._reader.feed(data))

    def _taken(
        self, files: Iterator[SmlFile | SmlFault]
    ) -> Iterator[MeterReading | LmnError]:
        for found in files:
            if isinstance(found, SmlFault):
                error = FrameUndecodable(found.reason, length=found.length)
                yield from self._watch.garbage(found.offset, found.length, error)
            else:
                self._watch.heard()
                yield from self._readings(found)
        yield from self._watch.silence("SML file")

    def _readings(self, file: SmlFile) -> Iterator[MeterReading | LmnError]:
        captured_at = self._arrivals.of(file.offset)
        for message in file.messages:
            if message.tag != GET_LIST_RESPONSE:
                continue
            try:
                response = get_list_response(message)
            except FrameUndecodable as error:
                yield from self._watch.report(error)
                continue
            if response.server_id != self._server_id:
                self.ignored += 1
                continue
            reading = meter_reading(response, captured_at)
            if reading.registers:
                yield reading

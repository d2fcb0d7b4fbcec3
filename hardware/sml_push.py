"""The plain source `sml_push`: a meter that sends its list unasked (lmn-wired.md 8)."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime

from hardware.errors import AnswerTimeout, FrameUndecodable, LmnError
from hardware.readings import MeterReading
from hardware.sml_lists import GET_LIST_RESPONSE, get_list_response, meter_reading
from hardware.sml_transport import SmlFault, SmlFile, SmlFileReader

BAUDRATE = 9600
"""Of most optical heads; 8 data bits, no parity."""

NO_FILE_S = 60.0
"""After so long without a good file a port is reported, and again each time."""
FAULT_PAUSE_S = 60.0
"""Garbage is reported at most so often."""

_JOINED_LATE = 4096
_ARRIVALS_KEPT = 4096


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
        self._clock = clock
        self._monotonic = monotonic
        self._reader = SmlFileReader()
        self._fed = 0
        self._arrivals: deque[tuple[int, datetime]] = deque(maxlen=_ARRIVALS_KEPT)
        self._heard_at = monotonic()
        self._reported_at: float | None = None

    def feed(self, data: bytes) -> Iterator[MeterReading | LmnError]:
        """Take what the port gave, also b"", and give readings and faults to log.

        Faults are FrameUndecodable (103106, at most one a minute) and AnswerTimeout
        (103191, after each minute without a good file).
        """
        if data:
            self._fed += len(data)
            self._arrivals.append((self._fed, self._clock()))
        return self._taken(self._reader.feed(data))

    def _taken(
        self, files: Iterator[SmlFile | SmlFault]
    ) -> Iterator[MeterReading | LmnError]:
        for found in files:
            if isinstance(found, SmlFault):
                yield from self._garbage(found)
            else:
                self._heard_at = self._monotonic()
                yield from self._readings(found)
        if self._monotonic() - self._heard_at >= NO_FILE_S:
            self._heard_at = self._monotonic()
            yield AnswerTimeout("no good SML file for a minute")

    def _readings(self, file: SmlFile) -> Iterator[MeterReading | LmnError]:
        captured_at = self._arrival_of(file.offset)
        for message in file.messages:
            if message.tag != GET_LIST_RESPONSE:
                continue
            try:
                response = get_list_response(message)
            except FrameUndecodable as error:
                yield from self._report(error)
                continue
            if response.server_id != self._server_id:
                self.ignored += 1
                continue
            reading = meter_reading(response, captured_at)
            if reading.registers:
                yield reading

    def _arrival_of(self, offset: int) -> datetime:
        """When the byte at this offset of the stream arrived."""
        while len(self._arrivals) > 1 and self._arrivals[0][0] <= offset:
            self._arrivals.popleft()
        return self._arrivals[0][1]

    def _garbage(self, fault: SmlFault) -> Iterator[LmnError]:
        joined_late = fault.offset == 0 and fault.length < _JOINED_LATE
        if not joined_late:
            yield from self._report(FrameUndecodable(fault.reason))

    def _report(self, error: LmnError) -> Iterator[LmnError]:
        now = self._monotonic()
        if self._reported_at is None or now - self._reported_at >= FAULT_PAUSE_S:
            self._reported_at = now
            yield error

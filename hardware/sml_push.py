"""The plain source `sml_push`: a meter that sends its list unasked (lmn-wired.md 8)."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime

from hardware.errors import FrameUndecodable, LmnError
from hardware.push_watch import PushedReadings
from hardware.readings import MeterReading
from hardware.sml_lists import GET_LIST_RESPONSE, get_list_response, meter_reading
from hardware.sml_transport import SmlFault, SmlFile, SmlFileReader

BAUDRATE = 9600
"""Of most optical heads; 8 data bits, no parity."""


class PushReader(PushedReadings[SmlFile]):
    """Readings from SML files; see `PushedReadings`.

    The seconds that a meter sends may be missing, stand still or jump, and are not
    used.
    """

    called = "SML file"

    def __init__(
        self,
        server_id: bytes,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(server_id, clock, monotonic)
        self._reader = SmlFileReader()

    def _cut(self, data: bytes) -> Iterator[SmlFile | SmlFault]:
        return self._reader.feed(data)

    def _readings(self, telegram: SmlFile) -> Iterator[MeterReading | LmnError]:
        captured_at = self._arrivals.of(telegram.offset)
        for message in telegram.messages:
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

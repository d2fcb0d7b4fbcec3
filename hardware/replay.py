"""The plain source `replay`: a capture of SML or of D0, whichever it is."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime

from hardware.d0 import IDENTIFICATION_LINE
from hardware.d0_push import D0PushReader
from hardware.errors import LmnError
from hardware.push_watch import PushWatch
from hardware.readings import MeterReading
from hardware.seven_bit import without_parity
from hardware.sml_push import PushReader

_SML = re.compile(rb"\x1b{4}\x01{4}")
_HEAD = 64 * 1024


class ReplayReader:
    """Finds out what the bytes are and then reads them as such; see `PushReader`."""

    def __init__(
        self,
        server_id: bytes,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = (server_id, clock, monotonic)
        self._head = b""
        self._watch = PushWatch(monotonic)
        self._reader: PushReader | D0PushReader | None = None

    def feed(self, data: bytes) -> Iterator[MeterReading | LmnError]:
        """Take what the port gave, also b"", and give readings and faults to log."""
        if self._reader is None:
            self._head = (self._head + data)[-_HEAD:]
            self._reader = self._found()
            if self._reader is None:
                return self._watch.silence("telegram")
            data, self._head = self._head, b""
        return self._reader.feed(data)

    def _found(self) -> PushReader | D0PushReader | None:
        sml = _SML.search(self._head)
        d0 = IDENTIFICATION_LINE.search(without_parity(self._head))
        if sml is None and d0 is None:
            return None
        if d0 is None or (sml is not None and sml.start() < d0.start()):
            return PushReader(*self._make)
        return D0PushReader(*self._make)

"""What all readers of pushing meters share: times of arrival, silence, garbage."""

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import ClassVar, Generic, TypeVar

from hardware.errors import AnswerTimeout, FrameUndecodable, LmnError
from hardware.line_fault import LineFault
from hardware.readings import MeterReading

NOTHING_GOOD_S = 60.0
"""After so long without a good telegram a port is reported, and again each time."""
FAULT_PAUSE_S = 60.0
"""Garbage is reported at most so often."""
JOINED_LATE = 4096
"""Bytes at the very beginning that may be the rest of a telegram begun before."""

_ARRIVALS_KEPT = 4096

Telegram = TypeVar("Telegram")


class Arrivals:
    """Knows when each byte of a stream arrived; `clock` gives the time (UTC)."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._fed = 0
        self._arrivals: deque[tuple[int, datetime]] = deque(maxlen=_ARRIVALS_KEPT)

    def note(self, data: bytes) -> None:
        """So many bytes have arrived now."""
        if data:
            self._fed += len(data)
            self._arrivals.append((self._fed, self._clock()))

    def of(self, offset: int) -> datetime:
        """When the byte at this offset arrived; not before the offset asked last."""
        while len(self._arrivals) > 1 and self._arrivals[0][0] <= offset:
            self._arrivals.popleft()
        return self._arrivals[0][1]


class PushWatch:
    """Says which faults of a line are to be reported, and how often."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._heard_at = monotonic()
        self._reported_at: float | None = None

    def heard(self) -> None:
        """A good telegram came."""
        self._heard_at = self._monotonic()

    def garbage(self, offset: int, length: int, error: LmnError) -> Iterator[LmnError]:
        """Report bytes that are no telegram, unless they are the rest of one."""
        joined_late = offset == 0 and length < JOINED_LATE
        if not joined_late:
            yield from self.report(error)

    def report(self, error: LmnError) -> Iterator[LmnError]:
        """Give the fault, at most once a minute."""
        now = self._monotonic()
        if self._reported_at is None or now - self._reported_at >= FAULT_PAUSE_S:
            self._reported_at = now
            yield error

    def silence(self, what: str) -> Iterator[LmnError]:
        """AnswerTimeout (103191) after each minute without a good telegram."""
        if self._monotonic() - self._heard_at >= NOTHING_GOOD_S:
            self._heard_at = self._monotonic()
            yield AnswerTimeout(f"no good {what} for a minute")


class PushedReadings(ABC, Generic[Telegram]):
    """Turns the bytes of one port into readings of one meter.

    `server_id` is the configured one; telegrams of other meters are counted in
    `ignored`. `clock` gives the time of reception (UTC), `monotonic` measures silence.
    The time of a reading is when its telegram began to arrive.
    """

    called: ClassVar[str]
    """What is awaited, for the words of a fault."""

    def __init__(
        self,
        server_id: bytes,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ignored = 0
        self._server_id = server_id
        self._arrivals = Arrivals(clock)
        self._watch = PushWatch(monotonic)

    def feed(self, data: bytes) -> Iterator[MeterReading | LmnError]:
        """Take what the port gave, also b"", and give readings and faults to log.

        Faults are FrameUndecodable (103106, at most one a minute) and AnswerTimeout
        (103191, after each minute without a good telegram).
        """
        self._arrivals.note(data)
        return self._taken(self._cut(data))

    @abstractmethod
    def _cut(self, data: bytes) -> Iterable[Telegram | LineFault]:
        """The telegrams, and the stretches that hold none."""

    @abstractmethod
    def _readings(self, telegram: Telegram) -> Iterator[MeterReading | LmnError]:
        """The readings of the meter in a telegram."""

    def _taken(
        self, found: Iterable[Telegram | LineFault]
    ) -> Iterator[MeterReading | LmnError]:
        for one in found:
            if isinstance(one, LineFault):
                error = FrameUndecodable(
                    one.reason, header=one.header, length=one.length
                )
                yield from self._watch.garbage(one.offset, one.length, error)
            else:
                self._watch.heard()
                yield from self._readings(one)
        yield from self._watch.silence(self.called)

"""What all readers of pushing meters share: times of arrival, silence, garbage."""

from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime

from hardware.errors import AnswerTimeout, LmnError

NOTHING_GOOD_S = 60.0
"""After so long without a good telegram a port is reported, and again each time."""
FAULT_PAUSE_S = 60.0
"""Garbage is reported at most so often."""
JOINED_LATE = 4096
"""Bytes at the very beginning that may be the rest of a telegram begun before."""

_ARRIVALS_KEPT = 4096


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

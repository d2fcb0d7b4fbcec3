"""How many requests the administrator may send: a bucket that fills again."""

import math
import threading
from dataclasses import dataclass, field

BURST = 20


@dataclass(slots=True)
class RateLimit:
    """At most `per_minute` in the long run, `BURST` at once; 0: no limit.

    Times are monotonic seconds that are handed in.
    """

    per_minute: int
    _level: float = BURST
    _at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait_s(self, now: float) -> int:
        """Take one; 0 when it was there, else after how many seconds it will be."""
        if not self.per_minute:
            return 0
        with self._lock:
            grown = max(0.0, now - self._at) * self.per_minute / 60
            self._level, self._at = min(BURST, self._level + grown), now
            if self._level >= 1:
                self._level -= 1
                return 0
            return math.ceil((1 - self._level) * 60 / self.per_minute)

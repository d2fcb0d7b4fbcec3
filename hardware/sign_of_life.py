"""The sign of life of a process: the time of a file, set by the very loops that work.

Each loop of the process calls `show` whenever it has come round. The file bears the
time of the loop that was round longest ago, so that one that hangs is seen although
the others go on. Times are those of the machine's monotonic clock, which all
processes share and nobody sets.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock

EVERY_S = 3.0
"""How often the file is written at most; nothing is written for each thing done."""

MonotonicNs = Callable[[], int]


class SignOfLife:
    """Shows that the loops of this process come round; `file` None shows nothing.

    Making it is the first sign. May be used by many threads.
    """

    def __init__(
        self,
        file: Path | None,
        *,
        every_s: float = EVERY_S,
        monotonic_ns: MonotonicNs = time.monotonic_ns,
    ) -> None:
        self._file = file
        self._every_ns = int(every_s * 1e9)
        self._monotonic_ns = monotonic_ns
        self._loops: dict[str, int] = {}
        self._lock = Lock()
        self._written_ns = monotonic_ns()
        if file is not None:
            file.touch(mode=0o600)
            self._write(self._written_ns)

    @property
    def is_due(self) -> bool:
        """Whether the next sign would be written."""
        return self._monotonic_ns() - self._written_ns >= self._every_ns

    def show(self, loop: str = "main") -> None:
        """Say that this loop has come round."""
        now = self._monotonic_ns()
        with self._lock:
            self._loops[loop] = now
            if now - self._written_ns < self._every_ns:
                return
            self._written_ns = now
            slowest = min(self._loops.values())
        self._write(slowest)

    def forget(self, loop: str) -> None:
        """Say that this loop has ended, as it should."""
        with self._lock:
            self._loops.pop(loop, None)

    def _write(self, at_ns: int) -> None:
        if self._file is None:
            return
        try:
            os.utime(self._file, ns=(at_ns, at_ns))
        except FileNotFoundError:
            return  # the gateway is ending, and its run folder is empty already


def silence_s(
    file: Path, *, monotonic_ns: MonotonicNs = time.monotonic_ns
) -> float | None:
    """For how many seconds a process has shown no life; None when it never did."""
    try:
        return (monotonic_ns() - file.stat().st_mtime_ns) / 1e9
    except FileNotFoundError:
        return None

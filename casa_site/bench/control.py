"""A control for times: how late a bare thread wakes up on this machine meanwhile."""

import threading
import time
from typing import Self

_PERIOD_S = 0.05


class ControlThread:
    """Waits for absolute deadlines and notes how late it was; use it as a context.

    When it was late itself, a time measured beside it says little.
    """

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._late_s: list[float] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def p99_ms(self) -> float:
        """The lateness that one of a hundred deadlines exceeds, milliseconds."""
        late = sorted(self._late_s)
        return 1000 * late[len(late) * 99 // 100] if late else 0.0

    def _run(self) -> None:
        deadline = time.monotonic()
        while not self._stop.is_set():
            deadline += _PERIOD_S
            if not self._stop.wait(max(0.0, deadline - time.monotonic())):
                self._late_s.append(max(0.0, time.monotonic() - deadline))

"""A port that is opened, lost and opened again; its faults are told once."""

from collections.abc import Callable
from datetime import datetime

from hardware.errors import LmnError, PortNotOpen
from meters.fault_log import FaultLog
from meters.interface import ClosableLink, InterfaceSpec, OpenLink
from meters.line_alarms import PORT

REOPEN_AFTER_S = 2.0
"""Between two attempts to open a port that is not there."""


class Port:
    """Holds the link of one interface; `link` is None while the port is not there.

    `clock` gives the time for the log, `monotonic` that of the attempts.
    """

    def __init__(
        self,
        spec: InterfaceSpec,
        faults: FaultLog,
        *,
        open_link: OpenLink,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self.link: ClosableLink | None = None
        self._spec = spec
        self._faults = faults
        self._open_link = open_link
        self._clock = clock
        self._monotonic = monotonic
        self._open_at = monotonic()

    def open(self) -> bool:
        """Try to open it where that is due; whether it was opened just now."""
        if self.link is not None or self._monotonic() < self._open_at:
            return False
        try:
            self.link = self._open_link(self._spec.port, self._spec.baudrate)
        except PortNotOpen as error:
            self._fail(error)
            return False
        self._faults.clear(PORT)
        return True

    def lose(self, error: LmnError) -> None:
        """It went away: log it, and try to open it again soon."""
        self._fail(error)
        self.close()

    def close(self) -> None:
        """Give the port back."""
        link, self.link = self.link, None
        if link is not None:
            link.close()

    def _fail(self, error: LmnError) -> None:
        self._faults.report(PORT, error.code, self._clock())
        self._open_at = self._monotonic() + REOPEN_AFTER_S

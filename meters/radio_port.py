"""A radio module at its port: opened, checked, watched, started again (R29).

Its faults are told once each; it comes back by itself when it is plugged in again.
"""

from collections.abc import Callable
from datetime import datetime

from hardware.errors import LmnError, PortNotOpen
from hardware.stick import Reception
from hardware.stick_amb8465 import Amb8465
from hardware.stick_cul import Cul
from hardware.stick_errors import StickPortNotOpen
from hardware.stick_im871a import Im871a
from hardware.stick_receiver import Heard, StickReceiver
from meters.fault_log import FaultLog
from meters.interface import ClosableLink, InterfaceSpec, OpenLink
from meters.line_alarms import PORT
from meters.models import Meter

REOPEN_AFTER_S = 2.0
"""Between two attempts to open a port that is not there."""
START_AGAIN_AFTER_S = 10.0
"""Before a module that failed its checks is tried again."""
QUIET_S = 60.0
"""After so long without a good telegram the module is asked whether it works."""

_STICKS: dict[str, Callable[[], Im871a | Amb8465 | Cul]] = {
    Meter.Stick.IM871A: Im871a,
    Meter.Stick.AMB8465: Amb8465,
    Meter.Stick.CUL: Cul,
}


class RadioPort:
    """One module at one port. `clock` gives the time for the log."""

    def __init__(
        self,
        spec: InterfaceSpec,
        faults: FaultLog,
        *,
        open_link: OpenLink,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._spec = spec
        self._kind = spec.meters[0].stick
        self._faults = faults
        self._open_link = open_link
        self._clock = clock
        self._monotonic = monotonic
        self._link: ClosableLink | None = None
        self._stick: Im871a | Amb8465 | Cul | None = None
        self._receiver: StickReceiver | None = None
        self._open_at = monotonic()
        self._heard_at = monotonic()

    @property
    def is_open(self) -> bool:
        """Whether the module receives."""
        return self._receiver is not None

    def listen(self, timeout_s: float) -> list[Heard]:
        """What came within the timeout; nothing while the module is not there."""
        receiver = self._receiver or self._open()
        if receiver is None:
            return []
        try:
            heard = receiver.listen(timeout_s)
            self._watch(receiver, heard)
        except LmnError as error:
            self._fail(error, START_AGAIN_AFTER_S)
            return []
        return heard

    def close(self) -> None:
        """Give the port back."""
        link, self._link, self._receiver = self._link, None, None
        if link is not None:
            link.close()

    def _open(self) -> StickReceiver | None:
        """Open the port and start the module where that is due."""
        if self._monotonic() < self._open_at:
            return None
        try:
            self._link = self._open_link(self._spec.port, self._spec.baudrate)
        except PortNotOpen as error:
            self._fail(StickPortNotOpen(str(error)), REOPEN_AFTER_S)
            return None
        self._stick = _STICKS[self._kind]()
        receiver = StickReceiver(self._link, self._stick, monotonic=self._monotonic)
        try:
            receiver.start()
        except LmnError as error:
            self._fail(error, START_AGAIN_AFTER_S)
            return None
        self._receiver = receiver
        self._heard_at = self._monotonic()
        self._faults.clear(PORT)
        return receiver

    def _watch(self, receiver: StickReceiver, heard: list[Heard]) -> None:
        """Ask a module that brought nothing good for long; restart one that fails.

        Where nobody sends, a module that works answers and that is all.
        """
        now = self._monotonic()
        if any(isinstance(one, Reception) for one in heard):
            self._heard_at = now
        if now - self._heard_at < QUIET_S or self._stick is None:
            return
        self._heard_at = now
        try:
            receiver.start()
        except StickPortNotOpen:
            raise
        except LmnError as error:
            self._faults.report(PORT, error.code, self._clock())
            receiver.restart(self._stick.restart())
            self._faults.clear(PORT)

    def _fail(self, error: LmnError, pause_s: float) -> None:
        self._faults.report(PORT, error.code, self._clock())
        is_gone = isinstance(error, StickPortNotOpen)
        self._open_at = self._monotonic() + (REOPEN_AFTER_S if is_gone else pause_s)
        self.close()

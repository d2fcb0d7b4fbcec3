"""The meter's end of a data link: the secondary station of lmn-wired.md 2.3."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from hardware.hdlc import (
    DM,
    FRMR,
    MAX_INFO,
    UA,
    HdlcFrame,
    i_control,
    rej_control,
    rnr_control,
    rr_control,
)

Application = Callable[[bytes, datetime], bytes]
"""Takes request bytes as they come and the time; gives answer bytes, or b""."""


def frames_of(data: bytes) -> Iterable[bytes]:
    """Pieces that fit into a frame each."""
    return (data[at : at + MAX_INFO] for at in range(0, len(data), MAX_INFO))


def _always() -> bool:
    return True


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class ServicePoint:
    """What answers on one SAP.

    `is_open` says whether the meter talks here at all now; `begin` is called for each
    new link; `cut` makes the pieces of an answer, one for each frame.
    """

    application: Application
    is_open: Callable[[], bool] = _always
    begin: Callable[[], None] = _nothing
    cut: Callable[[bytes], Iterable[bytes]] = frames_of


@dataclass(frozen=True, slots=True)
class Manners:
    """How a meter answers: after `delay_s`, and whether it says RR or RNR first.

    Without `says_first` the answer itself comes after the delay; with it, polls are
    answered so until the delay is over.
    """

    delay_s: float = 0.0
    says_first: Literal["", "RR", "RNR"] = ""


class SecondaryLink:
    """The meter's end of a data link; its answers are (control, information)."""

    def __init__(self, service: ServicePoint, manners: Manners) -> None:
        self._service = service
        self._manners = manners
        self._is_connected = False
        self._reset()

    def answer(self, frame: HdlcFrame, now: datetime) -> tuple[int, bytes]:
        """What the meter says to a command frame with the poll bit."""
        if not self._service.is_open():
            self._is_connected = False
        elif frame.frame_type == "SNRM":
            self._reset()
            self._service.begin()
            self._is_connected = True
            return UA, b""
        if not self._is_connected:
            return DM, b""
        if frame.frame_type == "DISC":
            self._is_connected = False
            return UA, b""
        if not self._take_acknowledgement(frame):
            return FRMR, bytes((frame.control, self._counters(), 0x08))
        if frame.frame_type == "I" and not self._take_information(frame, now):
            return rej_control(self._received), b""
        return self._next_frame(now)

    def _reset(self) -> None:
        self._sent = self._received = 0
        self._outbox: deque[bytes] = deque()
        self._is_waiting = False  # the front piece was sent and not acknowledged
        self._ready_at: datetime | None = None

    def _take_acknowledgement(self, frame: HdlcFrame) -> bool:
        if frame.n_r == self._sent:
            return True
        if self._is_waiting and frame.n_r == (self._sent + 1) & 7:
            self._outbox.popleft()
            self._is_waiting = False
            self._sent = (self._sent + 1) & 7
            return True
        return False

    def _take_information(self, frame: HdlcFrame, now: datetime) -> bool:
        if frame.n_s == (self._received - 1) & 7:
            return True  # repeated: acknowledged again, not taken again
        if frame.n_s != self._received:
            return False
        self._received = (self._received + 1) & 7
        data = self._service.application(frame.info, now)
        self._outbox.extend(self._service.cut(data))
        if data and self._manners.says_first:
            self._ready_at = now + timedelta(seconds=self._manners.delay_s)
        return True

    def _next_frame(self, now: datetime) -> tuple[int, bytes]:
        is_early = self._ready_at is not None and now < self._ready_at
        if is_early and self._manners.says_first == "RNR":
            return rnr_control(self._received), b""
        if is_early or not self._outbox:
            return rr_control(self._received), b""
        self._is_waiting = True
        return i_control(self._sent, self._received), self._outbox[0]

    def _counters(self) -> int:
        return self._received << 5 | self._sent << 1

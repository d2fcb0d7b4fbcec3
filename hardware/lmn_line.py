"""The RS485 line as a place where frames are sent and heard, one at a time."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from hardware.hdlc import FrameFault, FrameReader, HdlcFrame
from hardware.link import Link

_STALE_READS = 16


@dataclass(frozen=True, slots=True)
class LmnTimers:
    """Times of the conversation in seconds, and repetitions (lmn-wired.md 2.3)."""

    byte_s: float = 0.05
    """Longest gap inside a frame; USB adapters deliver in bursts of 16 ms."""
    response_s: float = 0.5
    """From the poll bit to the first byte of the answer."""
    first_poll_s: float = 0.002
    poll_s: float = 0.02
    """Pause between two polls; it begins with `first_poll_s` and doubles."""
    application_s: float = 5.0
    """From the request file to the complete answer file."""
    turnaround_s: float = 0.001
    retries: int = 3


class LmnLine:
    """Sends frames over a link and cuts what is heard into frames.

    Half duplex: whatever arrived before a frame is sent answers nothing and is
    thrown away. Raises PortVanished from every method.
    """

    def __init__(
        self, link: Link, monotonic: Callable[[], float], timers: LmnTimers
    ) -> None:
        self.timers = timers
        self.monotonic = monotonic
        self._link = link
        self._reader = FrameReader()
        self._found: deque[HdlcFrame | FrameFault] = deque()
        self._is_inside = False  # bytes were heard that no pause has ended yet
        self._heard_at = monotonic()

    def transmit(self, frame: bytes) -> None:
        """Send a frame, not before the turnaround time of the bus is over."""
        self._forget()
        self._link.write(frame)

    def receive(self, timeout_s: float) -> HdlcFrame | FrameFault | None:
        """The next frame or broken frame; None when none began within the timeout.

        What has arrived already is always looked at, however late this is called.
        """
        deadline = self.monotonic() + timeout_s
        while not self._found:
            was_inside = self._is_inside
            left = max(0.0, deadline - self.monotonic())
            has_heard = self._listen(self.timers.byte_s if was_inside else left)
            if not has_heard and not was_inside:
                return None  # the whole timeout is over
        return self._found.popleft()

    def pause(self, seconds: float) -> None:
        """Let time pass; what is heard meanwhile is kept."""
        deadline = self.monotonic() + seconds
        while (left := deadline - self.monotonic()) > 0:
            if not self._listen(left):
                return

    def _listen(self, timeout_s: float) -> bool:
        """Take in what arrives; without any, end the frame that does not go on."""
        data = self._link.read(timeout_s)
        if data:
            self._is_inside = True
            self._heard_at = self.monotonic()
            self._found.extend(self._reader.feed(data))
            return True
        if self._is_inside:
            self._is_inside = False
            fault = self._reader.drop()
            self._found.extend([fault] if fault else [])
            self._found.extend(self._reader.feed(b""))
        return False

    def _forget(self) -> None:
        """Throw away what was heard, and wait for the turnaround."""
        ready_at = self._heard_at + self.timers.turnaround_s
        for _ in range(_STALE_READS):
            if not self._link.read(max(0.0, ready_at - self.monotonic())):
                break
        if self._is_inside or self._found:
            self._reader = FrameReader()
            self._found.clear()
            self._is_inside = False

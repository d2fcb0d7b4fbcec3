"""The plain source `d0_pull`: a readout on demand (IEC 62056-21, modes A, B and C).

    gateway  /?! CR LF                      300 baud, 7E1
    meter    /XXXz identification CR LF
    gateway  ACK 0 z 0 CR LF                mode C only; then both change to speed z
    meter    STX ... ! CR LF ETX BCC

z is 0..6 in mode C (the gateway confirms), A..F in mode B (the meter changes by
itself), anything else is mode A (the speed stays).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from hardware.d0 import ACK, IDENTIFICATION_LINE, D0Fault, D0Reader, D0Readout
from hardware.d0_registers import meter_reading, server_ids
from hardware.errors import AnswerTimeout, FrameUndecodable
from hardware.link import SwitchingLink
from hardware.readings import MeterReading
from hardware.seven_bit import with_even_parity, without_parity

SIGN_ON = b"/?!\r\n"
FIRST_BAUDRATE = 300

_CONFIRMED = {
    ord("0") + step: baudrate
    for step, baudrate in enumerate((300, 600, 1200, 2400, 4800, 9600, 19_200))
}
_BY_ITSELF = {
    ord("A") + step: baudrate
    for step, baudrate in enumerate((600, 1200, 2400, 4800, 9600, 19_200))
}
_STAY = ord("0")
_BITS_PER_BYTE = 10
_STALE_READS = 16
_LONGEST_HEAD = 512


@dataclass(frozen=True, slots=True)
class D0Timers:
    """Times of a readout in seconds."""

    reaction_s: float = 2.2
    """To the first byte of an answer; the standard gives the meter 1.5 s."""
    character_s: float = 2.0
    """Longest gap inside an answer; the standard allows 1.5 s."""
    readout_s: float = 50.0
    """From the sign-on to the end; 300 baud need 34 s for each 1,000 bytes."""
    switch_s: float = 0.01
    """More than the confirmation itself needs, before the speed changes."""


class D0Puller:
    """Reads one meter on demand over a link; not for several threads.

    `server_id` is the configured one; readouts of others are counted in `ignored`.
    The time of a reading is when the meter began to answer (UTC). `monotonic` is the
    time that the link waits by.
    """

    def __init__(
        self,
        link: SwitchingLink,
        server_id: bytes,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        baudrate: int = FIRST_BAUDRATE,
        timers: D0Timers | None = None,
    ) -> None:
        self.ignored = 0
        self._link = link
        self._server_id = server_id
        self._clock = clock
        self._monotonic = monotonic
        self._baudrate = baudrate
        self._timers = timers or D0Timers()
        self._deadline = monotonic()
        self._echo = self._held = self._early = b""
        self._answered_at: datetime | None = None

    def read(self) -> MeterReading:
        """The registers of the meter now.

        Raises AnswerTimeout (103191) when it says nothing, stops, or is another one,
        FrameUndecodable (103106) when it cannot be understood, and PortVanished.
        """
        self._deadline = self._monotonic() + self._timers.readout_s
        self._answered_at = None
        self._early = b""
        self._link.set_baudrate(self._baudrate)
        self._forget()
        self._say(SIGN_ON)
        head, speed = self._identification()
        self._follow(speed)
        readout = self._readout(head)
        if self._server_id not in server_ids(readout):
            self.ignored += 1
            raise AnswerTimeout("another meter answered")
        captured_at = self._answered_at or self._clock()
        return meter_reading(readout, self._server_id, captured_at)

    def _identification(self) -> tuple[bytes, int]:
        """The bytes of the identification line and its speed character."""
        heard = b""
        timeout_s = self._timers.reaction_s + self._line_time(len(SIGN_ON))
        while len(heard) < _LONGEST_HEAD:
            heard += self._listen(timeout_s)
            timeout_s = self._timers.character_s
            found = IDENTIFICATION_LINE.search(without_parity(heard))
            if found is not None:
                return heard[found.start() :], found["speed"][0]
        raise FrameUndecodable("no identification line", length=len(heard))

    def _follow(self, speed: int) -> None:
        """Go to the speed that the meter proposes, or to that which it takes."""
        if speed in _BY_ITSELF:
            self._link.set_baudrate(_BY_ITSELF[speed])
        elif speed in _CONFIRMED:
            self._confirm(speed)

    def _confirm(self, speed: int) -> None:
        wanted = _CONFIRMED[speed]
        can_switch = self._link.set_baudrate(self._baudrate)
        answer = bytes((ACK, _STAY, speed if can_switch else _STAY, _STAY)) + b"\r\n"
        sent_at = self._monotonic() + self._line_time(len(answer))
        self._say(answer)
        self._pause_until(sent_at + self._timers.switch_s)
        if can_switch:
            self._link.set_baudrate(wanted)

    def _readout(self, head: bytes) -> D0Readout:
        reader = D0Reader(needs_check=True)
        data = head
        timeout_s = self._timers.reaction_s
        while True:
            for found in reader.feed(data):
                if isinstance(found, D0Readout):
                    return found
                raise _undecodable(found)
            data = self._listen(timeout_s)
            timeout_s = self._timers.character_s

    def _listen(self, timeout_s: float) -> bytes:
        """The next bytes, without what the optical head echoes."""
        end = min(self._monotonic() + timeout_s, self._deadline)
        while (left := end - self._monotonic()) > 0:
            data, self._early = self._early, b""
            data = data or self._without_echo(self._link.read(left))
            if data:
                self._answered_at = self._answered_at or self._clock()
                return data
        raise AnswerTimeout("no answer, or one that stops")

    def _say(self, text: bytes) -> None:
        self._echo, self._held = text, b""
        self._link.write(with_even_parity(text))

    def _without_echo(self, data: bytes) -> bytes:
        """Take away what was just sent, where it comes back first, whole."""
        if not self._echo:
            return data
        self._held += data
        heard = without_parity(self._held)
        if self._echo.startswith(heard) and heard != self._echo:
            return b""  # may still become the echo
        kept = len(self._echo) if heard.startswith(self._echo) else 0
        self._echo = b""
        return self._held[kept:]

    def _pause_until(self, instant: float) -> None:
        """Let time pass; what is heard meanwhile is kept."""
        while (left := instant - self._monotonic()) > 0:
            self._early += self._without_echo(self._link.read(left))

    def _forget(self) -> None:
        for _ in range(_STALE_READS):
            if not self._link.read(0.0):
                return

    def _line_time(self, count: int) -> float:
        return count * _BITS_PER_BYTE / self._baudrate


def _undecodable(fault: D0Fault) -> FrameUndecodable:
    return FrameUndecodable(fault.reason, header=fault.header, length=fault.length)

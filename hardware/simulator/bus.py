"""A bus of simulated meters: in memory, or behind a pseudo-terminal."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import reduce
from itertools import groupby, zip_longest
from pathlib import Path
from typing import Protocol

from hardware.hdlc import FrameReader, HdlcFrame
from hardware.link import LMN_BAUDRATE
from hardware.simulator.bus_station import Reply
from hardware.simulator.terminal import PseudoTerminal, ServedTerminal

_BITS_PER_BYTE = 10
_IDLE_S = 0.5
_GAP_S = 0.05


class Station(Protocol):
    """A meter on the bus: it hears every frame and may answer."""

    def replies(self, frame: HdlcFrame, now: datetime) -> list[Reply]:
        """What it sends to a frame that it hears."""
        ...


class WiredBusSimulator:
    """Meters on one RS485 bus; `clock` gives the time that they know.

    `line_time_s` sums up what the line itself needs: the bytes at its speed and the
    answer delays. A paced bus really takes that time, else only the delays.
    """

    def __init__(
        self,
        meters: Iterable[Station],
        clock: Callable[[], datetime],
        *,
        is_paced: bool = False,
    ) -> None:
        self.meters = list(meters)
        self.line_time_s = 0.0
        self.frames_heard = 0
        self._clock = clock
        self._is_paced = is_paced
        self._reader = FrameReader()

    def replies(self, data: bytes) -> list[Reply]:
        """What the meters send to these bytes, in the order of time.

        Meters that speak at the same moment destroy each other's frames.
        """
        replies: list[Reply] = []
        for frame in self._reader.feed(data):
            if isinstance(frame, HdlcFrame):
                self.frames_heard += 1
                now = self._clock()
                replies += [r for m in self.meters for r in m.replies(frame, now)]
        replies.sort(key=lambda reply: reply.after_s)
        return [_merged(list(same)) for _, same in groupby(replies, _moment)]

    def answer(self, data: bytes) -> bytes:
        """All that the meters send to these bytes, without any delay."""
        return b"".join(reply.data for reply in self.replies(data))

    def serve(self, terminal: PseudoTerminal, stop: threading.Event) -> None:
        """Answer on a pseudo-terminal until `stop` is set."""
        is_inside = False
        while not stop.is_set():
            data = terminal.read(_GAP_S if is_inside else _IDLE_S)
            heard_at = time.monotonic()
            is_inside = bool(data)
            if not data:
                self._reader.drop()
            question_s = free_s = self._line_time(len(data))
            for reply in self.replies(data):
                begin_s = max(free_s, question_s + reply.after_s)
                free_s = begin_s + self._line_time(len(reply.data))
                due_s = free_s if self._is_paced else reply.after_s
                stop.wait(max(0.0, heard_at + due_s - time.monotonic()))
                terminal.write(reply.data)
            self.line_time_s += free_s

    def _line_time(self, count: int) -> float:
        return count * _BITS_PER_BYTE / LMN_BAUDRATE


class BusThread(ServedTerminal):
    """A simulated bus behind a pseudo-terminal, served by a thread of its own.

    Use it as a context; the gateway opens `port`.
    """

    def __init__(self, bus: WiredBusSimulator, path: Path | None = None) -> None:
        super().__init__(bus.serve, path)


class MemoryLink:
    """A link to a simulated bus in the same process; nothing takes any time."""

    def __init__(self, bus: WiredBusSimulator) -> None:
        self._bus = bus
        self._said: deque[bytes] = deque()

    def write(self, data: bytes) -> None:
        """Let the bus answer at once."""
        self._said.extend(reply.data for reply in self._bus.replies(data))

    def read(self, timeout_s: float) -> bytes:
        """What the meters sent next; b"" when there is nothing, without waiting."""
        return self._said.popleft() if self._said else b""


def _moment(reply: Reply) -> float:
    return reply.after_s


def _merged(replies: list[Reply]) -> Reply:
    """What the line carries when several speak at once: zeros win over ones."""
    if len(replies) == 1:
        return replies[0]
    columns = zip_longest(*(reply.data for reply in replies), fillvalue=0xFF)
    garbled = bytes(reduce(int.__and__, column) for column in columns)
    return Reply(replies[0].after_s, garbled)

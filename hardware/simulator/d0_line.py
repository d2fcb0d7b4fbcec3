"""The line of a simulated D0 meter on demand: in memory or a pseudo-terminal."""

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from hardware.simulator.d0 import FIRST_BAUDRATE, D0PullMeter
from hardware.simulator.terminal import PseudoTerminal, ServedTerminal

REACTION_S = 0.2
"""The standard's shortest time to an answer."""
_IDLE_S = 0.2
_BITS_PER_BYTE = 10


def garbled(data: bytes) -> bytes:
    """What a receiver at another speed makes of it: something else."""
    return bytes((byte * 7 + 0x55) & 0xFF for byte in data[: len(data) // 4 + 1])


class D0MemoryLink:
    """A link to a meter in the same process, which takes the time that a line takes.

    `monotonic` and `wait` are that time: a test's own costs none. `echoes`: the
    optical head sees its own light. `can_switch` False is a converter whose speed is
    fixed. `spoil` is what happens to an answer on its way.
    """

    def __init__(
        self,
        meter: D0PullMeter,
        *,
        monotonic: Callable[[], float],
        wait: Callable[[float], None],
        echoes: bool = False,
        can_switch: bool = True,
        spoil: Callable[[bytes], bytes] = bytes,
    ) -> None:
        self.baudrate = FIRST_BAUDRATE
        self.speeds: list[int] = []
        """Every speed that was set, in order."""
        self._meter = meter
        self._monotonic = monotonic
        self._wait = wait
        self._echoes = echoes
        self._can_switch = can_switch
        self._spoil = spoil
        self._said: deque[tuple[float, int, bytes]] = deque()

    def write(self, data: bytes) -> None:
        """Let the meter hear it, and answer after its reaction time."""
        sent_at = self._monotonic() + len(data) * _BITS_PER_BYTE / self.baudrate
        if self._echoes:
            self._said.append((sent_at, self.baudrate, data))
        answer = self._spoil(self._meter.answer(data))
        if answer:
            self._said.append((sent_at + REACTION_S, self._meter.baudrate, answer))

    def read(self, timeout_s: float) -> bytes:
        """What came next; garbage where the two do not speak at one speed."""
        if not self._said:
            self._wait(timeout_s)
            return b""
        due_at, spoken_at, data = self._said[0]
        left = due_at - self._monotonic()
        if left > timeout_s:
            self._wait(timeout_s)
            return b""
        if left > 0:
            self._wait(left)
        self._said.popleft()
        return data if spoken_at == self.baudrate else garbled(data)

    def set_baudrate(self, baudrate: int) -> bool:
        """Change the speed, unless it is fixed."""
        if not self._can_switch:
            return False
        self.baudrate = baudrate
        self.speeds.append(baudrate)
        return True

    def close(self) -> None:
        """Nothing to give back."""


def serve_on(
    terminal: PseudoTerminal,
    meter: D0PullMeter,
    stop: threading.Event,
    *,
    reaction_s: float = REACTION_S,
) -> None:
    """Answer on a pseudo-terminal until `stop` is set.

    A gateway that did not follow to the meter's speed gets garbage, as on a wire.
    """
    while not stop.is_set():
        data = terminal.read(_IDLE_S)
        line_time_s = len(data) * _BITS_PER_BYTE / meter.baudrate
        answer = meter.answer(data) if data else b""
        if not answer:
            continue
        stop.wait(line_time_s + reaction_s)
        is_heard = terminal.baudrate() == meter.baudrate
        terminal.write(answer if is_heard else garbled(answer))


class D0PullThread(ServedTerminal):
    """A meter on demand behind a pseudo-terminal, served by a thread of its own.

    Use it as a context; the gateway opens `port`.
    """

    def __init__(
        self,
        meter: D0PullMeter,
        path: Path | None = None,
        *,
        reaction_s: float = REACTION_S,
    ) -> None:
        super().__init__(
            lambda terminal, stop: serve_on(
                terminal, meter, stop, reaction_s=reaction_s
            ),
            path,
        )

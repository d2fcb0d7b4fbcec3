"""Meters that send unasked, on a pseudo-terminal: simulated, or replayed captures."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from itertools import count
from pathlib import Path

from hardware.simulator.meter import SimulatedMeter
from hardware.simulator.sml_answers import push_telegram
from hardware.simulator.terminal import PseudoTerminal, ServedTerminal

Script = Iterator[tuple[bytes, float]]
"""Bytes to send, and the seconds to wait after them."""


def telegrams(
    meter: SimulatedMeter, clock: Callable[[], datetime], every_s: float
) -> Script:
    """A telegram of the meter every so many seconds, without end."""
    for number in count():
        yield push_telegram(meter, clock(), number), every_s


def capture(
    data: bytes, *, piece: int = 1, pause_s: float = 0.0, is_endless: bool = False
) -> Script:
    """Recorded bytes in small pieces, once or again and again.

    A port loses what was sent before it is opened: open it first, or play endlessly.
    """
    while True:
        for at in range(0, len(data), piece):
            yield data[at : at + piece], pause_s
        if not is_endless:
            return


def play(script: Script, terminal: PseudoTerminal, stop: threading.Event) -> None:
    """Send what the script says until it ends or `stop` is set."""
    for data, pause_s in script:
        terminal.write(data)
        if stop.wait(pause_s):
            return


class PushThread(ServedTerminal):
    """A sending meter behind a pseudo-terminal; the gateway opens `port`.

    Use it as a context. The port stays open after the script has ended.
    """

    def __init__(self, script: Script, path: Path | None = None) -> None:
        super().__init__(partial(play, script), path)

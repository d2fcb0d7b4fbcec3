"""Simulated meters as a process of their own, each line behind a pseudo-terminal."""

import signal
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from hardware.simulator.bus import WiredBusSimulator
from hardware.simulator.meter import SimulatedMeter
from hardware.simulator.push import play, telegrams
from hardware.simulator.station import SimulatedStation
from hardware.simulator.terminal import PseudoTerminal

ANSWER_DELAY_S = 0.02


def serve(
    meters: Iterable[SimulatedMeter],
    path: Path,
    clock: Callable[[], datetime],
    stop: threading.Event,
    *,
    answer_delay_s: float = ANSWER_DELAY_S,
) -> None:
    """Be a bus of wired meters on the port `path` until `stop` is set."""
    stations = [SimulatedStation(m, answer_delay_s=answer_delay_s) for m in meters]
    with PseudoTerminal(path) as terminal:
        WiredBusSimulator(stations, clock).serve(terminal, stop)


def serve_push(
    meter: SimulatedMeter,
    path: Path,
    clock: Callable[[], datetime],
    stop: threading.Event,
    *,
    every_s: float = 2.0,
) -> None:
    """Be a meter that sends unasked on the port `path` until `stop` is set."""
    with PseudoTerminal(path) as terminal:
        play(telegrams(meter, clock, every_s), terminal, stop)


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set; call it in the main thread."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    return stop

"""Simulated meters as a process of their own, each line behind a pseudo-terminal."""

import signal
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from hardware.simulator.bus_station import BusStation
from hardware.simulator.d0 import D0PullMeter, readouts
from hardware.simulator.d0_line import serve_on
from hardware.simulator.faulty import (
    FaultyBus,
    FaultyStation,
    Spoil,
    pushed,
    wrong_last_byte,
    wrong_parity,
)
from hardware.simulator.meter import SimulatedMeter
from hardware.simulator.meter_security import kept_in
from hardware.simulator.push import Script, play, telegrams
from hardware.simulator.radio import serve_radio
from hardware.simulator.radio_stick import EMULATORS
from hardware.simulator.scenario import FaultKind, Scenario
from hardware.simulator.secured_station import SecuredStation
from hardware.simulator.station import SimulatedStation
from hardware.simulator.terminal import PseudoTerminal
from hardware.simulator.wireless_meter import SimulatedWirelessMeter

ANSWER_DELAY_S = 0.02
OVERLOAD_SUFFIX = ".overload"
"""Of the file beside a port that shows whether its supply is overloaded."""

Clock = Callable[[], datetime]


def serve(
    meters: Iterable[SimulatedMeter],
    path: Path,
    clock: Clock,
    stop: threading.Event,
    *,
    scenario: Scenario | None = None,
    answer_delay_s: float = ANSWER_DELAY_S,
    master_key: bytes | None = None,
) -> None:
    """Be a bus of wired meters on the port `path` until `stop` is set.

    With a master key, which all of them share, they can be paired and then talk TLS
    only; what they remember of it stands in files beside the port. While a scenario
    has the port unplugged there is none under that name. A file beside it shows "1"
    while the supply is overloaded.
    """
    scenario = scenario or Scenario()
    stations = [
        FaultyStation(_station(m, path, answer_delay_s, master_key), scenario)
        for m in meters
    ]
    bus = FaultyBus(stations, clock, scenario)
    while not stop.is_set():
        plug = _Plug(stop, scenario, clock, Path(f"{path}{OVERLOAD_SUFFIX}"))
        if not plug.is_set():
            with PseudoTerminal(path) as terminal:
                bus.serve(terminal, plug)
        stop.wait(0.2)


def _station(
    meter: SimulatedMeter, path: Path, answer_delay_s: float, master_key: bytes | None
) -> BusStation:
    if master_key is None:
        return SimulatedStation(meter, answer_delay_s=answer_delay_s)
    memory = Path(f"{path}.{meter.server_id.hex()}.json")
    security = kept_in(memory, master_key)
    return SecuredStation(meter, security, answer_delay_s=answer_delay_s)


class _Plug(threading.Event):
    """Is set when the process is to stop, and while the port is unplugged."""

    def __init__(
        self, stop: threading.Event, scenario: Scenario, clock: Clock, overload: Path
    ) -> None:
        super().__init__()
        self._stop = stop
        self._scenario = scenario
        self._clock = clock
        self._overload = overload
        self._is_overloaded = False

    def is_set(self) -> bool:
        now = self._clock()
        self._show(self._scenario.has(FaultKind.OVERLOAD, now))
        return self._stop.is_set() or self._scenario.has(FaultKind.UNPLUGGED, now)

    def _show(self, is_overloaded: bool) -> None:
        if is_overloaded != self._is_overloaded:
            self._overload.write_text("1\n" if is_overloaded else "0\n")
            self._is_overloaded = is_overloaded


def serve_push(
    meter: SimulatedMeter,
    path: Path,
    clock: Clock,
    stop: threading.Event,
    *,
    every_s: float = 2.0,
    scenario: Scenario | None = None,
) -> None:
    """Be a meter that sends SML unasked on the port `path` until `stop` is set."""
    script = telegrams(meter, clock, every_s)
    _serve_script(script, wrong_last_byte, meter, path, clock, stop, scenario)


def serve_d0_push(
    meter: SimulatedMeter,
    path: Path,
    clock: Clock,
    stop: threading.Event,
    *,
    every_s: float = 2.0,
    scenario: Scenario | None = None,
) -> None:
    """Be a meter that sends D0 readouts unasked on the port `path`."""
    script = readouts(meter, clock, every_s)
    _serve_script(script, wrong_parity, meter, path, clock, stop, scenario)


def serve_d0_pull(
    meter: SimulatedMeter, path: Path, clock: Clock, stop: threading.Event
) -> None:
    """Be a meter that sends its D0 readout on demand on the port `path`."""
    with PseudoTerminal(path) as terminal:
        serve_on(terminal, D0PullMeter(meter, clock), stop)


def serve_wireless(
    meters: Iterable[SimulatedWirelessMeter],
    path: Path,
    clock: Clock,
    stop: threading.Event,
    *,
    stick: str,
    scenario: Scenario | None = None,
) -> None:
    """Be a radio stick on the port `path`, and the meters that it hears.

    `stick` is one of `hardware.simulator.radio_stick.EMULATORS`.
    """
    scenario = scenario or Scenario()
    senders = list(meters)
    while not stop.is_set():
        plug = _Plug(stop, scenario, clock, Path(f"{path}{OVERLOAD_SUFFIX}"))
        if not plug.is_set():
            with PseudoTerminal(path) as terminal:
                emulator = EMULATORS[stick]()
                serve_radio(emulator, senders, terminal, clock, plug, scenario)
        stop.wait(0.2)


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set; call it in the main thread."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    return stop


def _serve_script(
    script: Script,
    wrong_check: Spoil,
    meter: SimulatedMeter,
    path: Path,
    clock: Clock,
    stop: threading.Event,
    scenario: Scenario | None,
) -> None:
    faults = scenario or Scenario()
    server_id = meter.server_id
    arriving = (
        (pushed(data, faults, server_id, clock(), wrong_check), pause_s)
        for data, pause_s in script
    )
    with PseudoTerminal(path) as terminal:
        play(arriving, terminal, stop)

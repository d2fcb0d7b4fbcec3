"""The bus of the benchmark: secured meters in a process of their own.

The bus is paced: each frame takes the time that it takes at 921,600 bit/s, each answer
comes after the delay. What the line itself needed is counted there, from the bytes.
"""

import multiprocessing
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time
from typing import Any, Self

from hardware.device_id import server_id_of
from hardware.simulator.bus import WiredBusSimulator
from hardware.simulator.bus_station import BusStation
from hardware.simulator.meter import SimulatedMeter
from hardware.simulator.meter_security import MeterSecurity
from hardware.simulator.process import stop_on_signals
from hardware.simulator.secured_station import SecuredStation
from hardware.simulator.terminal import PseudoTerminal

ANSWER_DELAY_S = 0.02
MASTER_KEY = bytes(range(16))
_START_WITHIN_S = 60.0
_CONTEXT = multiprocessing.get_context("spawn")
"""The meters inherit nothing: no database connection, no memory of the gateway."""


def simulated(meter_id: str, now: datetime) -> SimulatedMeter:
    """A meter that began to count the day before: cheap to compute."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    begin = midnight - timedelta(days=1)
    return SimulatedMeter(server_id_of(meter_id), installed_at=begin)


@dataclass(slots=True)
class MovedTime:
    """The host's time plus an offset that all processes of the benchmark share."""

    _offset_s: Any

    @classmethod
    def at_host_time(cls) -> Self:
        """Not moved yet."""
        return cls(_CONTEXT.Value("d", 0.0))

    def now(self) -> datetime:
        """The time, UTC."""
        return datetime.now(UTC) + timedelta(seconds=self._offset_s.value)

    def move_to(self, instant: datetime) -> None:
        """Let the time be `instant` now and go on from there."""
        self._offset_s.value = (instant - datetime.now(UTC)).total_seconds()


class BusProcess:
    """Secured meters behind the pseudo-terminal `port`; use it as a context.

    `meters` are their ids, each with its TLS groups (IANA ids); they began to count
    on the day before `now`.
    """

    def __init__(
        self,
        port: Path,
        meters: Sequence[tuple[str, tuple[int, ...]]],
        moved: MovedTime,
        now: datetime,
    ) -> None:
        self._line_time_s, self._cpu_s = _CONTEXT.Value("d"), _CONTEXT.Value("d")
        self._is_serving = _CONTEXT.Event()
        self._process = _CONTEXT.Process(
            target=_serve,
            args=(
                port,
                list(meters),
                now,
                moved,
                (self._line_time_s, self._cpu_s),
                self._is_serving,
            ),
            daemon=True,
        )

    def __enter__(self) -> Self:
        self._process.start()
        if not self._is_serving.wait(_START_WITHIN_S):
            raise TimeoutError("the simulated bus does not come up")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

    @property
    def line_time_s(self) -> float:
        """What the line has needed so far: its bytes at its speed, and the delays."""
        return float(self._line_time_s.value)

    @property
    def cpu_s(self) -> float:
        """CPU seconds that the simulated meters have used."""
        return float(self._cpu_s.value)


class _ReportingBus(WiredBusSimulator):
    """Puts what it counts where the other process can read it."""

    def __init__(
        self, stations: list[BusStation], moved: MovedTime, shared: tuple[Any, Any]
    ) -> None:
        self._shared_line_s, self._shared_cpu_s = shared
        super().__init__(stations, moved.now, is_paced=True)

    @property
    def line_time_s(self) -> float:
        return float(self._shared_line_s.value)

    @line_time_s.setter
    def line_time_s(self, seconds: float) -> None:
        self._shared_line_s.value = seconds
        self._shared_cpu_s.value = process_time()


def _serve(
    port: Path,
    meters: list[tuple[str, tuple[int, ...]]],
    now: datetime,
    moved: MovedTime,
    shared: tuple[Any, Any],
    is_serving: threading.Event,
) -> None:
    stop = stop_on_signals()
    stations: list[BusStation] = [
        SecuredStation(
            simulated(id_, now),
            MeterSecurity(MASTER_KEY),
            groups=groups,
            answer_delay_s=ANSWER_DELAY_S,
        )
        for id_, groups in meters
    ]
    with PseudoTerminal(port) as terminal:
        is_serving.set()
        _ReportingBus(stations, moved, shared).serve(terminal, stop)

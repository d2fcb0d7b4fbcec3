"""P12: how long a boundary takes on a bus of secured meters.

From the instant of the boundary to the commit of its records: requests and answers
over TLS, HDLC and a pseudo-terminal, decoding, signatures, one transaction; the same
functions as in the worker of queue `lmn`. The reference is what the line alone needs.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

from casa_site.bench.bench import Bench
from casa_site.bench.control import ControlThread
from casa_site.bench.figure import Figure, Goal, Quantity, ResultWrong
from casa_site.bench.secured_bus import (
    ANSWER_DELAY_S,
    MASTER_KEY,
    BusProcess,
    MovedTime,
    simulated,
)
from hardware.clock import GatewayClock
from hardware.gateway import Gateway
from hardware.lmn_certificates import BRAINPOOL_P256, P256
from hardware.record import registers_of
from hardware.simulator.meter import SimulatedMeter
from meters import selectors
from meters.boundaries import REGISTRATION_PERIOD, boundary_after
from meters.interface import interface_specs
from meters.models import LiveReading, Meter, OriginalRecord
from meters.record_queue import RecordQueue
from meters.services import create_consumer, create_meter
from meters.wired_interface import WiredInterface

FACTOR_GOAL = 1.2
FARTHEST_S = 9.0
_CONSUMER = "bench-boundary"
_LEAD = timedelta(seconds=1)
_LINKED_WITHIN_S = 300.0
_STORED_WITHIN_S = 30.0
_GROUPS = (BRAINPOOL_P256.group, P256.group)


@dataclass(frozen=True, slots=True)
class Pass:
    """One boundary: seconds to the commit, of the line alone, and CPU of both sides."""

    target: datetime
    taken_s: float
    line_s: float
    cpu_s: float
    meters_cpu_s: float


@dataclass(frozen=True)
class MovedClock(GatewayClock):
    """The gateway's clock, moved to where the next boundary is."""

    moved: MovedTime = field(default_factory=MovedTime.at_host_time)

    def now(self) -> datetime:
        """The time that the meters go by as well."""
        return self.moved.now()


def figures(bench: Bench) -> Iterator[Figure]:
    """P12."""
    with ControlThread() as control:
        passes, farthest_s = measured(
            bench.gateway, bench.scale.meters, bench.scale.rounds
        )
    yield _figure(passes, farthest_s, bench.scale.meters, control)


def measured(
    gateway: Gateway, meters: int, boundaries: int
) -> tuple[list[Pass], float]:
    """So many boundaries, and how far from one a value was captured at most (s).

    Raises ResultWrong when a value is missing or is not what the meter said.
    """
    moved = MovedTime.at_host_time()
    gateway = replace(gateway, clock=MovedClock(moved=moved))
    port = gateway.state / "bench-lmn"
    ids = _meters(gateway, port, meters)
    now = moved.now()
    ends = [(id_, (_GROUPS[number % 2],)) for number, id_ in enumerate(ids)]
    with BusProcess(port, ends, moved, now) as bus:
        run = _Run(gateway, moved, bus)
        run.link(ids)
        passes = [run.boundary() for _ in range(boundaries)]
        run.interface.close()
    said = [simulated(id_, now) for id_ in ids]
    return passes, max(_farthest_s(said, each.target) for each in passes)


class _Run:
    """A wired interface whose thread is this one."""

    def __init__(self, gateway: Gateway, moved: MovedTime, bus: BusProcess) -> None:
        self._moved = moved
        self._bus = bus
        self._committed_at = 0.0
        (spec,) = interface_specs(
            selectors.active_meters().filter(consumer_id=_CONSUMER)
        )
        self.interface = WiredInterface(
            gateway, spec, RecordQueue(gateway, self._note_commit)
        )

    def link(self, meter_ids: list[str]) -> None:
        """Pair all meters, shake hands and read each once."""
        self._moved.move_to(boundary_after(self._moved.now()) - REGISTRATION_PERIOD / 2)
        shown = LiveReading.objects.filter(meter__in=meter_ids)
        until = time.monotonic() + _LINKED_WITHIN_S
        while shown.count() < len(meter_ids):
            if time.monotonic() > until:
                raise ResultWrong(f"{shown.count()} of {len(meter_ids)} meters linked")
            time.sleep(min(0.05, self.interface.step()))

    def boundary(self) -> Pass:
        """Let the next boundary come, and read it."""
        target = boundary_after(self._moved.now() + _LEAD)
        stored = OriginalRecord.objects.filter(target_time=target)
        self._moved.move_to(target - _LEAD)
        reached_at = time.monotonic() + _LEAD.total_seconds()
        line_s, meters_cpu_s = self._bus.line_time_s, self._bus.cpu_s
        time.sleep(self.interface.step())
        cpu_s = time.process_time()
        self.interface.step()
        cpu_s = time.process_time() - cpu_s
        while stored.count() < len(self.interface.spec.meters):
            if time.monotonic() > reached_at + _STORED_WITHIN_S:
                raise ResultWrong(f"only {stored.count()} values for {target}")
            time.sleep(min(0.05, self.interface.step()))
        return Pass(
            target,
            self._committed_at - reached_at,
            self._bus.line_time_s - line_s,
            cpu_s,
            self._bus.cpu_s - meters_cpu_s,
        )

    def _note_commit(self) -> None:
        self._committed_at = time.monotonic()


def _meters(gateway: Gateway, port: Path, count: int) -> list[str]:
    create_consumer(gateway, _CONSUMER)
    ids = [f"1bsb{number:010d}" for number in range(1, count + 1)]
    for id_ in ids:
        create_meter(
            gateway,
            id_,
            consumer=_CONSUMER,
            source=Meter.Source.HDLC,
            port=str(port),
            master_key=MASTER_KEY.hex(),
            now=gateway.clock.now() - timedelta(days=1),
        )
    return ids


def _farthest_s(meters: list[SimulatedMeter], target: datetime) -> float:
    """How far from the boundary its values were captured; checks each of them."""
    rows = {
        bytes.fromhex(row.meter.server_id): row
        for row in OriginalRecord.objects.filter(
            target_time=target, meter__consumer=_CONSUMER
        ).select_related("meter")
    }
    if len(rows) != len(meters):
        raise ResultWrong(f"{len(rows)} of {len(meters)} values for {target}")
    for meter in meters:
        _check_value(meter, rows[meter.server_id])
    return max(
        abs((row.capture_time - target).total_seconds()) for row in rows.values()
    )


def _check_value(meter: SimulatedMeter, row: OriginalRecord) -> None:
    """The meter said it in the second of the capture, which is cut, or beside it."""
    second = timedelta(seconds=1)
    said = [
        meter.counters_at(row.capture_time + shift)
        for shift in (-second, timedelta(), second)
    ]
    if registers_of(row.registers) not in said:
        raise ResultWrong(f"{row.meter_id}, {row.target_time}: not what it said")


def _figure(
    passes: list[Pass], farthest_s: float, meters: int, control: ControlThread
) -> Figure:
    if farthest_s > FARTHEST_S:
        raise ResultWrong(f"a value {farthest_s} s from its boundary")
    return Figure(
        id="P12",
        title=f"a boundary on a bus of {meters} secured meters / the line's own time",
        value=median(each.taken_s / each.line_s for each in passes),
        unit="x",
        goal=Goal("at most", FACTOR_GOAL),
        references=(
            Quantity(
                "from the boundary to the commit, median",
                median(each.taken_s for each in passes),
                "s",
            ),
            Quantity("slowest", max(each.taken_s for each in passes), "s"),
            Quantity(
                "the line's own time, median", median(e.line_s for e in passes), "s"
            ),
            Quantity(
                "CPU of the gateway per meter",
                1000 * median(each.cpu_s for each in passes) / meters,
                "ms",
            ),
            Quantity(
                "CPU of a simulated meter",
                1000 * median(each.meters_cpu_s for each in passes) / meters,
                "ms",
            ),
            Quantity("lateness of a bare thread, p99", control.p99_ms, "ms"),
        ),
        conditions=(
            f"{len(passes)} boundaries, TLS on brainpoolP256r1 and P-256 in turn, "
            f"{1000 * ANSWER_DELAY_S:.0f} ms before each answer, which comes as the "
            f"answer to the request itself; all values read back, none captured more "
            f"than {farthest_s:.0f} s from its boundary"
        ),
    )

"""The demo's past: quarter hours before the first start, read by the real codecs.

The simulated meters are paired and answer over TLS in memory on the same kind of bus,
or send to a stick in memory, with the time given in; every stored record came out of a
decoder as bytes.
"""

import secrets
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from casa_site.demo import instant_profiles, wan_peers
from casa_site.demo.past_radio import PastRadio
from casa_site.demo.plan import HUID, DemoMeter, all_meters, wireless_meters
from casa_site.demo.timeline import Timeline, timeline_of
from casa_site.gateways import open_configured_gateway
from hardware.device_id import server_id_of
from hardware.gateway import Gateway
from hardware.lmn_wired import COUNTER_REGISTERS, WiredBus
from hardware.obis import Obis
from hardware.readings import MeterReading
from hardware.simulator.bus import MemoryLink, WiredBusSimulator
from hardware.simulator.memory_credentials import MemoryCredentials
from hardware.simulator.meter_security import MeterSecurity
from hardware.simulator.secured_station import SecuredStation
from hardware.sym_pairing import KEY_BYTES
from meters.history import PastReading, last_before, record_past
from tariffs.services import evaluate_due

QUARTER = timedelta(minutes=15)
_BOUNDARIES_AT_ONCE = 48
_CAPTURE_DELAY = timedelta(seconds=1)
_LONGEST_SEARCH = 1000
_TICK_S = 0.01
"""Time passes a little whenever somebody looks."""


@dataclass(slots=True)
class GivenClock:
    """A clock that shows what it is told."""

    now: datetime

    def __call__(self) -> datetime:
        """The time that was set last."""
        return self.now


@dataclass(slots=True)
class PastBus:
    """The demo's bus in memory, at whatever time is asked for."""

    begin: datetime
    clock: GivenClock = field(init=False)
    simulator: WiredBusSimulator = field(init=False)
    bus: WiredBus = field(init=False)

    def __post_init__(self) -> None:
        self.clock = GivenClock(self.begin)
        meters = all_meters()
        stations = [_station(meter) for meter in meters]
        self.simulator = WiredBusSimulator(stations, self.clock)
        keys = {s.server_id: s.security.master_key for s in stations}
        ticks = count()
        self.bus = WiredBus(
            MemoryLink(self.simulator),
            gateway_server_id=server_id_of(HUID),
            meters=list(keys),
            clock=self.clock,
            monotonic=lambda: next(ticks) * _TICK_S,
            store=MemoryCredentials(HUID, keys),
        )
        for _ in range(_LONGEST_SEARCH):
            if len(self.bus.linked) == len(meters):
                return
            self.bus.maintain()

    def read(self, target_time: datetime) -> Iterator[PastReading]:
        """One reading of each meter for a boundary, through all codecs."""
        self.clock.now = target_time + _CAPTURE_DELAY
        for meter in all_meters():
            reading = self.bus.read(server_id_of(meter.id), COUNTER_REGISTERS)
            yield PastReading(meter.id, target_time, reading)

    def sample(
        self, meter_id: str, at: datetime, registers: tuple[Obis, ...]
    ) -> MeterReading:
        """What a meter said of these registers at an instant, through all codecs."""
        self.clock.now = at
        return self.bus.read(server_id_of(meter_id), registers)


def past_meters(begin: datetime) -> instant_profiles.Read:
    """The meters from a time on, to be asked one by one."""
    return PastBus(begin).sample


def _station(meter: DemoMeter) -> SecuredStation:
    """The meter as it was then, with a key for this bus only."""
    security = MeterSecurity(secrets.token_bytes(KEY_BYTES))
    return SecuredStation(meter.simulated(), security, groups=[meter.tls.group])


def write_history() -> None:
    """Write what is missing of the demo's history; the role `demo-history`."""
    gateway = open_configured_gateway()
    timeline = timeline_of(gateway.state)
    now = gateway.clock.now()
    wan_peers.complete(gateway)
    stored = instant_profiles.complete(gateway, timeline, past_meters, now=now)
    stored += fill(gateway, timeline)
    evaluate_due(gateway, now=gateway.clock.now())
    print(f"the demo's history is complete, {stored} records written", file=sys.stderr)


def fill(
    gateway: Gateway,
    timeline: Timeline,
    *,
    at_most: int | None = None,
    open_bus: Callable[[datetime], PastBus] = PastBus,
    open_radio: Callable[[datetime], PastRadio] = PastRadio,
) -> int:
    """Store the missing boundaries of the timeline, oldest first; how many records.

    Goes on where an earlier run stopped. `at_most` limits the number of boundaries.
    """
    missing = _missing(timeline)[:at_most]
    if not missing:
        return 0
    bus, radio = open_bus(missing[0]), open_radio(missing[0])
    stored = 0
    for start in range(0, len(missing), _BOUNDARIES_AT_ONCE):
        part = missing[start : start + _BOUNDARIES_AT_ONCE]
        past = [reading for target in part for reading in bus.read(target)]
        past += [reading for target in part for reading in radio.past(target)]
        stored += record_past(gateway, past)
    return stored


def _missing(timeline: Timeline) -> list[datetime]:
    """The boundaries of the history that are not stored yet, ascending."""
    meter_ids = [meter.id for meter in all_meters()]
    meter_ids += [meter.id for meter in wireless_meters()]
    last = [last_before(meter_id, timeline.first_start) for meter_id in meter_ids]
    known = [moment for moment in last if moment is not None]
    begin = min(known) + QUARTER if len(known) == len(last) else timeline.begin
    length = (timeline.first_start - begin) // QUARTER + 1
    return [begin + number * QUARTER for number in range(max(length, 0))]

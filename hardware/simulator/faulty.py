"""Simulated meters and lines that have the faults of a scenario."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from hardware.errors import PortNotOpen, PortVanished
from hardware.hdlc import HdlcFrame
from hardware.readings import RegisterValue
from hardware.simulator.bus import MemoryLink, Station, WiredBusSimulator
from hardware.simulator.bus_station import Reply
from hardware.simulator.curves import Profile, between, noise
from hardware.simulator.meter import INSTALLED_AT, SimulatedMeter
from hardware.simulator.scenario import FaultKind, Scenario

Spoil = Callable[[bytes], bytes]
"""Makes a checksum wrong, in the way of one kind of telegram."""


class FaultyMeter(SimulatedMeter):
    """A meter whose word, counters and seconds follow a scenario."""

    def __init__(
        self,
        server_id: bytes,
        scenario: Scenario,
        profile: Profile = "household_pv",
        seed: int = 1,
        *,
        installed_at: datetime = INSTALLED_AT,
    ) -> None:
        super().__init__(server_id, profile, seed, installed_at=installed_at)
        self._scenario = scenario

    def counters_at(self, now: datetime) -> tuple[RegisterValue, ...]:
        """The counters; after a roll-over they begin at 0."""
        counters = super().counters_at(now)
        fault = self._scenario.active(FaultKind.ROLLOVER, now, self.server_id)
        if fault is None:
            return counters
        return tuple(
            RegisterValue(one.obis, one.value - before.value, one.scaler, one.unit)
            for one, before in zip(
                counters, super().counters_at(fault.begin), strict=True
            )
        )

    def status_at(self, now: datetime) -> int:
        """The word with the bits that the scenario sets."""
        fault = self._scenario.active(FaultKind.STATUS, now, self.server_id)
        return super().status_at(now) | (fault.bits if fault else 0)

    def second_index_at(self, now: datetime) -> int:
        """The operating seconds, off by what the scenario says."""
        fault = self._scenario.active(FaultKind.CLOCK, now, self.server_id)
        return super().second_index_at(now) + (fault.seconds if fault else 0)


class FaultyStation:
    """A station on the bus, of any kind, with the faults of its meter."""

    def __init__(
        self, station: "StationWithId", scenario: Scenario, seed: int = 1
    ) -> None:
        self.server_id = station.server_id
        self._station = station
        self._scenario = scenario
        self._seed = seed

    def replies(self, frame: HdlcFrame, now: datetime) -> list[Reply]:
        """What it sends; with a collision somebody else answers at the same moment."""
        meter = self.server_id
        absent = not self._scenario.is_present(meter, now)
        if absent or self._scenario.has(FaultKind.SILENCE, now, meter):
            return []
        replies = [
            Reply(one.after_s, self._spoilt(one.data, now))
            for one in self._station.replies(frame, now)
        ]
        if self._scenario.has(FaultKind.COLLISION, now, meter):
            replies += [
                Reply(one.after_s, disturbed(one.data, self._seed, now))
                for one in replies
            ]
        return replies

    def _spoilt(self, data: bytes, now: datetime) -> bytes:
        spoil = _wrong_frame_check
        return spoilt(data, self._scenario, self.server_id, now, spoil, self._seed)


class StationWithId(Station, Protocol):
    """A station that says whose it is."""

    server_id: bytes


class FaultyBus(WiredBusSimulator):
    """A bus that echoes what the gateway sends while the scenario says so."""

    def __init__(
        self,
        stations: list[FaultyStation],
        clock: Callable[[], datetime],
        scenario: Scenario,
    ) -> None:
        super().__init__(stations, clock)
        self._line_clock = clock
        self._scenario = scenario

    def replies(self, data: bytes) -> list[Reply]:
        """The echo first, where there is one."""
        replies = super().replies(data)
        if self._scenario.has(FaultKind.ECHO, self._line_clock()):
            return [Reply(0.0, data), *replies]
        return replies


class FaultyLink(MemoryLink):
    """A link to a simulated bus whose port can be unplugged, its supply overloaded."""

    def __init__(
        self, bus: WiredBusSimulator, clock: Callable[[], datetime], scenario: Scenario
    ) -> None:
        super().__init__(bus)
        self._clock = clock
        self._scenario = scenario

    def write(self, data: bytes) -> None:
        """Let the bus answer at once; raises PortVanished."""
        self._check()
        super().write(data)

    def read(self, timeout_s: float) -> bytes:
        """What the meters sent next; raises PortVanished."""
        self._check()
        return super().read(timeout_s)

    def supply_is_overloaded(self) -> bool:
        """What the input of the supply shows."""
        return self._scenario.has(FaultKind.OVERLOAD, self._clock())

    def close(self) -> None:
        """Nothing to give back."""

    def _check(self) -> None:
        if self._scenario.has(FaultKind.UNPLUGGED, self._clock()):
            raise PortVanished("unplugged")


def refuse_unplugged(scenario: Scenario, now: datetime) -> None:
    """Raise PortNotOpen while the scenario has the port unplugged."""
    if scenario.has(FaultKind.UNPLUGGED, now):
        raise PortNotOpen("unplugged")


def spoilt(
    data: bytes,
    scenario: Scenario,
    meter: bytes,
    now: datetime,
    wrong_check: Spoil,
    seed: int = 1,
) -> bytes:
    """What arrives of a telegram of the meter under the faults of its line."""
    if scenario.has(FaultKind.NOISE, now, meter):
        data = disturbed(data, seed, now)
    if scenario.has(FaultKind.CHECKSUM, now, meter):
        data = wrong_check(data)
    return data


def pushed(
    telegram: bytes,
    scenario: Scenario,
    meter: bytes,
    now: datetime,
    wrong_check: Spoil,
) -> bytes:
    """What arrives of a telegram that a meter sends unasked; b"" while it is silent."""
    if not scenario.is_present(meter, now):
        return b""
    if scenario.has(FaultKind.SILENCE, now, meter):
        return b""
    if scenario.has(FaultKind.COLLISION, now, meter):
        telegram = disturbed(telegram, 2, now)
    return spoilt(telegram, scenario, meter, now, wrong_check)


def disturbed(data: bytes, seed: int, now: datetime) -> bytes:
    """The bytes with some of them changed, the same ones for the same time."""
    if not data:
        return data
    second = int(now.timestamp())
    changed = bytearray(data)
    for number in range(1 + len(data) // 16):
        at = between(0, len(data) - 1, noise(seed, second, number))
        changed[at] ^= 1 + (noise(seed, second, number, 7) & 0x7F)
    return bytes(changed)


def wrong_last_byte(data: bytes) -> bytes:
    """The checksum of an SML file, or the block check character, changed."""
    return data[:-1] + bytes([data[-1] ^ 0x03]) if data else data


def wrong_parity(data: bytes) -> bytes:
    """One character of a readout without block check whose parity is wrong."""
    at = len(data) // 2
    return data[:at] + bytes([data[at] ^ 0x80]) + data[at + 1 :]


def _wrong_frame_check(data: bytes) -> bytes:
    """The frame check sequence of an HDLC frame, which its flag follows."""
    return data[:-2] + bytes([data[-2] ^ 0xFF]) + data[-1:] if len(data) > 2 else data

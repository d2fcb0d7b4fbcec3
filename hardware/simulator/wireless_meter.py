"""Simulated wireless meters of four media: their registers and telegrams at any time.

Like the wired ones they are a function of address, seed and time, without state, so
that history, live telegrams and the truth that a test asks for agree to the last digit.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import pairwise
from zoneinfo import ZoneInfo

from hardware.obis import Obis
from hardware.readings import RegisterValue
from hardware.simulator.curves import Profile, between, noise
from hardware.simulator.energy import DAY_S, QUARTER_S, DayPowers, EnergyCurve
from hardware.simulator.meter import INSTALLED_AT
from hardware.simulator.wireless_curves import heating, water
from hardware.units import CUBIC_METRE, WATT_HOUR
from hardware.wmbus_address import MeterAddress
from hardware.wmbus_encode import (
    bcd_record,
    compact_message,
    date_time_record,
    integer_record,
    mode_5,
    mode_7,
)

BERLIN = ZoneInfo("Europe/Berlin")

PROFILE_QUARTERS = 8
"""So many quarter hours before the last one are in a load profile."""

_TENTHS_WS_PER_WH = 36_000
_TENTHS_WS_PER_LITRE_OF_GAS = 10 * _TENTHS_WS_PER_WH
_COMPACT_CI = 0x7B
_PROFILE_CONTROL = 0x52
"""Increments, spaced in minutes, of 16 bits each."""


class Kind(Enum):
    """What a telegram holds."""

    FULL = "full"
    COMPACT = "compact"
    PROFILE = "profile"


_CYCLE = (
    Kind.FULL,
    Kind.COMPACT,
    Kind.COMPACT,
    Kind.PROFILE,
    Kind.FULL,
    Kind.COMPACT,
    Kind.COMPACT,
    Kind.COMPACT,
)
"""What the meter sends one after the other."""


class SimulatedWirelessMeter:
    """A meter that sends every `every_s` seconds, in security mode 5 or 7.

    The medium follows from the device type of `address`. Raises ValueError for a
    medium that is not simulated, and when asked for a time before `installed_at`.
    """

    def __init__(
        self,
        address: MeterAddress,
        key: bytes,
        *,
        mode: int = 7,
        every_s: int = 20,
        seed: int = 1,
        installed_at: datetime = INSTALLED_AT,
    ) -> None:
        self.address = address
        self.key = key
        self.mode = mode
        self.every_s = every_s
        self._installed = int(installed_at.timestamp())
        mixed = hashlib.sha256(address.raw + seed.to_bytes(8, "big")).digest()
        self._seed = int.from_bytes(mixed[:8], "big")
        self._phase = self._seed % every_s
        medium = _MEDIA.get(address.device_type)
        if medium is None:
            raise ValueError(f"device type {address.device_type:02X} is not simulated")
        self._medium = medium(self._seed, self._installed // DAY_S)

    def next_after(self, instant: datetime) -> datetime:
        """When it sends next, later than `instant`; whole seconds."""
        second = int(instant.timestamp())
        behind = (second - self._phase) % self.every_s
        return datetime.fromtimestamp(second - behind + self.every_s, UTC)

    def registers_at(self, now: datetime) -> tuple[RegisterValue, ...]:
        """What its list holds: the counters, ascending by OBIS."""
        return self._medium.registers_at(int(now.timestamp()))

    def telegram_at(
        self,
        now: datetime,
        *,
        kind: Kind | None = None,
        status: int = 0,
        key: bytes | None = None,
        clock_off: timedelta = timedelta(),
    ) -> bytes:
        """What it sends at `now`, L field first; `kind` follows from the time.

        `status` is the status byte, `key` another key than its own, `clock_off` how far
        its clock is wrong.
        """
        second = int(now.timestamp())
        number = (second - self._phase) // self.every_s
        wanted = kind or _CYCLE[number % len(_CYCLE)]
        records = self._medium.records_at(second)
        records += b"\x04\x6d" + _meter_time(now + clock_off)
        if wanted is Kind.PROFILE:
            records += self._profile(now, clock_off)
        ci = 0x7A
        if wanted is Kind.COMPACT:
            ci, records = _COMPACT_CI, compact_message(records)[1:]
        return self._secured(records, ci, second, number, status, key or self.key)

    def _secured(
        self, records: bytes, ci: int, second: int, number: int, status: int, key: bytes
    ) -> bytes:
        access = number & 0xFF
        if self.mode == 5:
            return mode_5(
                self.address, records, key, access_number=access, status=status, ci=ci
            )
        return mode_7(
            self.address,
            records,
            key,
            counter=second - self._installed,
            access_number=access,
            status=status,
            ci=ci,
        )

    def _profile(self, now: datetime, clock_off: timedelta) -> bytes:
        """The last quarter hour and those before it, backwards, in increments."""
        last = int(now.timestamp()) // QUARTER_S * QUARTER_S
        stands = [
            self._medium.total_at(last - step * QUARTER_S)
            for step in range(PROFILE_QUARTERS + 1)
        ]
        at = datetime.fromtimestamp(last, UTC) + clock_off
        base_time = b"\x84\x04\x6d" + _meter_time(at)
        vif = self._medium.vif
        base = b"\x84\x04" + bytes([vif]) + stands[0].to_bytes(4, "little")
        steps = b"".join(
            (later - earlier).to_bytes(2, "little")
            for later, earlier in pairwise(stands)
        )
        head = b"\x8d\x04" + bytes([vif | 0x80, 0x13])
        content = bytes([_PROFILE_CONTROL, QUARTER_S // 60]) + steps
        return base_time + base + head + bytes([len(content)]) + content


def _meter_time(instant: datetime) -> bytes:
    """Legal time of Germany to the minute, type F."""
    local = instant.astimezone(BERLIN)
    return date_time_record(local, summer=bool(local.dst()))[2:]


# --- what the four media count ------------------------------------------------------


class _Medium:
    """One counter; `vif` is how its records and profiles are headed."""

    curve: Profile | DayPowers
    obis: str
    scaler: int
    unit: int
    vif: int
    tenths_ws_per_step: int

    def __init__(self, seed: int, first_day: int) -> None:
        self.seed = seed
        self._curve = EnergyCurve(self.curve, seed, first_day)
        self._start = between(20_000, 4_000_000, noise(seed, 7))

    def total_at(self, second: int) -> int:
        """What the counter shows."""
        drawn, _fed = self._curve.energies_at(second)
        return self._start + drawn // self.tenths_ws_per_step

    def registers_at(self, second: int) -> tuple[RegisterValue, ...]:
        """The counters as the gateway lists them."""
        obis = Obis.parse(self.obis)
        return (RegisterValue(obis, self.total_at(second), self.scaler, self.unit),)

    def records_at(self, second: int) -> bytes:
        """The counter, and what the meter measures beside it."""
        return integer_record(f"04{self.vif:02x}", self.total_at(second))

    def flow_at(self, second: int) -> int:
        """What is drawn in these ten seconds, in 0.1 W or what stands for it."""
        return self._curve.power_at(second)


class _Electricity(_Medium):
    curve = "household"
    obis, scaler, unit, vif = "1-0:1.8.0*255", 0, WATT_HOUR, 0x03
    tenths_ws_per_step = _TENTHS_WS_PER_WH

    def records_at(self, second: int) -> bytes:
        power = integer_record("042B", self.flow_at(second) // 10)
        return super().records_at(second) + power


class _Gas(_Medium):
    curve = staticmethod(heating)
    obis, scaler, unit, vif = "7-0:3.0.0*255", -3, CUBIC_METRE, 0x13
    tenths_ws_per_step = _TENTHS_WS_PER_LITRE_OF_GAS

    def records_at(self, second: int) -> bytes:
        return bcd_record("0C13", self.total_at(second))


class _Water(_Medium):
    curve = staticmethod(water)
    obis, scaler, unit, vif = "8-0:1.0.0*255", -3, CUBIC_METRE, 0x13
    tenths_ws_per_step = 1000 * _TENTHS_WS_PER_WH

    def records_at(self, second: int) -> bytes:
        litres_an_hour = self.flow_at(second) // 10_000
        return super().records_at(second) + integer_record("023B", litres_an_hour)


class _Heat(_Medium):
    curve = staticmethod(heating)
    obis, scaler, unit, vif = "6-0:1.0.0*255", 2, WATT_HOUR, 0x05
    tenths_ws_per_step = 100 * _TENTHS_WS_PER_WH
    _litres_per_100_wh = 3

    def registers_at(self, second: int) -> tuple[RegisterValue, ...]:
        volume = Obis.parse("6-0:2.0.0*255")
        litres = self.total_at(second) * self._litres_per_100_wh
        return (
            *super().registers_at(second),
            RegisterValue(volume, litres, -3, CUBIC_METRE),
        )

    def records_at(self, second: int) -> bytes:
        litres = self.total_at(second) * self._litres_per_100_wh
        return (
            super().records_at(second)
            + integer_record("0413", litres)
            + integer_record("022B", self.flow_at(second) // 10)
            + integer_record("025A", between(450, 650, noise(self.seed, second // 60)))
        )


_MEDIA: dict[int, type[_Medium]] = {
    0x02: _Electricity,
    0x03: _Gas,
    0x04: _Heat,
    0x07: _Water,
}
"""Device type -> what the meter counts."""

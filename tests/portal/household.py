"""Two consumers with meters, values and profiles, as the portal's tests need them.

All rows come through the services; the readings are those of simulated meters.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hardware.clock import GatewayClock
from hardware.device_id import server_id_of
from hardware.gateway import Gateway
from hardware.readings import MeterReading
from hardware.simulator.meter import SimulatedMeter
from logbooks.certificates import ensure_signature_certificate
from meters.accounts import create_account
from meters.history import PastReading, record_past
from meters.models import Account
from meters.services import (
    close_missed_boundaries,
    create_consumer,
    create_meter,
    update_live,
)
from tariffs.profile_spec import InputSpec, ProfileSpec
from tariffs.services import create_profile, evaluate_due

NOW = datetime(2026, 6, 22, 13, 7, 52, tzinfo=UTC)
"""Monday, 15:07:52 in Berlin."""
LAST_BOUNDARY = datetime(2026, 6, 22, 13, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
LATE_WAIT = timedelta(seconds=30)
PASSWORD = "Zählerstand-4711"
METERS = {"hks2": "1emh0000000001", "nachbar": "1emh0000000003"}
GRID_REGISTERS = ("1-0:1.8.0", "1-0:2.8.0")


class StoppedClock(GatewayClock):
    """A gateway clock that always shows `NOW`."""

    def now(self) -> datetime:
        return NOW


class InvalidClock(StoppedClock):
    """The same with a time that is not valid."""

    def __init__(self) -> None:
        super().__init__(is_valid=False)


def stopped(gateway: Gateway) -> Gateway:
    """The gateway at `NOW`."""
    return replace(gateway, clock=StoppedClock())


def simulated(meter_id: str) -> SimulatedMeter:
    return SimulatedMeter(server_id_of(meter_id), seed=7)


def reading_of(meter_id: str, at: datetime) -> MeterReading:
    """What the simulated meter says at a time."""
    meter = simulated(meter_id)
    return MeterReading(
        meter.server_id, at, meter.status_at(at), meter.registers_at(at)
    )


def move_in(
    gateway: Gateway,
    consumer: str,
    *,
    hours: int = 3,
    missing: Collection[datetime] = (),
    recipients: tuple[str, ...] = (),
    live: bool = True,
) -> None:
    """A consumer with account, one meter, `hours` of values up to `NOW`, TAF1, TAF7.

    Boundaries in `missing` become placeholders.
    """
    begin = LAST_BOUNDARY - timedelta(hours=hours)
    meter = METERS[consumer]
    ensure_signature_certificate(gateway, begin)
    settle(gateway, consumer, begin)
    steps = range(hours * 4 + 1)
    boundaries = [begin + step * QUARTER for step in steps]
    past = [
        PastReading(meter, boundary, reading_of(meter, boundary + timedelta(seconds=1)))
        for boundary in boundaries
        if boundary not in missing
    ]
    for part in _around_gaps(past):
        gap_end = part[0].target_time - QUARTER + LATE_WAIT
        close_missed_boundaries(gateway, now=gap_end)
        record_past(gateway, part)
    if live:
        update_live(gateway, {meter: reading_of(meter, NOW)}, now=NOW)
    make_profiles(gateway, consumer, begin, recipients)


def settle(gateway: Gateway, consumer: str, at: datetime) -> None:
    """Consumer, account and meter, without any value."""
    row = create_consumer(gateway, consumer, name=consumer.title())
    create_account(
        gateway,
        username=consumer,
        role=Account.Role.CONSUMER,
        consumer=row,
        password=PASSWORD,
    )
    create_meter(
        gateway,
        METERS[consumer],
        consumer=consumer,
        source="hdlc",
        port="/dev/ttyUSB0",
        name="Haushalt mit PV",
        now=at,
    )


def make_profiles(
    gateway: Gateway, consumer: str, begin: datetime, recipients: tuple[str, ...]
) -> None:
    """TAF1 and TAF7 from `begin` on."""
    inputs = tuple(InputSpec(METERS[consumer], obis) for obis in GRID_REGISTERS)
    for taf in (1, 7):
        spec = ProfileSpec(
            id=f"{consumer}-taf{taf}",
            taf=taf,
            consumer=consumer,
            inputs=inputs,
            valid_from=begin,
            recipients=recipients,
        )
        create_profile(gateway, spec, now=begin, backdated=True)
    evaluate_due(gateway, now=NOW)


def _around_gaps(past: list[PastReading]) -> list[list[PastReading]]:
    """The readings cut where a boundary is missing."""
    parts: list[list[PastReading]] = [[]]
    for one in past:
        if parts[-1] and one.target_time - parts[-1][-1].target_time > QUARTER:
            parts.append([])
        parts[-1].append(one)
    return parts

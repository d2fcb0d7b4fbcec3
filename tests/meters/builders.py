"""Small builders: a gateway whose clock is set by hand, meters, readings."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hardware.clock import GatewayClock
from hardware.device_id import server_id_of
from hardware.gateway import Gateway
from hardware.obis import Obis
from hardware.readings import MeterReading, RegisterValue
from hardware.simulator.meter import SimulatedMeter
from hardware.simulator.meter_security import MeterSecurity
from hardware.simulator.secured_station import SecuredStation
from meters.models import Consumer, Meter
from meters.services import create_consumer, create_meter

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
HEALTHY = 0x001C0104
METER = "1emh0010599732"
MASTER_KEY = bytes(range(16))
"""The key of every wired meter here."""


@dataclass(frozen=True, slots=True)
class SetClock(GatewayClock):
    """A gateway clock that shows what a test sets."""

    shown: list[datetime] = field(default_factory=lambda: [NOON])

    def now(self) -> datetime:
        return self.shown[0]

    def set(self, instant: datetime) -> None:
        self.shown[0] = instant

    def advance(self, **duration: float) -> None:
        self.shown[0] += timedelta(**duration)


def secured(meter: SimulatedMeter) -> SecuredStation:
    """The meter on the bus, with the key that the gateway was told."""
    return SecuredStation(meter, MeterSecurity(MASTER_KEY))


def with_clock(gateway: Gateway, now: datetime = NOON, **changes: object) -> Gateway:
    """The gateway with a clock that a test sets."""
    return replace(gateway, clock=SetClock(shown=[now]), **changes)


def value(
    code: str = "1.8.0", amount: int = 12345, scaler: int = -1, unit: int = 30
) -> RegisterValue:
    return RegisterValue(Obis.parse(code), amount, scaler, unit)


def a_reading(
    captured_at: datetime = NOON,
    *,
    meter: str = METER,
    status: int = HEALTHY,
    registers: tuple[RegisterValue, ...] | None = None,
) -> MeterReading:
    """A reading of 1.8.0, 2.8.0 and the power."""
    return MeterReading(
        server_id=server_id_of(meter),
        captured_at=captured_at,
        status=status,
        registers=registers
        or (value("1.8.0"), value("2.8.0", 678), value("16.7.0", -250, 0, 27)),
    )


def a_consumer(gateway: Gateway, consumer_id: str = "meier") -> Consumer:
    found = Consumer.objects.filter(pk=consumer_id).first()
    return found or create_consumer(gateway, consumer_id)


def a_meter(
    gateway: Gateway,
    meter_id: str = METER,
    *,
    consumer: str = "meier",
    source: str = "hdlc",
    port: str = "/dev/ttyS0",
    now: datetime = NOON - timedelta(days=1),
    **more: object,
) -> Meter:
    """A configured meter, with its consumer; a wired one has a key."""
    a_consumer(gateway, consumer)
    if source == "hdlc" and "security" not in more:
        more.setdefault("master_key", MASTER_KEY.hex())
    return create_meter(
        gateway,
        meter_id,
        consumer=consumer,
        source=source,
        port=port,
        now=now,
        **more,
    )

"""What the demo installation consists of (decisions.md, section 3)."""

from dataclasses import dataclass
from pathlib import Path

from hardware.device_id import server_id_of
from hardware.lmn_certificates import BRAINPOOL_P256, P256, LmnCurve
from hardware.simulator.curves import Profile
from hardware.simulator.meter import SimulatedMeter

HUID = "eemh0009264154"
DEMO_FOLDER = "demo"
BUS = "lmn1"
"""The pseudo-terminal of the RS485 bus, a link in the demo's folder."""


@dataclass(frozen=True, slots=True)
class DemoMeter:
    """A simulated wired meter: its id, its load curve, its name for the consumer.

    `tls` is the elliptic curve that it has.
    """

    id: str
    curve: Profile
    name: str
    has_export: bool = False
    tls: LmnCurve = BRAINPOOL_P256

    def simulated(self) -> SimulatedMeter:
        """The meter itself; it says the same in every process."""
        return SimulatedMeter(server_id_of(self.id), self.curve)


@dataclass(frozen=True, slots=True)
class DemoConsumer:
    """A consumer, his meters and the 33 characters of his metering point.

    `has_weekend_tariff`: he has a TAF2 with a stage for weekends.
    """

    id: str
    name: str
    metering_point: str
    meters: tuple[DemoMeter, ...]
    has_weekend_tariff: bool = False


CONSUMERS = (
    DemoConsumer(
        "hks2",
        "Haushalt im Erdgeschoss",
        "DE0001234567890000000000000000001",
        (
            DemoMeter("1emh0000000001", "household_pv", "Haushalt mit PV", True),
            DemoMeter("1emh0000000002", "heat_pump", "Wärmepumpe", tls=P256),
        ),
        has_weekend_tariff=True,
    ),
    DemoConsumer(
        "nachbar",
        "Haushalt im Obergeschoss",
        "DE0001234567890000000000000000002",
        (DemoMeter("1emh0000000003", "household", "Haushalt"),),
    ),
)


def all_meters() -> list[DemoMeter]:
    """Every meter on the demo's bus."""
    return [meter for consumer in CONSUMERS for meter in consumer.meters]


def bus_port(state: Path) -> Path:
    """Where the gateway finds the RS485 bus."""
    return state / DEMO_FOLDER / BUS

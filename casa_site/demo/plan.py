"""What the demo installation consists of (decisions.md, section 3)."""

from dataclasses import dataclass
from pathlib import Path

from hardware.device_id import server_id_of
from hardware.lmn_certificates import BRAINPOOL_P256, P256, LmnCurve
from hardware.simulator.curves import Profile
from hardware.simulator.meter import SimulatedMeter
from hardware.simulator.wireless_meter import SimulatedWirelessMeter
from hardware.wmbus_address import address_of_meter_id

HUID = "eemh0009264154"
EMT, EMT2 = "emt-0001", "emt-0002"
EMTS = (EMT, EMT2)
"""The first gets its deliveries by the GWA, the second directly."""
GWA = "gwa-0001"
DEMO_FOLDER = "demo"
BUS, RADIO = "lmn1", "radio1"
"""The pseudo-terminals of RS485 bus and radio stick, links in the demo's folder."""
SENDS_EVERY_S = 30


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
class DemoWirelessMeter:
    """A simulated wireless meter: its id, its counter, its name, its security mode.

    What is not in mode 7 is taken for billing here, as in a laboratory.
    """

    id: str
    obis: str
    name: str
    metering_point: str
    mode: int = 7

    def simulated(self, key: bytes) -> SimulatedWirelessMeter:
        """The meter itself; it says the same in every process."""
        address = address_of_meter_id(self.id)
        return SimulatedWirelessMeter(
            address, key, mode=self.mode, every_s=SENDS_EVERY_S
        )


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
    wireless: tuple[DemoWirelessMeter, ...] = ()


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
        wireless=(
            DemoWirelessMeter(
                "2d4d040000000103",
                "7-0:3.0.0*255",
                "Gastherme",
                "DE0001234567890000000000000000003",
            ),
            DemoWirelessMeter(
                "2d4d050000000107",
                "8-0:1.0.0*255",
                "Wasser",
                "DE0001234567890000000000000000004",
                mode=5,
            ),
        ),
    ),
)


def all_meters() -> list[DemoMeter]:
    """Every meter on the demo's bus."""
    return [meter for consumer in CONSUMERS for meter in consumer.meters]


def wireless_meters() -> list[DemoWirelessMeter]:
    """Every meter that the demo's radio stick hears."""
    return [meter for consumer in CONSUMERS for meter in consumer.wireless]


def radio_port(state: Path) -> Path:
    """Where the gateway finds the radio stick."""
    return state / DEMO_FOLDER / RADIO


def bus_port(state: Path) -> Path:
    """Where the gateway finds the RS485 bus."""
    return state / DEMO_FOLDER / BUS


def peer_folder(state: Path, name: str) -> Path:
    """Where GWA or a market participant keeps its keys and what it gets."""
    return state / DEMO_FOLDER / name

"""A gateway with wireless meters behind an emulated stick; time goes as a test says."""

from datetime import datetime, timedelta

from hardware.gateway import Gateway
from hardware.simulator.radio import Air, MemoryRadio
from hardware.simulator.radio_stick import EMULATORS, ModuleFaults
from hardware.simulator.scenario import Scenario
from hardware.simulator.wireless_meter import SimulatedWirelessMeter
from hardware.wmbus_address import MeterAddress
from logbooks.models import SystemLogEntry
from meters import selectors
from meters.boundaries import boundary_after
from meters.interface import InterfaceSpec, interface_specs
from meters.models import Meter, OriginalRecord
from meters.record_queue import RecordQueue
from meters.wireless_interface import WirelessInterface
from tests.meters.builders import NOON, SetClock, a_meter, with_clock

PORT = "/dev/radio"
KEY = bytes(range(0x40, 0x50))
TYPES = {"electricity": 0x02, "gas": 0x03, "heat": 0x04, "water": 0x07}
LONGEST_STEP = timedelta(seconds=10)
INSTALLED = NOON.replace(hour=0) - timedelta(days=2)


def a_sender(
    medium: str = "gas", number: int = 1, *, mode: int = 7, every_s: int = 20
) -> SimulatedWirelessMeter:
    """A meter as it hangs on the wall."""
    address = MeterAddress.of("SIM", f"{number:08d}", 1, TYPES[medium])
    return SimulatedWirelessMeter(
        address, KEY, mode=mode, every_s=every_s, installed_at=INSTALLED
    )


def configured(
    gateway: Gateway, sender: SimulatedWirelessMeter, **more: object
) -> Meter:
    """The meter as the gateway knows it; `more` as for `create_meter`."""
    given = {
        "stick": "im871a",
        "security": f"mode{sender.mode}",
        "master_key": sender.key.hex(),
        **more,
    }
    meter_id = str(given.pop("meter_id", sender.address.meter_id))
    begin = NOON - timedelta(minutes=2)
    return a_meter(gateway, meter_id, source="wmbus", port=PORT, now=begin, **given)


class RadioPlant:
    """One stick and what it hears."""

    def __init__(
        self,
        gateway: Gateway,
        senders: list[SimulatedWirelessMeter],
        *,
        begin: datetime = NOON - timedelta(minutes=2),
        scenario: Scenario | None = None,
        stick: str = "im871a",
    ) -> None:
        self.gateway = with_clock(gateway, begin)
        self.faults = ModuleFaults()
        self.stick = stick
        self.air = Air(senders, begin, scenario)
        self.hints = 0
        self._begin = begin
        self._looked_s = 0.0

    @property
    def clock(self) -> SetClock:
        assert isinstance(self.gateway.clock, SetClock)
        return self.gateway.clock

    def start(self) -> None:
        """Begin, or begin again as after a restart."""
        emulator = EMULATORS[self.stick](self.faults)
        self.radio = MemoryRadio(emulator, self.air, self.clock.now)
        queue = RecordQueue(self.gateway, self._hint, self.seconds)
        self.interface = WirelessInterface(
            self.gateway,
            self.spec(),
            queue,
            open_link=self.radio.open,
            monotonic=self.seconds,
        )

    def send_again(
        self, senders: list[SimulatedWirelessMeter], since: datetime
    ) -> None:
        """All that was sent since then is on the air once more."""
        self.air = self.radio.air = Air(senders, since)

    def spec(self) -> InterfaceSpec:
        (spec,) = interface_specs(selectors.active_meters())
        return spec

    def run(self, until: datetime) -> None:
        """Let the interface work until then: whenever somebody sends, and between."""
        while self.clock.now() < until:
            next_at = self.air.next_at or until
            now = self.clock.now()
            pause = min(now + LONGEST_STEP, boundary_after(now))
            # What was sent while nobody listened waits in the air.
            is_sent = now < next_at <= pause
            self.clock.set(min(until, next_at if is_sent else pause))
            self.interface.step()
            if is_sent:
                self.interface.spec = self.spec()

    def seconds(self) -> float:
        """Monotonic: the gateway's time, and a little for each look."""
        self._looked_s += 0.001
        return (self.clock.now() - self._begin).total_seconds() + self._looked_s

    def rows(self, sender: SimulatedWirelessMeter) -> list[OriginalRecord]:
        records = OriginalRecord.objects.filter(
            meter__server_id=sender.address.server_id.hex()
        )
        return list(records.order_by("target_time"))

    def system_log(self) -> list[tuple[str, int]]:
        """Times and codes of what went wrong."""
        entries = SystemLogEntry.objects.order_by("number")
        return [(f"{entry.recorded_at:%H:%M:%S}", entry.event_id) for entry in entries]

    def _hint(self) -> None:
        self.hints += 1

"""Builders for the secured wired side: a bus in memory, time by waiting, a trace."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from hardware.data_link import DataLink
from hardware.device_id import device_id_of, server_id_of
from hardware.hdlc import FrameReader, HdlcFrame
from hardware.lmn_addresses import Assign
from hardware.lmn_certificates import P256, LmnCurve, LmnIdentity, new_identity
from hardware.lmn_line import LmnLine, LmnTimers
from hardware.lmn_wired import WiredBus
from hardware.simulator.bus import MemoryLink, WiredBusSimulator
from hardware.simulator.bus_station import BusStation
from hardware.simulator.memory_credentials import MemoryCredentials
from hardware.simulator.meter import SimulatedMeter
from hardware.simulator.meter_security import MeterSecurity
from hardware.simulator.secondary_link import Manners
from hardware.simulator.secured_station import SecuredStation
from tests.fakes import Ticker

HUID = "eemh0009264154"
GATEWAY = server_id_of(HUID)
NOW = datetime(2026, 3, 1, 11, 0, 1, tzinfo=UTC)
MASTER_KEY = bytes(range(16))


def simulated(number: int) -> SimulatedMeter:
    return SimulatedMeter(
        server_id_of(f"1emh{number:010d}"),
        installed_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def a_station(
    number: int = 1, *, manners: Manners | None = None, groups: Iterable[int] = (23,)
) -> SecuredStation:
    """A meter that is not paired yet."""
    return SecuredStation(
        simulated(number),
        MeterSecurity(MASTER_KEY),
        groups=tuple(groups),
        manners=manners,
    )


def paired(
    station: SecuredStation, curve: LmnCurve = P256, *, now: datetime = NOW
) -> LmnIdentity:
    """Give the meter certificates as if it had been paired; the gateway's identity."""
    own = new_identity(device_id_of(station.server_id) or "", curve, now=now)
    gateway = new_identity(HUID, curve, now=now)
    station.security.take(own, gateway.certificate)
    return gateway


class WaitingLink(MemoryLink):
    """A bus in memory on which waiting takes time, but no real time; keeps a trace.

    `spoil` may change what is heard: bytes in, bytes out.
    """

    def __init__(self, bus: WiredBusSimulator, ticker: Ticker) -> None:
        super().__init__(bus)
        self._ticker = ticker
        self.sent = b""
        self.heard = b""
        self.spoil: Callable[[bytes], bytes] = bytes

    def write(self, data: bytes) -> None:
        self.sent += data
        super().write(data)

    def read(self, timeout_s: float) -> bytes:
        data = self.spoil(super().read(timeout_s))
        self.heard += data
        if not data:
            self._ticker.now += timeout_s
        return data

    def frames(self) -> list[HdlcFrame]:
        """The frames of both directions, those of the gateway first."""
        return frames_in(self.sent) + frames_in(self.heard)


def frames_in(data: bytes) -> list[HdlcFrame]:
    return [found for found in FrameReader().feed(data) if isinstance(found, HdlcFrame)]


class Bench:
    """One line with stations on it whose addresses are given: 3, 4, ..."""

    def __init__(self, *stations: BusStation) -> None:
        self.ticker = Ticker()
        self.link = WaitingLink(WiredBusSimulator(stations, self.clock), self.ticker)
        self.line = LmnLine(self.link, self.ticker, LmnTimers())
        addresses = {s.server_id: at for at, s in enumerate(stations, start=3)}
        for station in stations:
            station._address_service(Assign(addresses).encode())

    def clock(self) -> datetime:
        return NOW + timedelta(seconds=self.ticker.now - 1000)

    def data_link(self, sap: int, station: int = 3) -> DataLink:
        """A connected data link."""
        link = DataLink(self.line, station, sap, report=_nobody)
        link.connect()
        return link


class SecuredWorld:
    """A gateway's bus with meters that have security; time passes by waiting."""

    def __init__(
        self, *stations: BusStation, wanted: Iterable[bytes] | None = None
    ) -> None:
        self.ticker = Ticker()
        self.bus = WiredBusSimulator(stations, self.clock)
        self.link = WaitingLink(self.bus, self.ticker)
        self.store = MemoryCredentials(HUID)
        for station in stations:
            self.store.keys[station.server_id] = MASTER_KEY
        self.meters = list(wanted or [station.server_id for station in stations])
        self.wired = self.new_bus()

    def new_bus(self) -> WiredBus:
        """The gateway as after a restart."""
        return WiredBus(
            self.link,
            gateway_server_id=GATEWAY,
            meters=self.meters,
            clock=self.clock,
            monotonic=self.ticker,
            store=self.store,
            random=lambda length: bytes(length),
        )

    def clock(self) -> datetime:
        return NOW + timedelta(seconds=self.ticker.now - 1000)

    def codes(self) -> list[int]:
        return [fault.code for fault in self.wired.take_faults()]

    def maintain(self, seconds: float = 0.0) -> None:
        """Let time pass, and maintain once."""
        self.ticker.now += seconds
        self.wired.maintain()


def _nobody(_error: Exception) -> None:
    """Nobody listens."""

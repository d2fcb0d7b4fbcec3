"""The whole conversation with simulated meters on a bus in memory (R28)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from hardware.device_id import server_id_of
from hardware.errors import (
    AnswerTimeout,
    FrameUndecodable,
    FrameUnexpected,
    LmnError,
    MeterLost,
    MeterNotReady,
    MeterSilent,
    PortVanished,
)
from hardware.hdlc import (
    DISC,
    FRMR,
    SNRM,
    UA,
    UI,
    encode_frame,
    i_control,
    rnr_control,
    rr_control,
)
from hardware.lmn_addresses import Assign, Discover, Hello
from hardware.lmn_wired import COUNTER_REGISTERS, LIVE_REGISTERS, WiredBus
from hardware.obis import Obis
from hardware.register_request import request_of
from hardware.simulator.bus import MemoryLink, WiredBusSimulator
from hardware.simulator.curves import Profile
from hardware.simulator.meter import SimulatedMeter
from hardware.simulator.secondary_link import Manners
from hardware.simulator.sml_answers import SmlApplication
from hardware.simulator.station import SimulatedStation
from tests.fakes import Script, ScriptedLink, Ticker
from tests.hardware.frames import heard, sent

GATEWAY = server_id_of("eemh0009264154")
NOW = datetime(2026, 3, 1, 11, 0, 1, tzinfo=UTC)


def simulated(number: int, profile: Profile = "household_pv") -> SimulatedMeter:
    return SimulatedMeter(
        server_id_of(f"1emh{number:010d}"),
        profile,
        installed_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


class WaitingLink(MemoryLink):
    """A bus in memory on which waiting takes time, but no real time."""

    def __init__(self, bus: WiredBusSimulator, ticker: Ticker) -> None:
        super().__init__(bus)
        self._ticker = ticker

    def read(self, timeout_s: float) -> bytes:
        data = super().read(timeout_s)
        if not data:
            self._ticker.now += timeout_s
        return data


class World:
    """A gateway's bus with simulated meters on it; time passes by waiting."""

    def __init__(
        self, *stations: SimulatedStation, wanted: list[bytes] | None = None
    ) -> None:
        self.ticker = Ticker()
        self.stations = stations
        self.bus = WiredBusSimulator(stations, self.clock)
        self.wired = WiredBus(
            WaitingLink(self.bus, self.ticker),
            gateway_server_id=GATEWAY,
            meters=wanted or [station.server_id for station in stations],
            clock=self.clock,
            monotonic=self.ticker,
            random=lambda length: bytes(length),
        )

    def clock(self) -> datetime:
        return NOW + timedelta(seconds=self.ticker.now - 1000)

    def codes(self) -> list[int]:
        return [fault.code for fault in self.wired.take_faults()]


def test_meters_are_found_linked_and_read() -> None:
    meters = [simulated(1), simulated(2, "heat_pump"), simulated(3, "household")]
    world = World(*map(SimulatedStation, meters))
    world.wired.maintain()
    assert world.wired.linked == {meter.server_id for meter in meters}
    assert sorted(world.wired.addresses.values()) == [3, 4, 5]
    for meter in meters:
        reading = world.wired.read(meter.server_id, COUNTER_REGISTERS)
        assert reading.server_id == meter.server_id
        assert reading.registers == meter.counters_at(world.clock())
        assert reading.status == meter.status_at(world.clock())
        assert reading.captured_at == world.clock()
    assert world.codes() == []


def test_live_registers_are_a_choice_of_what_the_meter_has() -> None:
    meter = simulated(1)
    world = World(SimulatedStation(meter))
    world.wired.maintain()
    reading = world.wired.read(meter.server_id, LIVE_REGISTERS)
    has = {r.obis: r for r in meter.registers_at(world.clock())}
    assert reading.registers == tuple(has[obis] for obis in sorted(LIVE_REGISTERS))


def test_a_register_that_the_meter_does_not_have_is_left_out() -> None:
    world = World(SimulatedStation(simulated(1)))
    world.wired.maintain()
    asked = [Obis.parse("1.8.0"), Obis.parse("99.7.0"), Obis.parse("5.8.0")]
    reading = world.wired.read(world.stations[0].server_id, asked)
    assert [str(r.obis) for r in reading.registers] == ["1-0:1.8.0*255"]


def test_the_capture_time_is_corrected_by_the_age_of_the_value() -> None:
    meter = simulated(1)
    world = World(SimulatedStation(meter, value_age_s=3))
    world.wired.maintain()
    reading = world.wired.read(meter.server_id, COUNTER_REGISTERS)
    assert reading.captured_at == world.clock() - timedelta(seconds=3)
    assert reading.registers == meter.counters_at(reading.captured_at)


def test_an_answer_longer_than_a_frame_comes_in_several() -> None:
    meter = simulated(1)
    world = World(SimulatedStation(meter))
    world.wired.maintain()
    everything = [r.obis for r in meter.registers_at(world.clock())] * 4
    before = world.bus.frames_heard
    reading = world.wired.read(meter.server_id, everything)
    assert world.bus.frames_heard - before > 3
    assert set(reading.registers) == set(meter.registers_at(world.clock()))


@pytest.mark.parametrize("says", ["RR", "RNR"])
def test_a_slow_meter_is_polled_until_it_answers(says: str) -> None:
    meter = simulated(1)
    manners = Manners(1.0, "RR" if says == "RR" else "RNR")
    world = World(SimulatedStation(meter, manners=manners))
    world.wired.maintain()
    begin = world.ticker.now
    reading = world.wired.read(meter.server_id, COUNTER_REGISTERS)
    assert 1.0 <= world.ticker.now - begin < 1.1
    assert len(reading.registers) == 2
    assert world.codes() == []


@pytest.mark.req("R28")
@pytest.mark.parametrize(
    ("says", "kind", "code"),
    [("RR", AnswerTimeout, 103191), ("RNR", MeterNotReady, 103190)],
)
def test_an_answer_that_does_not_come_in_time(
    says: str, kind: type[LmnError], code: int
) -> None:
    """Proves of R28: 103191 after RR, 103190 after RNR, each with 100706."""
    manners = Manners(60.0, "RR" if says == "RR" else "RNR")
    world = World(SimulatedStation(simulated(1), manners=manners))
    world.wired.maintain()
    begin = world.ticker.now
    with pytest.raises(kind):
        world.wired.read(world.stations[0].server_id, COUNTER_REGISTERS)
    assert 5.0 <= world.ticker.now - begin < 5.1
    assert world.codes() == [code, 100706]


@pytest.mark.req("R28")
def test_a_meter_that_falls_silent_is_lost_and_found_again() -> None:
    """Proves of R28: 103118 and 100706 once, then the connection is built anew."""
    station = SimulatedStation(simulated(1))
    world = World(station)
    world.wired.maintain()
    station.is_silent = True
    with pytest.raises(MeterSilent):
        world.wired.read(station.server_id, COUNTER_REGISTERS)
    assert world.codes() == [103118, 100706]
    with pytest.raises(MeterLost):
        world.wired.read(station.server_id, COUNTER_REGISTERS)
    assert dict(world.wired.addresses) == {}
    begin = world.ticker.now
    with pytest.raises(MeterLost):
        world.wired.read(station.server_id, COUNTER_REGISTERS)
    assert world.ticker.now == begin  # no word on the bus without an address
    world.wired.maintain()
    assert world.codes() == []
    station.is_silent = False
    world.ticker.now += 10
    world.wired.maintain()
    assert world.wired.read(station.server_id, COUNTER_REGISTERS).registers


def test_a_meter_that_lost_power_for_a_moment_is_found_at_once() -> None:
    station = SimulatedStation(simulated(1))
    world = World(station)
    world.wired.maintain()
    station.restart()
    with pytest.raises(MeterSilent):
        world.wired.read(station.server_id, COUNTER_REGISTERS)
    begin = world.ticker.now
    world.wired.maintain()
    assert world.wired.linked == {station.server_id}
    assert world.ticker.now - begin < 0.3
    assert world.wired.read(station.server_id, COUNTER_REGISTERS).registers


def test_one_silent_meter_does_not_keep_the_others() -> None:
    stations = [SimulatedStation(simulated(n)) for n in range(1, 4)]
    world = World(*stations)
    world.wired.maintain()
    stations[1].is_silent = True
    read = 0
    for station in stations:
        try:
            world.wired.read(station.server_id, COUNTER_REGISTERS)
            read += 1
        except MeterSilent:
            assert station is stations[1]
    assert read == 2
    assert [fault.server_id for fault in world.wired.take_faults()] == [
        stations[1].server_id
    ] * 2


def test_unknown_meters_are_listed_and_not_read() -> None:
    mine, other = SimulatedStation(simulated(1)), SimulatedStation(simulated(2))
    world = World(mine, other, wanted=[mine.server_id])
    world.wired.maintain()
    assert world.wired.unknown == [other.server_id]
    assert world.wired.linked == {mine.server_id}
    with pytest.raises(MeterLost):
        world.wired.read(other.server_id, COUNTER_REGISTERS)


def test_a_newly_configured_meter_is_found_and_a_removed_one_released() -> None:
    first, second = SimulatedStation(simulated(1)), SimulatedStation(simulated(2))
    world = World(first, second, wanted=[first.server_id])
    world.wired.maintain()
    world.wired.configure([second.server_id])
    world.wired.maintain()
    assert world.wired.linked == {second.server_id}
    assert world.wired.unknown == [first.server_id]
    assert first.address == 0
    assert second.address == world.wired.addresses[second.server_id]


def test_a_gateway_that_starts_again_takes_over_meters_with_addresses() -> None:
    world = World(SimulatedStation(simulated(1)), SimulatedStation(simulated(2)))
    world.wired.maintain()
    again = WiredBus(
        WaitingLink(world.bus, world.ticker),
        gateway_server_id=GATEWAY,
        meters=[station.server_id for station in world.stations],
        clock=world.clock,
        monotonic=world.ticker,
    )
    again.maintain()
    assert len(again.linked) == 2
    for station in world.stations:
        assert again.read(station.server_id, COUNTER_REGISTERS).registers


def test_discovery_and_assignment_come_at_their_intervals() -> None:
    present, missing = simulated(1).server_id, simulated(9).server_id
    world = World(SimulatedStation(simulated(1)), wanted=[present, missing])
    world.wired.maintain()

    def frames_after(seconds: float) -> int:
        world.ticker.now += seconds
        before = world.bus.frames_heard
        world.wired.maintain()
        return world.bus.frames_heard - before

    assert frames_after(5) == 0
    assert frames_after(6) == 2  # ASSIGN, DISCOVER each 10 s while one is missing
    world.wired.configure([present])
    assert frames_after(0) == 1  # ASSIGN: one meter less
    assert frames_after(20) == 1  # the search that was due already
    assert frames_after(50) == 0
    assert frames_after(11) == 1  # else every 60 s
    world.ticker.now += 170
    assert frames_after(0) == 1
    assert frames_after(60) == 2  # and ASSIGN every 300 s


def test_no_step_begins_after_the_given_time() -> None:
    world = World(SimulatedStation(simulated(1)))
    world.wired.maintain(until=world.ticker.now)
    assert world.bus.frames_heard == 0
    world.wired.maintain(until=world.ticker.now + 0.01)
    assert world.wired.linked == frozenset()
    world.wired.maintain(until=world.ticker.now + 60)
    assert world.wired.linked == {world.stations[0].server_id}


def test_taking_leave_ends_the_links() -> None:
    world = World(SimulatedStation(simulated(1)))
    world.wired.maintain()
    world.wired.close()
    assert world.wired.linked == frozenset()


STATION_ID = simulated(1).server_id
REQUEST = request_of(GATEWAY, STATION_ID, COUNTER_REGISTERS, 1)
ASSIGN_NOBODY, DISCOVER, ASSIGN = (
    encode_frame(destination=(1, 127), source=(1, 1), control=UI, info=message.encode())
    for message in (Assign({}), Discover(bytes(4)), Assign({STATION_ID: 3}))
)
HELLO = encode_frame(
    destination=(1, 1),
    source=(1, 0),
    control=UI,
    info=Hello(bytes(4), STATION_ID).encode(),
)
FOUND: list[tuple[bytes, Script | list[Script]]] = [
    (ASSIGN_NOBODY, []),
    (ASSIGN_NOBODY, []),
    (DISCOVER, [0.02, HELLO]),
    (ASSIGN, []),
    (sent(SNRM), heard(UA)),
]
ASKED = sent(i_control(0, 0), REQUEST.file)


class Scripted:
    """A gateway's bus against a script, up to and with the first link."""

    def __init__(self, *exchanges: tuple[bytes, Script | list[Script]]) -> None:
        self.ticker = Ticker()
        self.link = ScriptedLink([*FOUND, *exchanges], self.ticker)
        self.wired = WiredBus(
            self.link,
            gateway_server_id=GATEWAY,
            meters=[STATION_ID],
            clock=lambda: NOW,
            monotonic=self.ticker,
            random=lambda length: bytes(length),
        )
        self.wired.maintain()

    def read(self) -> object:
        return self.wired.read(STATION_ID, COUNTER_REGISTERS)

    def codes(self) -> list[int]:
        return [fault.code for fault in self.wired.take_faults()]


def answer_file(
    meter: SimulatedMeter | None = None, request: bytes = REQUEST.file
) -> bytes:
    return SmlApplication(meter or simulated(1))(request, NOW)


def test_the_whole_conversation_frame_by_frame() -> None:
    script = Scripted(
        (ASKED, heard(rr_control(1))),
        (sent(rr_control(0)), heard(rnr_control(1))),
        (sent(rr_control(0)), heard(i_control(0, 1), answer_file()[:200])),
        (sent(rr_control(1)), heard(i_control(1, 1), answer_file()[200:])),
        (sent(DISC), heard(UA)),
    )
    assert script.read()
    script.wired.close()
    assert script.link.is_finished
    assert script.codes() == []


@pytest.mark.req("R28")
def test_frmr_is_logged_and_the_link_made_anew_for_the_same_reading() -> None:
    """Proves of R28: 103117 and 100706; DISC, SNRM and the request again follow."""
    script = Scripted(
        (ASKED, heard(FRMR, b"\x10\x00\x01")),
        (sent(DISC), heard(UA)),
        (sent(SNRM), heard(UA)),
        (ASKED, heard(i_control(0, 1), answer_file())),
    )
    assert script.read()
    assert script.link.is_finished
    assert script.codes() == [103117, 100706]


@pytest.mark.req("R28")
def test_only_damaged_frames_lose_the_meter() -> None:
    """Proves of R28: 103106 after the repetitions, then 100706."""
    broken = heard(i_control(0, 1), answer_file())[:-3] + b"\x00\x00\x7e"
    script = Scripted(*[(ASKED, broken)] * 4)
    with pytest.raises(FrameUndecodable):
        script.read()
    assert script.codes() == [103106, 100706]


@pytest.mark.req("R28")
def test_a_damaged_file_in_good_frames_is_103106() -> None:
    """Proves of R28: an SML file whose checksum is wrong counts as undecodable."""
    broken = bytearray(answer_file())
    broken[60] ^= 1
    script = Scripted((ASKED, heard(i_control(0, 1), bytes(broken))))
    with pytest.raises(FrameUndecodable):
        script.read()
    assert script.codes() == [103106, 100706]


def of_another_meter() -> bytes:
    request = request_of(GATEWAY, simulated(2).server_id, COUNTER_REGISTERS, 1)
    return answer_file(simulated(2), request.file)


def to_another_request() -> bytes:
    request = request_of(GATEWAY, STATION_ID, COUNTER_REGISTERS, 77)
    return answer_file(request=request.file)


@pytest.mark.req("R28")
@pytest.mark.parametrize("make", [of_another_meter, to_another_request])
def test_an_answer_that_is_not_this_meters_to_this_request_is_refused(
    make: Callable[[], bytes],
) -> None:
    """Proves of R28: 103117; no value is ever taken for another meter's."""
    strange = heard(i_control(0, 1), make())
    again = [(sent(DISC), heard(UA)), (sent(SNRM), heard(UA))]
    script = Scripted((ASKED, strange), *again, (ASKED, strange), again[0])
    with pytest.raises(FrameUnexpected):
        script.read()
    assert script.codes() == [103117, 100706, 103117, 100706]


@pytest.mark.req("R28")
def test_a_port_that_vanishes_ends_the_conversation() -> None:
    """Proves of R28: 100703 comes out of every method, for the owner of the port."""

    class VanishedLink:
        def write(self, data: bytes) -> None:
            raise PortVanished("unplugged")

        def read(self, timeout_s: float) -> bytes:
            raise PortVanished("unplugged")

    world = World(SimulatedStation(simulated(1)))
    world.wired.maintain()
    world.wired._line._link = VanishedLink()
    world.ticker.now += 1000
    with pytest.raises(PortVanished):
        world.wired.maintain()
    with pytest.raises(PortVanished):
        world.wired.read(STATION_ID, COUNTER_REGISTERS)
    with pytest.raises(PortVanished):
        world.wired.close()


def test_of_two_who_answer_at_once_both_are_found() -> None:
    """Now and then one of them is heard well and the other not at all (one of 130)."""
    stations = [SimulatedStation(simulated(n)) for n in range(1, 4)]
    for _ in range(1000):
        world = World(*stations)
        world.wired = WiredBus(
            WaitingLink(world.bus, world.ticker),
            gateway_server_id=GATEWAY,
            meters=[station.server_id for station in stations],
            clock=world.clock,
            monotonic=world.ticker,
        )
        world.wired.maintain()
        assert len(world.wired.linked) == 3


def test_a_hundred_meters_are_addressed_and_read() -> None:
    stations = [SimulatedStation(simulated(n)) for n in range(1, 101)]
    world = World(*stations)
    world.wired = WiredBus(
        WaitingLink(world.bus, world.ticker),
        gateway_server_id=GATEWAY,
        meters=[station.server_id for station in stations],
        clock=world.clock,
        monotonic=world.ticker,
    )
    begin = world.ticker.now
    world.wired.maintain()
    assert world.ticker.now - begin < 15
    assert len(world.wired.linked) == 100
    assert len(set(world.wired.addresses.values())) == 100
    assert world.wired.read(stations[99].server_id, COUNTER_REGISTERS).registers

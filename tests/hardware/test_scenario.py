"""Scenario files: what is read, what is refused, and what the faults do."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hardware.bus_supply import file_input
from hardware.device_id import server_id_of
from hardware.errors import PortNotOpen, PortVanished
from hardware.link import SerialLink, supply_is_overloaded
from hardware.lmn_wired import COUNTER_REGISTERS, WiredBus
from hardware.simulator.bus import MemoryLink
from hardware.simulator.d0 import push_text
from hardware.simulator.faulty import (
    FaultyBus,
    FaultyLink,
    FaultyMeter,
    FaultyStation,
    disturbed,
    pushed,
    refuse_unplugged,
    wrong_last_byte,
    wrong_parity,
)
from hardware.simulator.process import serve
from hardware.simulator.scenario import (
    Fault,
    FaultKind,
    Scenario,
    ScenarioInvalid,
)
from hardware.simulator.sml_answers import push_telegram
from hardware.simulator.station import SimulatedStation
from hardware.simulator.terminal import PseudoTerminal
from hardware.sml_transport import SmlFault, SmlFileReader
from tests.fakes import Ticker

BEGIN = datetime(2026, 3, 3, 12, tzinfo=UTC)
INSTALLED = datetime(2026, 3, 1, tzinfo=UTC)
METER, OTHER = "1emh0000000001", "1emh0000000002"
MINUTE = timedelta(minutes=1)


def load(tmp_path: Path, text: str) -> Scenario:
    path = tmp_path / "scenario.toml"
    path.write_text(text)
    return Scenario.load(path, BEGIN)


def fault(kind: FaultKind, *, minutes: float = 10, **more: object) -> Scenario:
    given = {"meter": server_id_of(METER), **more}
    return Scenario([Fault(kind, BEGIN, BEGIN + timedelta(minutes=minutes), **given)])


def test_times_count_from_the_start_and_the_end_is_open(tmp_path: Path) -> None:
    scenario = load(
        tmp_path,
        f"""
        [[fault]]
        kind = "silence"
        meter = "{METER.upper()}"
        begin = "00:10:00"
        end = "01:20:30"
        [[fault]]
        kind = "echo"
        """,
    )
    silence, echo = scenario.faults
    assert silence == Fault(
        FaultKind.SILENCE,
        BEGIN + timedelta(minutes=10),
        BEGIN + timedelta(hours=1, minutes=20, seconds=30),
        server_id_of(METER),
    )
    assert echo == Fault(FaultKind.ECHO, BEGIN)
    assert not silence.is_active(BEGIN) and silence.is_active(silence.begin)
    assert silence.end is not None and not silence.is_active(silence.end)
    assert echo.is_active(BEGIN + timedelta(days=99))


REFUSED = [
    ("[[fault]]\nkind = 'boredom'", "boredom"),
    ("[[fault]]\nbegin = '00:00:00'", "kind"),
    ("[[fault]]\nkind = 'silence'", "meter is missing"),
    (f"[[fault]]\nkind = 'status'\nmeter = '{METER}'", "bits is missing"),
    (f"[[fault]]\nkind = 'exchange'\nmeter = '{METER}'", "by is missing"),
    ("[[fault]]\nkind = 'silence'\nmeter = 'meier'", "meier"),
    ("[[fault]]\nkind = 'echo'\nbegin = 'noon'", "noon"),
    ("[[fault]]\nkind = 'echo'\nwhen = '00:00:01'", "unknown when"),
    ("[fault]\nkind = 'echo'", "only"),
    ("[[faults]]\nkind = 'echo'", "only"),
    ("kind = ", "scenario.toml"),
]


@pytest.mark.parametrize(("text", "word"), REFUSED)
def test_a_wrong_file_is_refused_with_a_word_of_what(
    tmp_path: Path, text: str, word: str
) -> None:
    with pytest.raises(ScenarioInvalid, match=word):
        load(tmp_path, text)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioInvalid):
        Scenario.load(tmp_path / "nothing.toml", BEGIN)


def test_status_clock_and_counters_follow_the_scenario() -> None:
    server_id = server_id_of(METER)
    end = BEGIN + 10 * MINUTE
    faults = [
        Fault(FaultKind.STATUS, BEGIN, end, server_id, bits=0x20000),
        Fault(FaultKind.CLOCK, BEGIN, end, server_id, seconds=-5000),
        Fault(FaultKind.ROLLOVER, BEGIN, None, server_id),
    ]
    meter = FaultyMeter(server_id, Scenario(faults), installed_at=INSTALLED)
    healthy = FaultyMeter(server_id, Scenario(), installed_at=INSTALLED)
    assert meter.status_at(BEGIN) == healthy.status_at(BEGIN) | 0x20000
    assert meter.status_at(end) == healthy.status_at(end)
    assert meter.second_index_at(BEGIN) == healthy.second_index_at(BEGIN) - 5000
    assert [one.value for one in meter.counters_at(BEGIN)] == [0, 0]
    later = BEGIN + 60 * MINUTE
    for mine, true, before in zip(
        meter.counters_at(later),
        healthy.counters_at(later),
        healthy.counters_at(BEGIN),
        strict=True,
    ):
        assert mine.value == true.value - before.value


class Bus:
    """Two meters, a stranger, and a gateway on one simulated bus."""

    def __init__(self, scenario: Scenario) -> None:
        self.now = BEGIN
        stations = [
            FaultyStation(
                SimulatedStation(
                    FaultyMeter(server_id_of(id_), scenario, installed_at=INSTALLED)
                ),
                scenario,
            )
            for id_ in (METER, OTHER)
        ]
        self.line = FaultyBus(stations, self.clock, scenario)
        self.link = FaultyLink(self.line, self.clock, scenario)
        ticker = Ticker(0.0)

        def passing() -> float:
            ticker.now += 0.01
            return ticker.now

        self.gateway = WiredBus(
            self.link,
            gateway_server_id=server_id_of("eemh0009264154"),
            meters=[server_id_of(METER)],
            clock=self.clock,
            monotonic=passing,
        )

    def clock(self) -> datetime:
        return self.now

    def codes(self) -> list[int]:
        """What the gateway says of a search and a reading."""
        self.gateway.maintain()
        if server_id_of(METER) in self.gateway.linked:
            try:
                self.gateway.read(server_id_of(METER), COUNTER_REGISTERS)
            except Exception as error:
                assert hasattr(error, "code")
        return [one.code for one in self.gateway.take_faults()]


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        (FaultKind.SILENCE, {103118, 100706}),
        (FaultKind.CHECKSUM, {103106, 100706}),
        (FaultKind.NOISE, {103106, 100706}),
        (FaultKind.COLLISION, {103106, 100706}),
    ],
)
@pytest.mark.req("R28")
def test_a_fault_of_a_wired_meter_has_its_codes_and_passes(
    kind: FaultKind, codes: set[int]
) -> None:
    """Proves of R28: 103118, 103106 and 100706 by injected faults."""
    scenario = Scenario(
        [Fault(kind, BEGIN + MINUTE, BEGIN + 2 * MINUTE, server_id_of(METER))]
    )
    bus = Bus(scenario)
    assert bus.codes() == []
    bus.now = BEGIN + MINUTE
    assert set(bus.codes()) == codes
    bus.now = BEGIN + 2 * MINUTE
    for _ in range(5):
        bus.codes()
    assert server_id_of(METER) in bus.gateway.linked


def test_a_line_that_echoes_harms_nothing() -> None:
    bus = Bus(Scenario([Fault(FaultKind.ECHO, BEGIN)]))
    assert bus.codes() == []
    assert server_id_of(METER) in bus.gateway.linked


def test_an_exchanged_meter_is_gone_and_the_new_one_is_heard() -> None:
    scenario = Scenario(
        [
            Fault(
                FaultKind.EXCHANGE,
                BEGIN + MINUTE,
                None,
                server_id_of(METER),
                by=server_id_of(OTHER),
            )
        ]
    )
    assert scenario.is_present(server_id_of(METER), BEGIN)
    assert not scenario.is_present(server_id_of(OTHER), BEGIN)
    bus = Bus(scenario)
    assert bus.codes() == []
    assert bus.gateway.unknown == []
    bus.now = BEGIN + MINUTE
    assert set(bus.codes()) == {103118, 100706}
    for _ in range(3):
        bus.codes()
    assert bus.gateway.unknown == [server_id_of(OTHER)]


def test_an_unplugged_port_raises_and_an_overload_shows() -> None:
    scenario = Scenario(
        [
            Fault(FaultKind.OVERLOAD, BEGIN, BEGIN + MINUTE),
            Fault(FaultKind.UNPLUGGED, BEGIN + MINUTE, BEGIN + 2 * MINUTE),
        ]
    )
    bus = Bus(scenario)
    assert supply_is_overloaded(bus.link)
    refuse_unplugged(scenario, BEGIN)
    bus.now = BEGIN + MINUTE
    assert not supply_is_overloaded(bus.link)
    for use in (lambda: bus.link.read(0.0), lambda: bus.link.write(b"x")):
        with pytest.raises(PortVanished):
            use()
    with pytest.raises(PortNotOpen):
        refuse_unplugged(scenario, bus.now)
    assert not supply_is_overloaded(MemoryLink(bus.line))


def test_pushed_telegrams_are_spoilt_by_kind() -> None:
    server_id = server_id_of(METER)
    meter = FaultyMeter(server_id, Scenario(), installed_at=INSTALLED)
    sml = push_telegram(meter, BEGIN)

    def arrived(kind: FaultKind, **more: object) -> bytes:
        scenario = fault(kind, **more)
        return pushed(sml, scenario, server_id, BEGIN, wrong_last_byte)

    assert arrived(FaultKind.SILENCE) == b""
    assert arrived(FaultKind.EXCHANGE, by=server_id_of(OTHER)) == b""
    assert arrived(FaultKind.STATUS, bits=1) == sml
    (found,) = SmlFileReader().feed(arrived(FaultKind.CHECKSUM))
    assert isinstance(found, SmlFault)
    for kind in (FaultKind.NOISE, FaultKind.COLLISION):
        assert len(arrived(kind)) == len(sml) and arrived(kind) != sml
    text = push_text(meter, BEGIN)
    assert sum(a != b for a, b in zip(wrong_parity(text), text, strict=True)) == 1
    assert disturbed(b"", 1, BEGIN) == b""


def test_the_same_noise_comes_for_the_same_time() -> None:
    data = bytes(range(200))
    assert disturbed(data, 1, BEGIN) == disturbed(data, 1, BEGIN)
    assert disturbed(data, 1, BEGIN) != disturbed(data, 1, BEGIN + MINUTE)


@pytest.mark.req("R6")
def test_a_file_shows_the_overload_of_the_supply(tmp_path: Path) -> None:
    """Proves of R6: the input of the link driver, here a GPIO file of the kernel."""
    gpio = tmp_path / "value"
    with PseudoTerminal() as terminal:
        link = SerialLink.open(terminal.port, supply_input=file_input(gpio))
        assert not supply_is_overloaded(link)  # not wired up
        for content, expected in (("1\n", True), ("0\n", False), ("", False)):
            gpio.write_text(content)
            assert supply_is_overloaded(link) is expected
        link.close()
        plain = SerialLink.open(terminal.port)
        assert not supply_is_overloaded(plain)
        plain.close()


def test_a_process_unplugs_and_shows_overload_as_the_scenario_says(
    tmp_path: Path,
) -> None:
    """The served bus takes its port away, and writes the file beside it."""
    port = tmp_path / "bus"
    now = [BEGIN]
    scenario = Scenario(
        [
            Fault(FaultKind.OVERLOAD, BEGIN, BEGIN + MINUTE),
            Fault(FaultKind.UNPLUGGED, BEGIN + MINUTE, BEGIN + 2 * MINUTE),
        ]
    )
    stop = threading.Event()
    meter = FaultyMeter(server_id_of(METER), scenario, installed_at=INSTALLED)
    thread = threading.Thread(
        target=serve,
        args=([meter], port, lambda: now[0], stop),
        kwargs={"scenario": scenario},
        daemon=True,
    )
    thread.start()
    wait = threading.Event().wait

    def until(condition) -> bool:
        return any(condition() or wait(0.02) for _ in range(300))

    assert until(port.is_symlink)
    assert file_input(tmp_path / "bus.overload")()
    now[0] = BEGIN + MINUTE
    assert until(lambda: not port.is_symlink())
    assert not file_input(tmp_path / "bus.overload")()
    now[0] = BEGIN + 2 * MINUTE
    assert until(port.is_symlink)
    stop.set()
    thread.join(5.0)
    assert not thread.is_alive()

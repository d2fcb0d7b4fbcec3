"""The plain source `sml_push`: what comes out of the bytes of a port."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hardware.device_id import server_id_of
from hardware.errors import AnswerTimeout, FrameUndecodable, LmnError
from hardware.link import SerialLink
from hardware.obis import ACTIVE_ENERGY_IMPORT, Obis
from hardware.readings import MeterReading
from hardware.simulator.meter import SimulatedMeter
from hardware.simulator.push import PushThread, capture, telegrams
from hardware.simulator.sml_answers import push_telegram
from hardware.sml_push import PushReader
from tests.fakes import Ticker

SERVER_ID = server_id_of("1emh0000000001")
NOW = datetime(2026, 3, 1, 11, tzinfo=UTC)
METER = SimulatedMeter(SERVER_ID, installed_at=datetime(2026, 1, 1, tzinfo=UTC))
NOISE = bytes(range(0x40, 0x80)) * 4


class Port:
    """A reader whose clock a test moves."""

    def __init__(self, server_id: bytes = SERVER_ID) -> None:
        self.ticker = Ticker(0.0)
        self.reader = PushReader(server_id, self.clock, self.ticker)

    def clock(self) -> datetime:
        return NOW + timedelta(seconds=self.ticker.now)

    def feed(self, data: bytes, *, after_s: float = 0.0) -> list[MeterReading]:
        self.ticker.now += after_s
        found = list(self.reader.feed(data))
        assert all(isinstance(one, MeterReading) for one in found)
        return [one for one in found if isinstance(one, MeterReading)]

    def faults(self, data: bytes = b"", *, after_s: float = 0.0) -> list[LmnError]:
        self.ticker.now += after_s
        return [e for e in self.reader.feed(data) if isinstance(e, LmnError)]


@pytest.mark.parametrize("size", [1, 3, 50, 5000])
def test_a_telegram_becomes_a_reading_whatever_the_pieces(size: int) -> None:
    telegram = push_telegram(METER, NOW)
    port = Port()
    pieces = [telegram[at : at + size] for at in range(0, len(telegram), size)]
    (reading,) = [reading for piece in pieces for reading in port.feed(piece)]
    assert reading == MeterReading(
        SERVER_ID, NOW, METER.status_at(NOW), METER.registers_at(NOW)
    )


def test_the_time_is_when_the_telegram_began_to_arrive() -> None:
    first, second = push_telegram(METER, NOW), push_telegram(METER, NOW, 1)
    port = Port()
    port.feed(first[:100])
    (reading,) = port.feed(first[100:] + second[:10], after_s=0.6)
    assert reading.captured_at == NOW
    (reading,) = port.feed(second[10:], after_s=0.5)
    assert reading.captured_at == NOW + timedelta(seconds=0.6)


def test_another_meter_is_ignored_and_counted() -> None:
    port = Port(server_id_of("1emh0000000002"))
    assert port.feed(push_telegram(METER, NOW) * 3) == []
    assert port.reader.ignored == 3


@pytest.mark.req("R28")
def test_a_minute_without_a_telegram_is_103191() -> None:
    """Proves of R28: code 103191 for a plain source, once a minute."""
    port = Port()
    port.feed(push_telegram(METER, NOW))
    assert port.faults(after_s=59.9) == []
    (fault,) = port.faults(after_s=0.1)
    assert isinstance(fault, AnswerTimeout)
    assert fault.code == 103191
    assert port.faults(after_s=59) == []
    assert len(port.faults(after_s=1)) == 1
    assert len(port.feed(push_telegram(METER, NOW), after_s=30)) == 1
    assert port.faults(after_s=59) == []


@pytest.mark.req("R28")
def test_garbage_is_103106_at_most_once_a_minute() -> None:
    """Proves of R28: code 103106 for a plain source, limited in rate."""
    telegram = push_telegram(METER, NOW)
    broken = telegram[:80] + bytes([telegram[80] ^ 0xFF]) + telegram[81:]
    port = Port()
    port.feed(telegram)
    (fault,) = port.faults(broken)
    assert isinstance(fault, FrameUndecodable)
    assert fault.code == 103106
    assert port.faults(broken + telegram, after_s=50) == []
    assert len(port.faults(broken, after_s=10)) == 1


def test_a_port_opened_amid_a_telegram_is_no_fault() -> None:
    telegram = push_telegram(METER, NOW)
    assert len(Port().feed(telegram[123:] + telegram)) == 1


def test_noise_does_not_hide_a_telegram_nor_fill_the_memory() -> None:
    port = Port()
    for _ in range(2000):
        list(port.reader.feed(NOISE))
    list(port.reader.feed(push_telegram(METER, NOW)))
    assert len(port.reader._reader._buffer) < 70_000
    assert len(port.feed(push_telegram(METER, NOW))) == 1


@pytest.mark.parametrize(
    ("file", "server_id", "count", "register"),
    [
        ("ISKRA_MT631-D2A51-V22-K0z_with_PIN.bin", "0a0149534b000454a95f", 4, None),
        ("DZG_DVS-7412.2_jmberg.bin", "0a01445a47000282225e", 1, ("16.7.0", 35624)),
        ("EMH_eHZ-IW8E2A5L0EK2P_with_error.bin", "06454d480107197c2456", 11, None),
        ("HOLLEY_DTZ541_kermit_tariff_list.bin", "0a01484c5902000159bb", 1, None),
    ],
)
def test_real_captures_become_readings(
    shared: Path,
    file: str,
    server_id: str,
    count: int,
    register: tuple[str, int] | None,
) -> None:
    data = (shared / "testdata" / "sml" / "captures" / file).read_bytes()
    port = Port(bytes.fromhex(server_id))
    found = [one for at in range(len(data)) for one in port.reader.feed(data[at:][:1])]
    readings = [one for one in found if isinstance(one, MeterReading)]
    assert len(readings) == count
    for reading in readings:
        values = {r.obis: r.value for r in reading.registers}
        assert ACTIVE_ENERGY_IMPORT in values
        if register is not None:
            assert values[Obis.parse(register[0])] == register[1]


@pytest.mark.slow
def test_a_capture_played_byte_by_byte_into_a_terminal_is_read(shared: Path) -> None:
    folder = shared / "testdata" / "sml" / "captures"
    data = (folder / "ISKRA_MT631-D2A51-V22-K0z_with_PIN.bin").read_bytes()
    port = Port(bytes.fromhex("0a0149534b000454a95f"))
    meter = PushThread(capture(data, pause_s=0.0002))
    assert len(heard_from(meter, port, 4)) == 4


@pytest.mark.slow
def test_a_sending_meter_is_read_over_a_terminal() -> None:
    meter = PushThread(telegrams(METER, lambda: NOW, 0.05))
    readings = heard_from(meter, Port(), 3)
    assert [r.registers for r in readings[:3]] == [METER.registers_at(NOW)] * 3


def heard_from(meter: PushThread, port: Port, count: int) -> list[MeterReading]:
    """Readings of a sending meter until there are `count`, or it is quiet."""
    link = SerialLink.open(meter.port, 9600)
    readings: list[MeterReading] = []
    with meter:
        while len(readings) < count and (data := link.read(2.0)):
            found = port.reader.feed(data)
            readings += [one for one in found if isinstance(one, MeterReading)]
        link.close()
    return readings

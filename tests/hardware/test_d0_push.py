"""The plain sources that push D0, and replayed captures of either kind."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hardware.d0_push import D0PushReader
from hardware.device_id import server_id_of
from hardware.errors import (
    AnswerTimeout,
    FrameUndecodable,
    LmnError,
    PortNotOpen,
    PortVanished,
)
from hardware.file_link import FileLink
from hardware.ports import open_port
from hardware.readings import MeterReading
from hardware.replay import ReplayReader
from hardware.simulator.d0 import push_text, readouts
from hardware.simulator.meter import SimulatedMeter
from hardware.simulator.push import PushThread
from hardware.simulator.sml_answers import push_telegram
from tests.fakes import Ticker
from tests.hardware.d0_texts import PUSHED

SERVER_ID = server_id_of("1emh0000000001")
NOW = datetime(2026, 3, 1, 11, tzinfo=UTC)
METER = SimulatedMeter(SERVER_ID, installed_at=datetime(2026, 1, 1, tzinfo=UTC))


class Port:
    """A reader whose clock a test moves."""

    def __init__(self, reader=D0PushReader, server_id: bytes = SERVER_ID) -> None:
        self.ticker = Ticker(0.0)
        self.reader = reader(server_id, self.clock, self.ticker)

    def clock(self) -> datetime:
        return NOW + timedelta(seconds=self.ticker.now)

    def feed(
        self, data: bytes = b"", *, after_s: float = 0.0
    ) -> list[MeterReading | LmnError]:
        self.ticker.now += after_s
        return list(self.reader.feed(data))


@pytest.mark.parametrize("size", [1, 7, 5000])
def test_a_pushed_readout_becomes_a_reading(size: int) -> None:
    text = push_text(METER, NOW)
    port = Port()
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    (reading,) = [one for piece in pieces for one in port.feed(piece)]
    assert isinstance(reading, MeterReading)
    assert (reading.server_id, reading.captured_at) == (SERVER_ID, NOW)
    assert reading.counters == METER.counters_at(NOW)


def test_the_time_is_when_the_readout_began_to_arrive() -> None:
    text = push_text(METER, NOW)
    port = Port()
    assert port.feed(text[:50]) == []
    (reading,) = port.feed(text[50:] + text[:9], after_s=0.4)
    (second,) = port.feed(text[9:], after_s=1.0)
    assert isinstance(reading, MeterReading) and isinstance(second, MeterReading)
    assert reading.captured_at == NOW
    assert second.captured_at == NOW + timedelta(seconds=0.4)


def test_a_meter_without_a_device_id_is_matched_by_its_number() -> None:
    (reading,) = Port(server_id=b"11604711").feed(PUSHED)
    assert isinstance(reading, MeterReading)
    assert reading.server_id == b"11604711"


def test_readouts_of_another_meter_are_ignored_and_counted() -> None:
    port = Port()
    assert port.feed(PUSHED) == port.feed(PUSHED) == []
    assert port.reader.ignored == 2


@pytest.mark.req("R28")
def test_garbage_is_103106_and_silence_103191_each_once_a_minute() -> None:
    """Proves of R28: an undecodable readout, and a timeout, of a plain source."""
    port = Port()
    port.feed(push_text(METER, NOW))
    broken = bytearray(push_text(METER, NOW))
    broken[40] ^= 1
    found = [one for _ in range(100) for one in port.feed(bytes(broken), after_s=1.0)]
    codes = [one.code for one in found if isinstance(one, LmnError)]
    assert codes == [103106, 103191, 103106]
    (garbage, silence, _) = found
    assert isinstance(garbage, FrameUndecodable) and garbage.header[:4] == b"/EMH"
    assert garbage.length == len(broken)
    assert isinstance(silence, AnswerTimeout)


def test_joining_in_the_middle_is_no_fault() -> None:
    port = Port()
    (reading,) = port.feed(PUSHED[60:] + push_text(METER, NOW))
    assert isinstance(reading, MeterReading)


@pytest.mark.parametrize(
    "telegram", [push_text(METER, NOW), push_telegram(METER, NOW)], ids=["d0", "sml"]
)
@pytest.mark.parametrize("size", [1, 9, 5000])
def test_a_replay_finds_out_what_it_is(telegram: bytes, size: int) -> None:
    port = Port(ReplayReader)
    stream = b"rest" + telegram + telegram
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    found = [one for piece in pieces for one in port.feed(piece)]
    assert len(found) == 2
    for reading in found:
        assert isinstance(reading, MeterReading)
        assert reading.counters == METER.counters_at(NOW)


@pytest.mark.req("R28")
def test_a_replay_of_nothing_readable_is_silence() -> None:
    """Proves of R28: 103191 where a plain source never brings anything."""
    port = Port(ReplayReader)
    assert port.feed(b"\x00" * 100) == []
    (fault,) = port.feed(after_s=60.0)
    assert isinstance(fault, AnswerTimeout)


class Play:
    """A file link whose time a test gives."""

    def __init__(self, data: bytes, baudrate: int = 9600) -> None:
        self.ticker = Ticker(0.0)
        self.link = FileLink(
            data, baudrate, monotonic=self.ticker, wait=self.wait, pause_s=2.0
        )

    def wait(self, seconds: float) -> None:
        self.ticker.now += seconds


def test_a_file_is_played_at_the_pace_of_the_line_and_again() -> None:
    play = Play(bytes(range(240)) * 4)
    assert play.link.read(0.0) == b""
    play.ticker.now = 0.25
    assert len(play.link.read(0.0)) == 240
    heard = b""
    while play.ticker.now < 7.0:
        heard += play.link.read(0.5)
    assert 2 * 960 <= len(heard) + 240 <= 3 * 960
    assert heard[720:1680] == bytes(range(240)) * 4


def test_a_sign_on_begins_the_file_anew() -> None:
    play = Play(b"0123456789" * 96)
    play.ticker.now = 0.1055
    assert play.link.read(0.0).endswith(b"0")
    play.link.write(b"\xaf?!\r\n")
    play.ticker.now += 0.01
    assert play.link.read(0.0).startswith(b"0123")
    play.link.write(b"\x06050\r\n")
    assert play.link.set_baudrate(300)
    play.ticker.now += 0.1
    assert play.link.read(0.0) == b"901"


def test_a_closed_file_is_a_vanished_port() -> None:
    play = Play(b"x")
    play.link.close()
    with pytest.raises(PortVanished):
        play.link.read(0.0)


def test_a_path_or_a_url_of_a_file_is_a_port(tmp_path: Path) -> None:
    capture = tmp_path / "my capture.bin"
    capture.write_bytes(push_telegram(METER, NOW))
    for port in (str(capture), capture.as_uri()):
        link = open_port(port, 921_600)
        assert isinstance(link, FileLink)
        assert link.read(1.0).startswith(b"\x1b")
        link.close()


@pytest.mark.req("R28")
@pytest.mark.parametrize("content", [None, b""])
def test_a_file_that_cannot_be_played_is_100702(
    tmp_path: Path, content: bytes | None
) -> None:
    """Proves of R28: code 100702 for a source that is a file."""
    path = tmp_path / "capture.bin"
    if content is not None:
        path.write_bytes(content)
    for port in (str(path), path.as_uri()):
        with pytest.raises(PortNotOpen) as raised:
            open_port(port, 9600)
        assert raised.value.code == 100702


def test_seven_bits_with_parity_go_through_a_real_port() -> None:
    """A pseudo-terminal knows eight bits only; the parity is ours."""
    script = readouts(METER, lambda: NOW, 0.05)
    with PushThread(script) as simulated:
        link = open_port(simulated.port, 9600)
        port = Port()
        found: list[MeterReading | LmnError] = []
        while not found:
            found = port.feed(link.read(1.0))
        link.close()
    assert isinstance(found[0], MeterReading)
    assert found[0].counters == METER.counters_at(NOW)

"""The one clock that all processes of a gateway share."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hardware import rtc
from hardware.clock import GatewayClock, KeptClock
from hardware.gateway import Gateway
from hardware.time_file import TIME_FILE, TimeFile, TimeSetting

HOST = datetime(2026, 5, 4, 12, tzinfo=UTC)


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def test_without_a_time_service_the_hosts_time_is_valid(gateway: Gateway) -> None:
    """decisions.md D5."""
    assert (gateway.clock.source, gateway.clock.is_valid) == ("host", True)
    assert gateway.clock.offset == s(0)
    assert abs(gateway.clock.now() - datetime.now(UTC)) < s(1)


def test_a_clock_follows_what_another_one_wrote(tmp_path: Path) -> None:
    """Two objects on one folder, as in two processes; CASA_CLOCK_OFFSET on top."""
    reader = KeptClock(TimeFile(tmp_path / TIME_FILE), s(100))
    assert reader.offset == s(100)
    writer = TimeFile(tmp_path / TIME_FILE)
    for offset in (s(5), s(-7), s(7), s(5)):
        writer.write(TimeSetting("ntp_tls", True, offset))
        assert reader.offset == offset + s(100)
        assert (reader.source, reader.is_valid) == ("ntp_tls", True)
    writer.write(TimeSetting("rtc", False))
    assert (reader.source, reader.is_valid) == ("rtc", False)
    (tmp_path / TIME_FILE).unlink()
    assert (reader.offset, reader.is_valid) == (s(100), True)


@pytest.mark.req("R157")
def test_another_process_sees_the_changed_clock_at_once(tmp_path: Path) -> None:
    """A process that runs all the time reads the new offset with its next look."""
    program = (
        "import sys; from pathlib import Path;"
        "from hardware.clock import KeptClock; from hardware.time_file import TimeFile;"
        "clock = KeptClock(TimeFile(Path(sys.argv[1])));"
        "[print(clock.offset.total_seconds(), clock.is_valid, flush=True)"
        " for _ in sys.stdin]"
    )
    path = tmp_path / TIME_FILE
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        assert process.stdin and process.stdout
        for offset, valid in ((0.0, True), (12.5, True), (-3600.0, False)):
            if offset:
                TimeFile(path).write(TimeSetting("ntp_tls", valid, s(offset)))
            process.stdin.write("\n")
            assert process.stdout.readline() == f"{offset} {valid}\n"
        process.stdin.close()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff",
        b'{"source":"moon","valid":true,"offset_us":0,"slew_us":0,"slew_from":null}',
        b'{"source":"host","valid":1,"offset_us":0,"slew_us":0,"slew_from":null}',
        b'{"source":"host","valid":true,"offset_us":"0","slew_us":0,"slew_from":null}',
        b'{"source":"host","valid":true,"offset_us":1e99,"slew_us":0,"slew_from":null}',
        b'{"source":"host","valid":true,"offset_us":0,"slew_us":0,"slew_from":"soon"}',
        b" " * 2000,
    ],
)
def test_a_spoilt_file_makes_the_time_invalid(tmp_path: Path, content: bytes) -> None:
    """Nobody knows the offset then; values get bit 9 instead of a wrong time."""
    (tmp_path / TIME_FILE).write_bytes(content)
    clock = KeptClock(TimeFile(tmp_path / TIME_FILE))
    assert not clock.is_valid
    assert abs(clock.now() - datetime.now(UTC)) < s(1)


def test_a_setting_comes_back_as_it_was_written(tmp_path: Path) -> None:
    file = TimeFile(tmp_path / TIME_FILE)
    setting = TimeSetting("ntp_tls", True, s(-1.5), s(0.25), HOST)
    file.write(setting)
    assert TimeFile(tmp_path / TIME_FILE).read() == setting
    assert (tmp_path / TIME_FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.req("R156")
@pytest.mark.parametrize("sign", [1, -1])
def test_a_small_difference_is_made_up_for_without_a_jump(sign: int) -> None:
    """0.1 % faster or slower, so that 0.5 s take 500 s; time never runs backwards."""
    setting = TimeSetting(offset=s(10)).slewed(s(sign * 0.5), HOST)
    assert setting.offset_at(HOST - s(5)) == s(10)
    assert setting.offset_at(HOST) == s(10)
    assert setting.offset_at(HOST + s(100)) == s(10 + sign * 0.1)
    assert setting.offset_at(HOST + s(500)) == s(10 + sign * 0.5)
    assert setting.offset_at(HOST + s(9000)) == s(10 + sign * 0.5)
    again = setting.slewed(s(0.2), HOST + s(100))
    assert again.offset_at(HOST + s(100)) == s(10 + sign * 0.1)
    stepped = setting.stepped(s(3), HOST + s(100))
    assert stepped.offset_at(HOST + s(101)) == s(13 + sign * 0.1)


def test_a_clock_without_a_file_is_the_hosts_plus_an_offset() -> None:
    assert abs(GatewayClock(s(50)).now() - datetime.now(UTC) - s(50)) < s(1)


@pytest.mark.req("R157")
def test_a_sign_of_life_says_when_the_gateway_was_seen_last(tmp_path: Path) -> None:
    """The heartbeat file stands for an RTC where there is none (D5)."""
    assert rtc.last_beat(tmp_path) is None
    rtc.beat(tmp_path, HOST)
    assert rtc.last_beat(tmp_path) == HOST
    rtc.beat(tmp_path, HOST + s(60))
    assert rtc.last_beat(tmp_path) == HOST + s(60)


def test_the_time_of_an_rtc_is_read_as_linux_writes_it() -> None:
    """struct rtc_time: month from 0, year from 1900, rounded to whole seconds."""
    assert rtc.parsed(rtc.packed(HOST + timedelta(milliseconds=400))) == HOST
    assert rtc.parsed(rtc.packed(HOST + timedelta(milliseconds=600))) == HOST + s(1)
    with pytest.raises(rtc.RtcUnusable):
        rtc.parsed(bytes(36))


def test_an_rtc_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(rtc.RtcUnusable, match="No such file"):
        rtc.read(tmp_path / "rtc9")
    not_one = tmp_path / "file"
    not_one.touch()
    with pytest.raises(rtc.RtcUnusable, match="ioctl"):
        rtc.read(not_one)
    with pytest.raises(rtc.RtcUnusable):
        rtc.set_time(not_one, HOST)

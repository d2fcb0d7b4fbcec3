"""What a line knows of its meters is left for the technician."""

from datetime import UTC, datetime, timedelta

from hardware.gateway import Gateway
from meters.meter_signs import MeterSign, MeterSigns, read_signs

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WIRED, RADIO = "1emh0000000001", "a8152834120000e1"


def test_two_ports_leave_what_they_know(gateway: Gateway) -> None:
    wired, radio = (MeterSigns(gateway, port) for port in ("/dev/a", "/dev/b"))
    wired.note(WIRED, MeterSign(address=17))
    radio.note(RADIO, MeterSign(rssi_dbm=-71, heard_at=NOW))
    for signs in (wired, radio):
        signs.write(NOW)
    assert read_signs(gateway) == {
        WIRED: MeterSign(address=17),
        RADIO: MeterSign(rssi_dbm=-71, heard_at=NOW),
    }


def test_a_change_is_written_within_ten_seconds_and_a_meter_may_go(
    gateway: Gateway,
) -> None:
    signs = MeterSigns(gateway, "/dev/a")
    signs.note(WIRED, MeterSign(address=17))
    signs.write(NOW)
    signs.note(WIRED, MeterSign(address=18))
    signs.write(NOW + timedelta(seconds=9))
    assert read_signs(gateway)[WIRED].address == 17
    signs.write(NOW + timedelta(seconds=10))
    assert read_signs(gateway)[WIRED].address == 18
    signs.keep_only(set())
    signs.write(NOW + timedelta(seconds=20))
    assert read_signs(gateway) == {}


def test_a_torn_file_is_left_out(gateway: Gateway) -> None:
    folder = gateway.state / "run"
    folder.mkdir()
    (folder / "signs-0123456789ab").write_bytes(b"torn")
    assert read_signs(gateway) == {}


def test_the_file_names_no_meter(gateway: Gateway) -> None:
    signs = MeterSigns(gateway, "/dev/a")
    signs.note(WIRED, MeterSign(address=17))
    signs.write(NOW)
    (path,) = (gateway.state / "run").iterdir()
    assert WIRED.encode() not in path.read_bytes()

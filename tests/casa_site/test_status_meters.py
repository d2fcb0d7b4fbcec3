"""`./casa status` shows the technician interfaces, strangers and bad telegrams."""

import json
from typing import Any

import pytest

from casa_site import status, status_meters
from hardware.device_id import server_id_of
from hardware.gateway import Gateway
from hardware.simulator.scenario import Fault, FaultKind, Scenario
from hardware.wmbus_address import MeterAddress
from meters.kept_telegrams import keep_telegram
from meters.line_counters import LineCounters
from meters.models import RadioPort, UnknownMeter
from meters.unknown_meters import note_unknown
from tests.meters.builders import NOON, a_meter, with_clock
from tests.meters.radio_plant import PORT, RadioPlant, a_sender, configured

pytestmark = pytest.mark.django_db
STRANGER = "1emh0000000003"


def shown(gateway: Gateway, *, is_running: bool = True) -> tuple[dict[str, Any], str]:
    """The meter side as data and in words."""
    report = status_meters.of_meters(gateway.state, is_running=is_running)
    whole = {"ready": True, "state": "/s", "services": [], **report}
    assert json.loads(json.dumps(report)) == report
    return report, status.as_text(whole)


def test_where_there_is_nothing_it_says_so(gateway: Gateway) -> None:
    _, text = shown(gateway)
    assert text.splitlines()[1:] == [
        "interfaces   none",
        "unknown_meters none",
        "kept_telegrams none",
    ]


@pytest.mark.req("R5")
def test_interfaces_are_shown_with_kind_state_and_counters(gateway: Gateway) -> None:
    """R5: the list that the technician sees."""
    gateway = with_clock(gateway)
    for number in (1, 2):
        a_meter(gateway, f"1emh000000000{number}", port="/dev/bus")
    configured(gateway, a_sender())
    RadioPort.objects.create(port=PORT, received=41, received_at=NOON)
    lines = LineCounters(gateway, lambda _port, _baudrate: PlainLink())
    lines.open("/dev/bus", 921_600).write(b"1234")
    lines.open(PORT, 57_600).close()
    lines.write(NOON)
    report, text = shown(gateway)
    wired, radio = report["interfaces"]
    assert (wired["kind"], wired["state"], wired["meters"]) == ("hdlc", "open", 2)
    assert wired["counters"]["sent_bytes"] == 4
    assert (radio["kind"], radio["state"], radio["telegrams"]) == (
        "wmbus",
        "absent",
        41,
    )
    assert "/dev/bus  hdlc 921600, 2 meters, open; opened 1, failed 0, sent 4" in text
    assert "absent; opened 1" in text and "good telegrams 41" in text
    stopped, _ = shown(gateway, is_running=False)
    assert [one["state"] for one in stopped["interfaces"]] == ["-", "-"]


class PlainLink:
    """A link that swallows everything."""

    def write(self, data: bytes) -> None:
        pass

    def read(self, timeout_s: float) -> bytes:
        return b""

    def close(self) -> None:
        pass


def test_unknown_meters_are_shown_in_the_form_that_apply_takes(
    gateway: Gateway,
) -> None:
    radio = MeterAddress.of("SIM", "00000007", 1, 0x07)
    note_unknown("/dev/bus", [server_id_of(STRANGER), b"\x06EMH"], now=NOON)
    UnknownMeter.objects.create(
        server_id=radio.server_id.hex(), port=PORT, seen_at=NOON, rssi_dbm=-53
    )
    _, text = shown(gateway)
    assert f"{STRANGER} at /dev/bus, seen 2026-03-03T12:00:00Z" in text
    assert f"{radio.meter_id} at {PORT}, seen 2026-03-03T12:00:00Z, -53 dBm" in text
    assert "06454d48 at /dev/bus" in text
    a_meter(gateway, STRANGER, port="/dev/bus")
    assert STRANGER not in shown(gateway)[1].split("unknown_meters")[1]


def test_kept_telegrams_show_head_length_and_reason_and_no_plain_byte(
    gateway: Gateway,
) -> None:
    for number in range(12):
        keep_telegram(
            port="/dev/bus",
            header=bytes([number]),
            length=300,
            reason="frame check sequence wrong",
            now=NOON,
        )
    sender = a_sender()
    who = sender.address.server_id
    wrong_key = Scenario([Fault(FaultKind.WRONG_KEY, NOON, None, who)])
    plant = RadioPlant(gateway, [sender], begin=NOON, scenario=wrong_key)
    configured(plant.gateway, sender)
    plant.start()
    plant.run(NOON.replace(minute=1))
    report, text = shown(gateway)
    assert report["kept_telegrams"]["count"] > 12
    newest = report["kept_telegrams"]["newest"]
    assert len(newest) == 10
    radio = [one for one in newest if one["port"] == PORT]
    plain = [one for one in newest if one["port"] == "/dev/bus"]
    assert radio and plain
    assert all(one["reason"].startswith("mac: ") for one in radio)
    assert all(one["encrypted_payload"] for one in radio)
    assert {one["encrypted_payload"] for one in plain} == {None}
    assert "300 bytes, frame check sequence wrong; head 0b" in text
    assert "mac: the message authentication code is wrong" in text

"""`./casa status` shows the alarms that stand."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from casa_site import status
from hardware.gateway import Gateway, open_gateway
from logbooks.alarms import AlarmKind, clear_alarms, raise_alarm

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_open_alarms_are_shown_and_ended_ones_are_not() -> None:
    for kind, subject in (
        (AlarmKind.INTERFACE_MISSING, "/dev/ttyUSB0"),
        (AlarmKind.METER_ABSENT, "1emh0000000001"),
    ):
        raise_alarm(kind, code=100706, subject=subject, now=NOON)
    raise_alarm(
        AlarmKind.INTERFACE_MISSING,
        code=100706,
        subject="/dev/ttyUSB0",
        now=NOON + timedelta(minutes=5),
    )
    clear_alarms(AlarmKind.METER_ABSENT, ["1emh0000000001"], now=NOON)
    report = status._of_database()
    assert report["alarms"] == [
        {
            "kind": "interface_missing",
            "subject": "/dev/ttyUSB0",
            "code": 100706,
            "explained": {
                "cause": "The connection to a meter was lost and is set up again.",
                "effect": "Single values may be missing.",
                "who": "service technician",
                "remedy": "If frequent: check line and meter.",
            },
            "since": "2026-03-03T12:00:00Z",
            "last": "2026-03-03T12:05:00Z",
            "count": 2,
            "acknowledged": None,
        }
    ]
    text = status.as_text({"ready": True, "state": "/s", "services": [], **report})
    assert "interface_missing 100706 /dev/ttyUSB0 (2 times, last 2026" in text
    assert "1emh0000000001" not in text


@pytest.mark.django_db
def test_without_alarms_it_says_so() -> None:
    report = {"ready": True, "state": "/s", "services": [], **status._of_database()}
    assert "alarms       none" in status.as_text(report)


def test_the_supply_input_is_handed_to_the_gateway(gateway: Gateway) -> None:
    assert gateway.supply_input is None
    again = open_gateway(gateway.state, supply_input=Path("/sys/gpio"))
    assert again.supply_input == Path("/sys/gpio")

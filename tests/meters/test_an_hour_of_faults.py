"""An hour of faults by a scenario file: events, codes, alarms and placeholders."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from hardware.gateway import Gateway
from hardware.record import registers_of
from hardware.simulator.scenario import Scenario
from hardware.status_word import is_placeholder, meter_word
from logbooks.models import Alarm, ConsumerLogEntry, SystemLogEntry
from meters.kept_telegrams import kept_telegrams
from meters.models import OriginalRecord
from tests.meters.builders import NOON
from tests.meters.plant import (
    BUS,
    D0_PUSHING,
    PULLED,
    PUSHING,
    STRANGER,
    WIRED,
    Plant,
)

pytestmark = pytest.mark.django_db
SCENARIO = Path(__file__).parents[1] / "data" / "scenarios" / "hour.toml"
BEGIN = NOON - timedelta(minutes=2)
END = NOON + timedelta(minutes=65)
BOUNDARIES = ("12:00", "12:15", "12:30", "12:45", "13:00")


@pytest.fixture
def plant(gateway: Gateway) -> Plant:
    plant = Plant(gateway, Scenario.load(SCENARIO, BEGIN), BEGIN)
    plant.run(END)
    return plant


def clock(instant: datetime | None) -> str:
    return "-" if instant is None else instant.strftime("%H:%M:%S")


SYSTEM_LOG = [
    ("12:01:00", 103118),  # the second wired meter was taken away
    ("12:01:00", 100706),
    ("12:14:30", 103118),  # the first one is silent over the boundary
    ("12:14:30", 100706),
    ("12:15:27", 19006),  # no value of either
    ("12:15:27", 19006),
    ("12:19:00", 103106),  # checksums of the pushing meter
    ("12:19:55", 103191),
    ("12:23:00", 103106),  # the fifth minute of it: an alarm
    ("12:24:00", 103106),  # checksums of the first wired meter
    ("12:24:00", 100706),
    ("12:29:00", 103106),  # noise on the D0 line
    ("12:29:00", 103106),  # collision on the bus
    ("12:29:00", 100706),
    ("12:29:55", 103191),
    ("12:30:27", 19006),  # of the D0 line; the bus has the same gap since 12:15
    ("12:41:00", 19006),  # overload of the supply
    ("12:44:55", 103191),  # the pushing meter is silent
    ("12:45:27", 19006),
    ("12:50:00", 100703),  # the bus is unplugged
    ("12:50:01", 100702),
    ("13:00:00", 103191),  # the meter on demand is silent
    ("13:00:27", 19006),
    ("13:00:27", 100706),  # the exchanged meter has been absent for four boundaries
]

CONSUMER_LOGS = {
    "wired1": [
        ("12:05:00", 1011, 2, "1emh0000000001"),
        ("12:15:27", 19006, 1, "kein Messwert"),
        ("12:50:00", 19006, 2, "100703"),
    ],
    "wired2": [
        ("12:15:27", 19006, 1, "kein Messwert"),
        ("12:50:00", 19006, 2, "100703"),
        ("13:00:27", 19006, 2, "100706"),
    ],
    "sml": [
        ("12:06:00", 1011, 1, "1emh0000000011"),
        ("12:23:00", 19006, 2, "103106"),
        ("12:45:27", 19006, 1, "kein Messwert"),
    ],
    "d0": [("12:30:27", 19006, 1, "kein Messwert")],
    "pull": [("13:00:27", 19006, 1, "kein Messwert")],
}

ALARMS = [
    ("meter_fatal", WIRED[0], 1011, "12:05:00", "12:10:00"),
    ("meter_tamper", PUSHING, 1011, "12:06:00", "12:18:00"),
    ("transport_errors", PUSHING, 103106, "12:23:00", "12:39:05"),
    ("supply_overload", BUS, 19006, "12:41:00", "12:43:00"),
    ("interface_missing", BUS, 100703, "12:50:00", "12:52:01"),
    ("meter_absent", WIRED[1], 100706, "13:00:27", "-"),
]

PLACEHOLDERS = {
    WIRED[0]: {"12:15", "12:30"},
    WIRED[1]: {"12:15", "12:30", "12:45", "13:00"},
    PUSHING: {"12:45"},
    D0_PUSHING: {"12:30"},
    PULLED: {"13:00"},
}


@pytest.mark.req("R24")
@pytest.mark.req("R25")
@pytest.mark.req("R26")
@pytest.mark.req("R27")
@pytest.mark.req("R28")
@pytest.mark.req("R6")
def test_an_hour_of_faults_is_told_exactly(plant: Plant) -> None:
    """Proves of R24 to R26 and R6: the alarm of each, once, with code and end.

    Of R27: 1011/1 and 1011/2 in the log of the owner only. Of R28: 103106, 103118,
    103191, 100702, 100703 and 100706, each once per episode.
    """
    assert system_log() == SYSTEM_LOG
    for consumer, expected in CONSUMER_LOGS.items():
        assert consumer_log(consumer) == expected, consumer
    assert [
        (a.kind, a.subject, a.code, clock(a.since), clock(a.cleared_at))
        for a in Alarm.objects.order_by("since")
    ] == ALARMS
    check_records(plant)
    check_kept_telegrams()


def system_log() -> list[tuple[str, int]]:
    """Without the warnings of the set-up."""
    entries = SystemLogEntry.objects.filter(recorded_at__gt=NOON).order_by("number")
    return [(clock(entry.recorded_at), entry.event_id) for entry in entries]


def consumer_log(consumer: str) -> list[tuple[str, int, int, str]]:
    """The entries, each with the beginning of its first argument."""
    entries = ConsumerLogEntry.objects.filter(
        consumer_id=consumer, recorded_at__gt=NOON
    ).order_by("number")
    return [
        (
            clock(entry.recorded_at),
            entry.event_id,
            entry.event_sub_id,
            str(entry.arguments[0]).partition(" im ")[0],
        )
        for entry in entries
    ]


def check_records(plant: Plant) -> None:
    """A row at each boundary; what is no placeholder is what the meter counted."""
    for device_id, expected in PLACEHOLDERS.items():
        rows = OriginalRecord.objects.filter(meter=device_id).order_by("target_time")
        found = [clock(row.target_time)[:5] for row in rows]
        assert found == list(BOUNDARIES), device_id
        missing = {clock(r.target_time)[:5] for r in rows if is_placeholder(r.status)}
        assert missing == expected, device_id
        for row in rows:
            if not is_placeholder(row.status):
                away = abs(row.capture_time - row.target_time)
                assert away <= timedelta(seconds=5)  # the clock of a meter may be off
                truth = plant.meter(device_id).counters_at(row.capture_time)
                assert registers_of(row.registers) == truth
        assert not OriginalRecord.objects.filter(meter=STRANGER).exists()
    before, after = OriginalRecord.objects.filter(
        meter=WIRED[0], target_time__in=(NOON, NOON + timedelta(minutes=45))
    )
    first = registers_of(before.registers)[0].value
    assert registers_of(after.registers)[0].value < first  # rolled over, as it came
    assert not meter_word(after.status) & 0x20000


def check_kept_telegrams() -> None:
    """Head, length and reason; no payload, for nothing here was encrypted."""
    kept = list(kept_telegrams())
    assert {(one.port, one.reason) for one in kept} == {
        ("/dev/sml", "checksum of the SML file wrong"),
        ("/dev/bus", "frame check sequence wrong"),
        ("/dev/d0", "parity of a character wrong"),
        ("/dev/d0", "no identification line"),
    }
    assert len(kept) <= 12
    assert not any(bytes(one.payload) for one in kept)
    assert {one.header for one in kept if one.port == "/dev/d0"} == {
        "",
        b"/EMH9SIMULATED V1".hex(),
    }

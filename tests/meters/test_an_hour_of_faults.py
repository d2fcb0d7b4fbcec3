"""An hour of faults by a scenario file: events, codes, alarms and placeholders."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from hardware.gateway import Gateway
from hardware.readings import RegisterValue
from hardware.record import registers_of
from hardware.simulator.scenario import FaultKind, Scenario
from hardware.status_word import is_placeholder, meter_word
from logbooks.models import Alarm, ConsumerLogEntry, SystemLogEntry
from meters.kept_telegrams import kept_telegrams
from meters.models import OriginalRecord
from tests.meters.builders import NOON
from tests.meters.plant import (
    BUS,
    D0_PUSHING,
    GAS,
    PULLED,
    PUSHING,
    RADIO,
    SENDERS,
    STRANGER,
    WATER,
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
    ("12:02:15", 19006),  # old telegrams of the gas meter
    ("12:05:15", 19006),  # and such with another key
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
    ("12:50:00", 200701),  # and the stick with it
    ("12:50:01", 100702),
    ("13:00:00", 103191),  # the meter on demand is silent
    ("13:00:00", 19006),  # no value of the water meter at 12:15
    ("13:00:27", 19006),
    ("13:00:27", 100706),  # the exchanged meter has been absent for four boundaries
]

REFUSED = f"Telegramm des Zählers {GAS} abgewiesen: "
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
    "gas": [
        ("12:02:15", 19006, 1, f"{REFUSED}Nachrichtenzähler schon verwendet"),
        ("12:05:15", 19006, 1, f"{REFUSED}Prüfwert der Nachricht (MAC) falsch"),
        ("12:33:15", 1011, 2, GAS),
        ("12:50:00", 19006, 2, "200701"),
    ],
    "water": [
        ("12:50:00", 19006, 2, "200701"),
        ("13:00:00", 19006, 1, "kein Messwert"),
    ],
}

ALARMS = [
    ("meter_fatal", WIRED[0], 1011, "12:05:00", "12:10:00"),
    ("meter_tamper", PUSHING, 1011, "12:06:00", "12:18:00"),
    ("transport_errors", GAS, 19006, "12:09:15", "12:31:35"),
    ("transport_errors", PUSHING, 103106, "12:23:00", "12:39:05"),
    ("meter_fatal", GAS, 1011, "12:33:15", "12:35:15"),
    ("supply_overload", BUS, 19006, "12:41:00", "12:43:00"),
    ("interface_missing", BUS, 100703, "12:50:00", "12:52:01"),
    ("interface_missing", RADIO, 200701, "12:50:00", "12:52:00"),
    ("meter_absent", WIRED[1], 100706, "13:00:27", "-"),
]

PLACEHOLDERS = {
    WIRED[0]: {"12:15", "12:30"},
    WIRED[1]: {"12:15", "12:30", "12:45", "13:00"},
    PUSHING: {"12:45"},
    D0_PUSHING: {"12:30"},
    PULLED: {"13:00"},
    GAS: set(),
    WATER: {"12:15"},
}
NEAR = {GAS: timedelta(seconds=10), WATER: timedelta(seconds=10)}
"""How near to a boundary the nearest telegram is; of other meters 5 s."""


@pytest.mark.req("R24")
@pytest.mark.req("R25")
@pytest.mark.req("R26")
@pytest.mark.req("R27")
@pytest.mark.req("R28")
@pytest.mark.req("R29")
@pytest.mark.req("R6")
def test_an_hour_of_faults_is_told_exactly(plant: Plant) -> None:
    """Proves of R24 to R26 and R6: the alarm of each, once, with code and end.

    Of R27: 1011/1 and 1011/2 in the log of the owner only. Of R28: 103106, 103118,
    103191, 100702, 100703 and 100706, each once per episode. Of R29: 200701.
    """
    assert system_log() == SYSTEM_LOG
    for consumer, expected in CONSUMER_LOGS.items():
        assert consumer_log(consumer) == expected, consumer
    assert [
        (a.kind, a.subject, a.code, clock(a.since), clock(a.cleared_at))
        for a in Alarm.objects.order_by("since", "code")
    ] == ALARMS
    check_records(plant)
    check_kept_telegrams()


def test_the_hour_has_every_kind_of_fault() -> None:
    faults = Scenario.load(SCENARIO, BEGIN).faults
    assert {fault.kind for fault in faults} == set(FaultKind)


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
                # whatever the clock of a meter says
                assert away <= NEAR.get(device_id, timedelta(seconds=5))
                truth = counted(plant, device_id, row.capture_time)
                assert registers_of(row.registers) == truth
        assert not OriginalRecord.objects.filter(meter=STRANGER).exists()
    before, after = OriginalRecord.objects.filter(
        meter=WIRED[0], target_time__in=(NOON, NOON + timedelta(minutes=45))
    )
    first = registers_of(before.registers)[0].value
    assert registers_of(after.registers)[0].value < first  # rolled over, as it came
    assert not meter_word(after.status) & 0x20000


def counted(plant: Plant, device_id: str, at: datetime) -> tuple[RegisterValue, ...]:
    """What the meter had counted then."""
    if device_id in SENDERS:
        return SENDERS[device_id].registers_at(at)
    return plant.meter(device_id).counters_at(at)


def check_kept_telegrams() -> None:
    """Head, length and reason; a payload only where it is encrypted."""
    by_radio = [one for one in kept_telegrams() if one.port == RADIO]
    assert {one.reason.split(":")[0] for one in by_radio} == {
        "replay",
        "mac",
        "format_unknown",
    }
    for one in by_radio:
        is_encrypted = not one.reason.startswith("format_unknown")
        assert bool(bytes(one.payload)) == is_encrypted
    kept = [one for one in kept_telegrams() if one.port != RADIO]
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

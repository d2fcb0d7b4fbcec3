"""What may be read, and by whom."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hardware.gateway import Gateway
from hardware.record import registers_of
from meters import selectors, services
from meters.models import LiveReading
from tests.meters.builders import HEALTHY, METER, NOON, a_meter, a_reading

pytestmark = pytest.mark.django_db
QUARTER = timedelta(minutes=15)
OTHER = "1emh0000000002"
FATAL = 0x00020000


@pytest.fixture
def two_consumers(gateway: Gateway) -> Gateway:
    """Meier with a meter and five records, Nachbar with another and one."""
    a_meter(gateway, consumer="meier")
    a_meter(gateway, OTHER, consumer="nachbar")
    for quarters in range(5):
        at = NOON + quarters * QUARTER
        services.record_boundary(
            gateway, target_time=at, readings={METER: a_reading(at)}, now=at
        )
    services.record_boundary(
        gateway, target_time=NOON, readings={OTHER: a_reading(meter=OTHER)}, now=NOON
    )
    return gateway


def test_a_consumer_finds_his_own_meters_only(two_consumers: Gateway) -> None:
    assert [meter.id for meter in selectors.meters_of("meier")] == [METER]
    assert [meter.id for meter in selectors.meters_of("nachbar")] == [OTHER]
    assert list(selectors.meters_of("niemand")) == []
    assert selectors.meter_of("meier", OTHER) is None
    assert selectors.meter_of("meier", METER) is not None
    assert selectors.consumer_ids() == ["meier", "nachbar"]


@pytest.mark.parametrize("stranger", ["nachbar", "niemand", ""])
def test_records_of_anothers_meter_look_like_none(
    two_consumers: Gateway, stranger: str
) -> None:
    begin, end = NOON - QUARTER, NOON + timedelta(days=1)
    assert list(selectors.original_records(stranger, METER, begin, end)) == []
    assert selectors.original_record(stranger, METER, NOON) is None
    assert selectors.original_record("meier", METER, NOON) is not None
    own = selectors.latest_readings(stranger)
    assert METER not in [latest.meter.id for latest in own]


def test_a_window_is_open_at_its_begin_and_ascending(two_consumers: Gateway) -> None:
    rows = selectors.original_records("meier", METER, NOON, NOON + 3 * QUARTER)
    assert [row.target_time for row in rows] == [NOON + n * QUARTER for n in (1, 2, 3)]
    between = selectors.records_between(METER, NOON, NOON + 3 * QUARTER)
    assert list(between) == list(rows)


def test_the_latest_readings_come_in_one_query(two_consumers: Gateway) -> None:
    now = NOON + timedelta(hours=2)
    services.update_live(two_consumers, {METER: a_reading(now)}, now=now)
    with CaptureQueriesContext(connection) as queries:
        (latest,) = selectors.latest_readings("meier")
    assert len(queries) == 1
    assert latest.captured_at == now
    assert latest.record_time == NOON + 4 * QUARTER
    assert latest.status == 0x00000005_001C0104
    assert [str(r.obis) for r in latest.registers] == [
        "1-0:1.8.0*255",
        "1-0:2.8.0*255",
        "1-0:16.7.0*255",
    ]


def test_before_the_first_live_value_the_newest_record_is_the_latest(
    two_consumers: Gateway,
) -> None:
    """One query more, and only then."""
    a_meter(two_consumers, "1emh0000000003")  # has nothing at all
    LiveReading.objects.all().delete()
    with CaptureQueriesContext(connection) as queries:
        (latest,) = selectors.latest_readings("meier")
    assert len(queries) == 2
    record = selectors.record_at(METER, NOON + 4 * QUARTER)
    assert record is not None
    assert (latest.meter.id, latest.record_time) == (METER, record.target_time)
    assert (latest.captured_at, latest.status) == (record.capture_time, record.status)
    assert latest.registers == registers_of(record.registers)


def test_a_meter_that_never_spoke_has_no_latest_reading(gateway: Gateway) -> None:
    a_meter(gateway)
    assert selectors.latest_readings("meier") == []


def test_the_first_valid_record_passes_over_placeholders_and_fatal_ones(
    gateway: Gateway,
) -> None:
    a_meter(gateway)
    services.record_boundary(
        gateway, target_time=NOON, readings={METER: a_reading()}, now=NOON
    )
    services.close_missed_boundaries(gateway, now=NOON + QUARTER * 1.5)
    for quarters, word in ((2, HEALTHY | FATAL), (3, HEALTHY), (4, HEALTHY)):
        at = NOON + quarters * QUARTER
        readings = {METER: a_reading(at, status=word)}
        services.record_boundary(gateway, target_time=at, readings=readings, now=at)
    day = timedelta(days=1)
    found = selectors.first_valid_after(METER, NOON, NOON + day)
    assert found is not None and found.target_time == NOON + 3 * QUARTER
    assert selectors.first_valid_after(METER, NOON, NOON + 2 * QUARTER) is None
    assert selectors.record_at(METER, NOON + QUARTER) is not None
    assert selectors.record_at(METER, NOON + 9 * QUARTER) is None


def test_the_common_boundary_is_that_of_the_slowest_meter(
    two_consumers: Gateway,
) -> None:
    a_meter(two_consumers, "1emh0000000003")
    assert selectors.last_common_boundary([METER]) == NOON + 4 * QUARTER
    assert selectors.last_common_boundary([METER, OTHER, "1emh0000000003"]) == NOON
    assert selectors.last_common_boundary(["1emh0000000003"]) is None

"""Records at boundaries, placeholders, live values, and what is logged about them."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hardware.gateway import Gateway
from hardware.readings import MeterReading
from hardware.status_word import ptb_status
from logbooks.certificates import ensure_signature_certificate
from logbooks.models import ConsumerLogEntry, SystemLogEntry
from meters import meter_status, services
from meters.integrity import verify_list
from meters.models import LiveReading, Meter, OriginalRecord
from tests.meters.builders import HEALTHY, METER, NOON, a_meter, a_reading, value

pytestmark = pytest.mark.django_db
QUARTER = timedelta(minutes=15)
OTHER = "1emh0000000002"
FATAL = 0x00020000
MAGNET = 0x00000200


def record(
    gateway: Gateway, target_time: datetime, reading: MeterReading, meter: str = METER
) -> int:
    return services.record_boundary(
        gateway,
        target_time=target_time,
        readings={meter: reading},
        now=target_time + timedelta(seconds=2),
    )


def log_of(consumer: str) -> list[tuple[int, int, list[str]]]:
    entries = ConsumerLogEntry.objects.filter(consumer_id=consumer).order_by("number")
    return [(e.event_id, e.event_sub_id, e.arguments) for e in entries]


@pytest.mark.req("R31")
def test_a_record_keeps_target_time_and_capture_time(gateway: Gateway) -> None:
    """A capture 3 s after the boundary keeps both times."""
    a_meter(gateway)
    assert record(gateway, NOON, a_reading(NOON + timedelta(seconds=3.4))) == 1
    row = OriginalRecord.objects.get()
    assert row.target_time == NOON
    assert row.capture_time == NOON + timedelta(seconds=3)
    assert row.status == 0x00000005_001C0104


@pytest.mark.req("R22")
def test_the_original_list_holds_one_record_per_meter_and_time(
    gateway: Gateway,
) -> None:
    """A repeated telegram is stored once; the first one stays."""
    a_meter(gateway)
    assert record(gateway, NOON, a_reading(NOON)) == 1
    repeated = a_reading(NOON + timedelta(seconds=5), registers=(value(amount=9),))
    assert record(gateway, NOON, repeated) == 0
    assert OriginalRecord.objects.get().capture_time == NOON


def test_the_first_record_fixes_the_counters_of_the_list(gateway: Gateway) -> None:
    a_meter(gateway)
    record(gateway, NOON, a_reading(NOON))
    assert Meter.objects.get().registers == ["0100010800ff", "0100020800ff"]
    more = (value("1.8.0"), value("1.8.1"), value("2.8.0"))
    record(gateway, NOON + QUARTER, a_reading(NOON + QUARTER, registers=more))
    rows = OriginalRecord.objects.order_by("target_time")
    assert [row.registers.count("\n") + 1 for row in rows] == [2, 2]


@pytest.mark.req("R21")
def test_listed_registers_are_the_ones_that_are_kept(gateway: Gateway) -> None:
    """Quantities are selected by OBIS code."""
    a_meter(gateway, registers=["1-0:16.7.0*255", "0100010800ff"])
    record(gateway, NOON, a_reading(NOON))
    row = OriginalRecord.objects.get()
    assert row.registers == "0100010800ff 12345 -1 30\n0100100700ff -250 0 27"


def test_a_reading_without_a_marked_register_makes_no_record(gateway: Gateway) -> None:
    a_meter(gateway)
    only_power = a_reading(registers=(value("16.7.0", 5, 0, 27),))
    assert record(gateway, NOON, only_power) == 0
    assert Meter.objects.get().registers == []


def test_values_of_unknown_meters_are_left_out(gateway: Gateway) -> None:
    a_meter(gateway)
    assert record(gateway, NOON, a_reading(), meter=OTHER) == 0


def test_a_fatal_value_is_stored_and_signed_too(gateway: Gateway) -> None:
    a_meter(gateway)
    record(gateway, NOON, a_reading(status=HEALTHY | FATAL))
    assert ptb_status(OriginalRecord.objects.get().status) == 4


def test_a_plain_source_carries_the_bit_not_for_billing(gateway: Gateway) -> None:
    a_meter(gateway, source="sml_push")
    record(gateway, NOON, a_reading())
    assert OriginalRecord.objects.get().status == 0x00000007_001C0104
    assert LiveReading.objects.get().status == 0x00000007_001C0104


def test_tampering_is_kept_in_the_later_bits(gateway: Gateway) -> None:
    a_meter(gateway)
    record(gateway, NOON, a_reading(status=HEALTHY | MAGNET))
    assert OriginalRecord.objects.get().later_bits == 1 << 14


def test_a_boundary_of_64_meters_takes_a_fixed_number_of_queries(
    gateway: Gateway,
) -> None:
    ids = [f"1emh{number:010d}" for number in range(64)]
    for id_ in ids:
        a_meter(gateway, id_, registers=["1.8.0", "2.8.0"])
    counts = []
    for target in (NOON, NOON + QUARTER):
        readings = {id_: a_reading(target, meter=id_) for id_ in ids}
        with CaptureQueriesContext(
            connection,
        ) as queries:
            stored = services.record_boundary(
                gateway, target_time=target, readings=readings, now=target
            )
        assert stored == 64
        counts.append(len(queries))
    assert counts[1] <= 12


@pytest.mark.req("R27")
def test_a_fatal_status_is_logged_once_for_the_owner_only(gateway: Gateway) -> None:
    """1011/2 in the log of the owning consumer, once per change."""
    a_meter(gateway, consumer="meier")
    a_meter(gateway, OTHER, consumer="nachbar")
    before = SystemLogEntry.objects.count()
    for quarters in range(3):
        at = NOON + quarters * QUARTER
        record(gateway, at, a_reading(at, status=HEALTHY | FATAL))
    assert log_of("meier") == [(1011, 2, [METER, "00000005001e0104"])]
    assert log_of("nachbar") == []
    assert SystemLogEntry.objects.count() == before


@pytest.mark.req("R27")
def test_a_temporary_status_is_logged_again_after_it_was_gone(gateway: Gateway) -> None:
    """1011/1 per change; live readings count as well as records."""
    a_meter(gateway)
    words = [HEALTHY, HEALTHY | MAGNET, HEALTHY | MAGNET, HEALTHY, HEALTHY | MAGNET]
    for number, word in enumerate(words):
        at = NOON + timedelta(seconds=10 * number)
        reading = a_reading(at, status=word)
        services.update_live(gateway, {METER: reading}, now=at)
    assert [entry[:2] for entry in log_of("meier")] == [(1011, 1), (1011, 1)]


@pytest.mark.req("R27")
def test_old_layouts_of_the_status_word_are_not_interpreted(gateway: Gateway) -> None:
    """A word without bit 2 is another meter's layout (lmn-wired.md 7.5)."""
    assert meter_status.new_faults(0, 0x00020182 & ~0x4) == []
    assert meter_status.later_bits_of(0x00000600) == 0


@pytest.mark.req("R27")
def test_a_status_seen_at_a_boundary_is_not_logged_again_by_a_live_reading(
    gateway: Gateway,
) -> None:
    """A boundary asks for counters only, the live row keeps its powers."""
    a_meter(gateway)
    services.update_live(gateway, {METER: a_reading(NOON)}, now=NOON)
    counters = (value("1.8.0"), value("2.8.0", 678))
    at = NOON + QUARTER
    fatal = a_reading(at, status=HEALTHY | FATAL, registers=counters)
    record(gateway, at, fatal)
    live = LiveReading.objects.get()
    assert "0100100700ff" in live.registers
    assert live.captured_at == NOON
    again = a_reading(at + timedelta(seconds=10), status=HEALTHY | FATAL)
    services.update_live(gateway, {METER: again}, now=at)
    assert len(log_of("meier")) == 1


def test_live_values_live_outside_the_lists(gateway: Gateway) -> None:
    a_meter(gateway)
    services.update_live(gateway, {METER: a_reading(NOON)}, now=NOON)
    late = a_reading(NOON - timedelta(seconds=30), registers=(value(amount=1),))
    services.update_live(gateway, {METER: late}, now=NOON)
    live = LiveReading.objects.get()
    assert live.captured_at == NOON
    assert live.registers.startswith("0100010800ff 12345 -1 30")
    assert OriginalRecord.objects.count() == 0


def close(gateway: Gateway, *, at: datetime) -> int:
    return services.close_missed_boundaries(gateway, now=at)


def test_a_silent_boundary_gets_a_placeholder(gateway: Gateway) -> None:
    """D18 and D42: value of the record before, bits 13 and 14, verdict 3."""
    a_meter(gateway)
    record(gateway, NOON, a_reading(NOON, status=HEALTHY | FATAL))
    boundary = NOON + QUARTER
    assert close(gateway, at=boundary + timedelta(seconds=26)) == 0
    assert close(gateway, at=boundary + timedelta(seconds=27)) == 1
    first, second = OriginalRecord.objects.order_by("target_time")
    assert second.target_time == second.capture_time == boundary
    assert second.registers == first.registers
    assert second.status == 0x00006005_00000004
    assert ptb_status(second.status) == 3
    assert bytes(second.signature) != bytes(first.signature)


def test_before_the_first_real_value_there_is_no_placeholder(gateway: Gateway) -> None:
    a_meter(gateway)
    assert close(gateway, at=NOON + timedelta(days=1)) == 0
    closed = services.close_boundary(
        gateway, target_time=NOON, meter_ids=[METER], now=NOON
    )
    assert closed == 0


def test_a_value_after_the_placeholder_is_ignored(gateway: Gateway) -> None:
    a_meter(gateway)
    record(gateway, NOON, a_reading(NOON))
    close(gateway, at=NOON + QUARTER + timedelta(seconds=30))
    assert record(gateway, NOON + QUARTER, a_reading(NOON + QUARTER)) == 0


def test_one_boundary_can_be_closed_for_some_meters(gateway: Gateway) -> None:
    for id_ in (METER, OTHER):
        a_meter(gateway, id_)
        record(gateway, NOON, a_reading(NOON, meter=id_), meter=id_)
    boundary = NOON + QUARTER
    record(gateway, boundary, a_reading(boundary))
    closed = services.close_boundary(
        gateway, target_time=boundary, meter_ids=[METER, OTHER], now=boundary
    )
    assert closed == 1
    placeholder = OriginalRecord.objects.get(meter=OTHER, target_time=boundary)
    assert placeholder.status == 0x00006005_00000004


def test_after_a_day_off_every_missed_boundary_is_closed(gateway: Gateway) -> None:
    a_meter(gateway)
    a_meter(gateway, OTHER)
    record(gateway, NOON, a_reading(NOON))
    tomorrow = NOON + timedelta(days=1, seconds=60)
    assert close(gateway, at=tomorrow) == 96
    assert close(gateway, at=tomorrow) == 0
    rows = OriginalRecord.objects.filter(meter=METER).order_by("number")
    assert [row.target_time for row in rows] == [
        NOON + number * QUARTER for number in range(97)
    ]
    assert OriginalRecord.objects.filter(meter=OTHER).count() == 0
    ensure_signature_certificate(gateway, NOON)
    assert verify_list(gateway, OriginalRecord, METER) == []


def test_a_meter_taken_over_later_missed_nothing_before(gateway: Gateway) -> None:
    """Older records of a meter (a demo's history) do not make a gap (D52)."""
    a_meter(gateway, now=NOON + timedelta(minutes=5))
    old = NOON - timedelta(days=30)
    record(gateway, old, a_reading(old))
    assert close(gateway, at=NOON + timedelta(minutes=32)) == 2
    times = OriginalRecord.objects.order_by("target_time").values_list("target_time")
    assert [time for (time,) in times] == [old, NOON + QUARTER, NOON + 2 * QUARTER]


@pytest.mark.req("R30")
def test_a_gap_is_told_once_to_the_owner(gateway: Gateway) -> None:
    """19006/1 once per gap and meter, without the meter in the system log."""
    a_meter(gateway, consumer="meier")
    a_meter(gateway, OTHER, consumer="nachbar")
    record(gateway, NOON, a_reading(NOON))
    for quarters in (1, 2, 3):
        close(gateway, at=NOON + quarters * QUARTER + timedelta(seconds=27))
    text = f"kein Messwert im Empfangszeitfenster (Zähler {METER})"
    assert log_of("meier") == [(19006, 1, [text])]
    assert log_of("nachbar") == []
    (entry,) = SystemLogEntry.objects.filter(event_id=19006)
    assert METER not in str(entry.arguments)
    back = NOON + 4 * QUARTER
    record(gateway, back, a_reading(back))
    close(gateway, at=back + QUARTER + timedelta(seconds=27))
    assert len(log_of("meier")) == 2


@pytest.mark.req("R33")
def test_a_storage_fault_goes_to_system_log_and_owners(gateway: Gateway) -> None:
    """300033 in the system log, 19006/2 with the code for the consumer."""
    a_meter(gateway, consumer="meier")
    services.report_storage_fault(gateway, meter_ids=[METER], now=NOON)
    assert log_of("meier") == [(19006, 2, ["300033"])]
    assert SystemLogEntry.objects.filter(event_id=300033, event_sub_id=1).count() == 1

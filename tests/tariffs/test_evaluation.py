"""From original records to derived ones: what is stored, when, and only once."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import IntegrityError

from hardware.gateway import Gateway
from hardware.record import Record, registers_of
from hardware.status_word import (
    METER_BASIC,
    NOT_FOR_BILLING,
    combined,
    ptb_status,
)
from logbooks import chains
from logbooks.certificates import ensure_signature_certificate
from logbooks.selectors import system_log
from meters.models import Meter, OriginalRecord
from meters.value_list import (
    append_records,
    chain_name,
    row_chain_payload,
    verify_record,
)
from tariffs import evaluation
from tariffs.models import DerivedRecord, EvaluationProfile
from tariffs.profile_spec import InputSpec
from tariffs.services import evaluate_due
from tariffs.tasks import evaluate_due as evaluate_due_task
from tests.tariffs.builders import (
    EXPORT,
    GAP,
    IMPORT,
    OK,
    QUARTER,
    a_meter,
    a_profile,
    course,
    refusing,
    register,
    store,
    utc,
)

JANUARY, FEBRUARY, MARCH = (
    utc("2025-12-31 23:00"),
    utc("2026-01-31 23:00"),
    utc("2026-02-28 23:00"),
)
DAY = timedelta(days=1)

pytestmark = pytest.mark.django_db


def rows(profile: str = "profile") -> list[tuple[object, int, int]]:
    """Target time, value of the first register, verdict of each derived record."""
    return [
        (row.target_time, registers_of(row.registers)[0].value, ptb_status(row.status))
        for row in DerivedRecord.objects.filter(profile=profile).order_by("number")
    ]


def a_sum(gateway: Gateway, *meters: Meter, **rest: object) -> EvaluationProfile:
    inputs = [InputSpec(meter.id, IMPORT) for meter in meters]
    given: dict[str, object] = {"now": MARCH, "valid_from": JANUARY, **rest}
    return a_profile(gateway, *inputs, taf=1, **given)  # type: ignore[arg-type]


@pytest.mark.req("R39")
def test_taf1_stores_one_sum_per_billing_period(gateway: Gateway) -> None:
    """R39: initial reading, then one value of 3 meters with signs per period, exact."""
    house, pump, sub = (a_meter(gateway, number) for number in (1, 2, 3))
    for at, value in ((JANUARY, 10), (FEBRUARY, 300), (MARCH, 700)):
        store(gateway, house, {at: value})
        store(gateway, pump, {at: value}, scaler=0)
        store(gateway, sub, {at: value}, scaler=-3)
    a_profile(
        gateway,
        InputSpec(house.id, IMPORT),
        InputSpec(pump.id, IMPORT),
        InputSpec(sub.id, IMPORT, -1),
        taf=1,
        now=MARCH,
        valid_from=JANUARY,
    )
    assert evaluate_due(gateway, now=MARCH + QUARTER) == 3
    factor = 100 + 1000 - 1
    assert rows() == [
        (JANUARY, 10 * factor, 0),
        (FEBRUARY, 300 * factor, 0),
        (MARCH, 700 * factor, 0),
    ]
    assert set(DerivedRecord.objects.values_list("registers", flat=True)) == {
        f"{IMPORT} {value * factor} -3 30" for value in (10, 300, 700)
    }


@pytest.mark.req("R57")
def test_taf1_takes_an_initial_and_a_final_reading(gateway: Gateway) -> None:
    """R57 (readings only, sending follows): at the ends of a validity off the grid."""
    meter = a_meter(gateway)
    begin, end = FEBRUARY - 3 * QUARTER, FEBRUARY + 3 * QUARTER
    store(gateway, meter, course(begin - DAY, end + DAY))
    minute = timedelta(minutes=1)
    a_sum(gateway, meter, valid_from=begin - minute, valid_to=end + minute, now=begin)
    evaluate_due(gateway, now=end + DAY)
    assert [target for target, _value, _verdict in rows()] == [begin, FEBRUARY, end]
    assert EvaluationProfile.objects.get().evaluated_to == end + minute


@pytest.mark.req("R37")
def test_nothing_is_stored_outside_the_validity(gateway: Gateway) -> None:
    """R37: boundaries before the begin and behind the end leave no record."""
    meter = a_meter(gateway)
    store(gateway, meter, {at: 1 for at in (JANUARY, FEBRUARY, MARCH)})
    a_sum(gateway, meter, valid_from=FEBRUARY, valid_to=FEBRUARY + DAY, now=FEBRUARY)
    store(gateway, meter, course(FEBRUARY + QUARTER, FEBRUARY + DAY, start=2, step=0))
    evaluate_due(gateway, now=MARCH + DAY)
    assert [target for target, *_rest in rows()] == [FEBRUARY, FEBRUARY + DAY]


def test_a_boundary_waits_for_its_value(gateway: Gateway) -> None:
    meter = a_meter(gateway)
    store(gateway, meter, course(FEBRUARY - DAY, FEBRUARY - QUARTER))
    a_sum(gateway, meter, valid_from=FEBRUARY - DAY)
    assert evaluate_due(gateway, now=FEBRUARY) == 1
    assert evaluate_due(gateway, now=FEBRUARY + timedelta(seconds=20)) == 0
    store(gateway, meter, {FEBRUARY: 7})
    assert evaluate_due(gateway, now=FEBRUARY + timedelta(seconds=21)) == 1
    assert rows()[-1] == (FEBRUARY, 7, 0)


def test_the_first_valid_capture_within_24_hours_stands_for_a_gap(
    gateway: Gateway,
) -> None:
    meter = a_meter(gateway)
    store(gateway, meter, {FEBRUARY - QUARTER: 5})
    a_sum(gateway, meter, valid_from=FEBRUARY - QUARTER)
    store(
        gateway,
        meter,
        course(FEBRUARY, FEBRUARY + QUARTER, start=5, step=0),
        status=GAP,
    )
    assert evaluate_due(gateway, now=FEBRUARY + QUARTER) == 1
    late = FEBRUARY + 2 * QUARTER
    store(gateway, meter, {late: 9})
    assert evaluate_due(gateway, now=late) == 1
    assert rows()[-1] == (FEBRUARY, 9, 2)
    stored = DerivedRecord.objects.get(target_time=FEBRUARY)
    assert stored.capture_time == late + timedelta(seconds=2)


def test_without_a_value_in_24_hours_the_last_one_is_stored_as_unusable(
    gateway: Gateway,
) -> None:
    meter = a_meter(gateway)
    store(gateway, meter, {FEBRUARY - QUARTER: 5})
    a_sum(gateway, meter, valid_from=FEBRUARY - QUARTER)
    dead = course(FEBRUARY, FEBRUARY + DAY, start=5, step=0)
    last = dead.popitem()
    store(gateway, meter, dead, status=GAP)
    assert evaluate_due(gateway, now=FEBRUARY + DAY) == 1
    store(gateway, meter, dict([last]), status=GAP)
    assert evaluate_due(gateway, now=FEBRUARY + DAY) == 1
    assert rows()[-1] == (FEBRUARY, 5, 3)


def test_a_history_that_still_comes_is_waited_for(gateway: Gateway) -> None:
    """Live records at the end of the list do not make its middle missing."""
    meter = a_meter(gateway)
    now = MARCH + DAY
    store(gateway, meter, {JANUARY: 1, now: 9})
    a_sum(gateway, meter, now=now)
    assert evaluate_due(gateway, now=now + timedelta(minutes=1)) == 1
    store(gateway, meter, {FEBRUARY: 3, MARCH: 4})
    assert evaluate_due(gateway, now=now + timedelta(minutes=2)) == 2
    assert rows() == [(JANUARY, 1, 0), (FEBRUARY, 3, 0), (MARCH, 4, 0)]


def test_a_new_meter_has_no_initial_reading_before_its_first_value(
    gateway: Gateway,
) -> None:
    meter = a_meter(gateway)
    a_sum(gateway, meter, valid_from=FEBRUARY - 3 * DAY)
    store(gateway, meter, course(FEBRUARY - QUARTER, FEBRUARY))
    evaluate_due(gateway, now=FEBRUARY)
    assert rows() == [(FEBRUARY, 1010, 0)]


@pytest.mark.req("R39")
def test_unsecured_meters_stay_out_unless_the_administrator_allows_it(
    gateway: Gateway,
) -> None:
    """Values of a plain source are not for billing (D38)."""
    plain = combined(NOT_FOR_BILLING, METER_BASIC)
    for number, unsecured in ((1, False), (2, True)):
        meter = a_meter(gateway, number, source="sml_push", unsecured=unsecured)
        store(gateway, meter, {FEBRUARY: 5}, status=plain)
        a_sum(gateway, meter, id=f"p{number}", valid_from=FEBRUARY, now=FEBRUARY)
    evaluate_due(gateway, now=FEBRUARY + QUARTER)
    assert rows("p1") == []
    assert rows("p2") == [(FEBRUARY, 5, 0)]


def test_sums_of_different_units_are_not_made_but_told(gateway: Gateway) -> None:
    house, other = a_meter(gateway, 1), a_meter(gateway, 2)
    store(gateway, house, {FEBRUARY: 1})
    odd = Record(other.id, FEBRUARY, FEBRUARY, OK, (register(1, unit=31),))
    append_records(gateway, OriginalRecord, [odd])
    a_sum(gateway, house, other, valid_from=FEBRUARY)
    evaluate_due(gateway, now=FEBRUARY + QUARTER)
    evaluate_due(gateway, now=FEBRUARY + QUARTER)
    assert rows() == []
    told = [line for line in system_log() if line.event_id == 19006]
    assert len(told) == 1


def narrowed(gateway: Gateway, **rest: object) -> Meter:
    """A meter with two registers and a TAF7 that names one of them."""
    meter = a_meter(gateway)
    given: dict[str, object] = {"now": FEBRUARY, "valid_from": FEBRUARY, **rest}
    a_profile(gateway, InputSpec(meter.id, EXPORT), taf=7, **given)  # type: ignore[arg-type]
    return meter


@pytest.mark.req("R46")
def test_taf7_stores_nothing_when_the_original_record_says_all(
    gateway: Gateway,
) -> None:
    """R46: the list is the original one, signed once (D16)."""
    meter = a_meter(gateway)
    store(gateway, meter, course(FEBRUARY, FEBRUARY + DAY))
    a_profile(
        gateway, InputSpec(meter.id, IMPORT), taf=7, now=FEBRUARY, valid_from=FEBRUARY
    )
    assert evaluate_due(gateway, now=FEBRUARY + DAY) == 0
    assert EvaluationProfile.objects.get().evaluated_to == FEBRUARY + DAY


@pytest.mark.req("R46")
def test_taf7_with_fewer_registers_stores_records_of_its_own(gateway: Gateway) -> None:
    """R46, D16: one narrowed record per registration period, placeholders included."""
    meter = narrowed(gateway, registration_period_s=1800)
    both = (IMPORT, EXPORT)
    store(gateway, meter, course(FEBRUARY, FEBRUARY + 3 * QUARTER), obis=both)
    store(gateway, meter, {FEBRUARY + 4 * QUARTER: 1030}, obis=both, status=GAP)
    assert evaluate_due(gateway, now=FEBRUARY + DAY) == 3
    assert rows() == [
        (FEBRUARY, 1000, 0),
        (FEBRUARY + 2 * QUARTER, 1020, 0),
        (FEBRUARY + 4 * QUARTER, 1030, 3),
    ]
    lines = DerivedRecord.objects.values_list("registers", flat=True)
    assert all(line.startswith(EXPORT) and "\n" not in line for line in lines)


def test_own_records_wait_for_a_hole_and_go_on_behind_a_settled_one(
    gateway: Gateway,
) -> None:
    meter = narrowed(gateway)
    both = (IMPORT, EXPORT)
    behind = FEBRUARY + 4 * QUARTER
    store(gateway, meter, {FEBRUARY: 1, behind: 9}, obis=both)
    assert evaluate_due(gateway, now=behind) == 1
    assert evaluate_due(gateway, now=behind + DAY) == 1
    assert [target for target, *_rest in rows()] == [FEBRUARY, behind]


def test_a_long_list_is_evaluated_in_steps(gateway: Gateway) -> None:
    meter = narrowed(gateway)
    end = FEBRUARY + 6 * DAY
    store(gateway, meter, course(FEBRUARY, end), obis=(IMPORT, EXPORT))
    assert evaluate_due(gateway, now=end) == 6 * 96 + 1
    assert evaluate_due(gateway, now=end) == 0


def test_a_second_run_stores_nothing(gateway: Gateway) -> None:
    meter = a_meter(gateway)
    store(gateway, meter, {at: 1 for at in (JANUARY, FEBRUARY, MARCH)})
    a_sum(gateway, meter)
    assert [evaluate_due(gateway, now=MARCH + QUARTER) for _ in range(3)] == [3, 0, 0]


def test_an_idle_run_costs_four_queries(
    gateway: Gateway, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    meter = a_meter(gateway)
    store(gateway, meter, course(FEBRUARY, FEBRUARY + QUARTER))
    a_sum(gateway, meter, valid_from=FEBRUARY, now=FEBRUARY)
    taf7 = InputSpec(meter.id, IMPORT)
    a_profile(gateway, taf7, taf=7, id="q", now=FEBRUARY, valid_from=FEBRUARY)
    evaluate_due(gateway, now=FEBRUARY + QUARTER)
    with django_assert_num_queries(4):  # type: ignore[operator]
        evaluate_due(gateway, now=FEBRUARY + QUARTER + timedelta(minutes=5))


@pytest.mark.req("R33")
def test_what_cannot_be_stored_is_logged_and_tried_again(gateway: Gateway) -> None:
    """R33: 300052 once, nothing half stored, and the next run has the same rows."""
    meter = a_meter(gateway)
    store(gateway, meter, {at: 1 for at in (JANUARY, FEBRUARY, MARCH)})
    a_sum(gateway, meter)
    with refusing("INSERT", "tariffs_derivedrecord"):
        for _run in range(2):
            assert evaluate_due(gateway, now=MARCH + QUARTER) == 0
    assert rows() == []
    assert EvaluationProfile.objects.get().evaluated_to is None
    assert [line.event_id for line in system_log()].count(300052) == 1
    assert evaluate_due(gateway, now=MARCH + QUARTER) == 3


@pytest.mark.parametrize(
    ("event", "table"),
    [("UPDATE", "tariffs_evaluationprofile"), ("INSERT", "tariffs_derivedrecord")],
)
def test_a_crash_between_rows_and_mark_leaves_neither(
    gateway: Gateway, event: str, table: str
) -> None:
    meter = narrowed(gateway)
    store(gateway, meter, course(FEBRUARY, FEBRUARY + QUARTER), obis=(IMPORT, EXPORT))
    with refusing(event, table):
        assert evaluate_due(gateway, now=FEBRUARY + DAY) == 0
    assert rows() == []
    assert EvaluationProfile.objects.get().evaluated_to is None
    assert evaluate_due(gateway, now=FEBRUARY + DAY) == 2


def test_a_step_that_another_worker_took_first_stores_nothing(gateway: Gateway) -> None:
    meter = a_meter(gateway)
    store(gateway, meter, {FEBRUARY: 1})
    profile = a_sum(gateway, meter, valid_from=FEBRUARY)
    evaluate_due(gateway, now=FEBRUARY)
    assert profile.evaluated_to is None
    assert evaluation.advance(gateway, profile, now=FEBRUARY) == 0
    assert len(rows()) == 1


def test_recomputing_gives_the_same_rows_whatever_the_order_of_hints(
    gateway: Gateway,
) -> None:
    meter = a_meter(gateway)
    values = course(FEBRUARY - 2 * DAY, FEBRUARY + DAY)
    a_sum(gateway, meter, id="step-by-step", valid_from=FEBRUARY - 2 * DAY)
    for at, value in values.items():
        is_gap = abs(at - FEBRUARY) < 3 * QUARTER
        store(gateway, meter, {at: value}, status=GAP if is_gap else OK)
        evaluate_due(gateway, now=at)
    a_sum(gateway, meter, id="at-once", valid_from=FEBRUARY - 2 * DAY)
    evaluate_due(gateway, now=FEBRUARY + DAY)
    assert rows("step-by-step") == rows("at-once")
    assert [verdict for *_rest, verdict in rows("at-once")] == [0, 2]


def test_every_derived_record_verifies_and_the_list_is_a_chain(
    gateway: Gateway,
) -> None:
    certificate = ensure_signature_certificate(gateway, JANUARY)
    meter = a_meter(gateway)
    store(gateway, meter, {at: 1 for at in (JANUARY, FEBRUARY, MARCH)})
    a_sum(gateway, meter)
    evaluate_due(gateway, now=MARCH + QUARTER)
    derived = list(DerivedRecord.objects.order_by("number"))
    for row in derived:
        verify_record(row, gateway.huid, certificate)
    chain = [
        chains.ChainRow(
            row.number, row_chain_payload(gateway.huid, row), bytes(row.chain_hash)
        )
        for row in derived
    ]
    name = chain_name(DerivedRecord, "profile")
    assert chains.verify(gateway, name, chain) == []


def test_derived_rows_are_final(gateway: Gateway) -> None:
    meter = a_meter(gateway)
    store(gateway, meter, {FEBRUARY: 1})
    a_sum(gateway, meter, valid_from=FEBRUARY)
    evaluate_due(gateway, now=FEBRUARY)
    with pytest.raises(IntegrityError):
        DerivedRecord.objects.update(status=0)


def test_the_task_takes_its_gateway_from_the_app(gateway: Gateway) -> None:
    meter = a_meter(gateway)
    store(gateway, meter, {FEBRUARY: 1})
    a_sum(gateway, meter, valid_from=FEBRUARY)
    app = SimpleNamespace(gateways={gateway.huid: gateway})
    evaluate_due_task.run.__func__(SimpleNamespace(app=app), gateway.huid)
    assert len(rows()) >= 1

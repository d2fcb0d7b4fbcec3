"""What a consumer sees: only his own, by periods, cheap even over years."""

from datetime import timedelta
from itertools import pairwise

import pytest

from hardware.gateway import Gateway
from hardware.record import registers_of
from hardware.status_word import METER_BASIC, NOT_FOR_BILLING, combined, ptb_status
from meters.models import Meter
from tariffs import selectors
from tariffs.calendar import Period
from tariffs.list_row import ListRow
from tariffs.models import EvaluationProfile
from tariffs.profile_spec import InputSpec
from tariffs.services import create_participant, evaluate_due, record_dispatch
from tests.tariffs.builders import (
    CAPTURE_DELAY,
    EXPORT,
    GAP,
    IMPORT,
    QUARTER,
    a_meter,
    a_profile,
    course,
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


def value(row: ListRow) -> int:
    return registers_of(row.registers)[0].value


def shown(consumer: str, profile_id: str = "profile") -> EvaluationProfile:
    profile = selectors.profile_of(consumer, profile_id)
    assert profile is not None
    return profile


def a_course(gateway: Gateway, meter: Meter, *obis: str, **rest: object) -> None:
    inputs = [InputSpec(meter.id, one) for one in obis or (IMPORT,)]
    given: dict[str, object] = {"now": MARCH, "valid_from": FEBRUARY, **rest}
    a_profile(gateway, *inputs, taf=7, **given)  # type: ignore[arg-type]


@pytest.mark.req("R120")
def test_a_consumer_has_his_own_profiles_only(gateway: Gateway) -> None:
    """R120: all of his, none of another; another's is as if it did not exist."""
    mine, other = a_meter(gateway, 1), a_meter(gateway, 2, consumer="nachbar")
    a_course(gateway, mine, id="b")
    a_profile(gateway, InputSpec(mine.id, IMPORT), taf=1, id="a", now=MARCH)
    a_course(gateway, other, id="c")
    assert [p.id for p in selectors.profiles_of("hks2")] == ["a", "b"]
    assert [p.id for p in selectors.profiles_of("nachbar")] == ["c"]
    assert selectors.profile_of("hks2", "c") is None
    assert selectors.profile_of("hks2", "unknown") is None


@pytest.mark.req("R120")
def test_a_deleted_profile_is_seen_as_long_as_it_has_lists(gateway: Gateway) -> None:
    """R120: its values stay the consumer's; one that never began has none."""
    mine = a_meter(gateway, 1)
    for name, done in (("a", MARCH), ("b", None)):
        a_profile(gateway, InputSpec(mine.id, IMPORT), taf=1, id=name, now=MARCH)
        changed = EvaluationProfile.objects.filter(pk=name)
        changed.update(state="deleted", evaluated_to=done)
    assert [p.id for p in selectors.profiles_of("hks2")] == ["a"]
    assert selectors.profile_of("hks2", "b") is None


@pytest.mark.parametrize("text", ["x\0y", "", "x" * 33, "ä"])
def test_what_cannot_be_an_id_is_not_asked_of_the_database(
    text: str, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert selectors.profile_of("hks2", text) is None


def test_profiles_come_with_all_that_a_page_shows(
    gateway: Gateway, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    create_participant("emt")
    for number in range(1, 4):
        meter = a_meter(gateway, number)
        a_course(gateway, meter, id=f"p{number}", recipients=("emt",))
    with django_assert_num_queries(3):  # type: ignore[operator]
        for profile in selectors.profiles_of("hks2"):
            assert [one.meter.server_id for one in profile.inputs.all()]
            assert [one.name for one in profile.recipients.all()] == ["-"]
            assert selectors.periods(profile, MARCH)


@pytest.mark.req("R121")
def test_periods_come_newest_first_with_the_planned_end(gateway: Gateway) -> None:
    """R121: the billing periods of the profile."""
    a_course(gateway, a_meter(gateway), valid_from=JANUARY)
    april = utc("2026-03-31 22:00")
    assert selectors.periods(shown("hks2"), MARCH + DAY) == [
        (MARCH, april),
        (FEBRUARY, MARCH),
        (JANUARY, FEBRUARY),
    ]


@pytest.mark.req("R122")
def test_daily_periods_are_shown_by_weeks(gateway: Gateway) -> None:
    """R122: 30 days of a daily profile are four weeks and a rest."""
    a_course(gateway, a_meter(gateway), billing_unit="day")
    periods = selectors.periods(shown("hks2"), FEBRUARY + 30 * DAY)
    assert [p.end - p.begin for p in periods] == [2 * DAY, *[7 * DAY] * 4]


@pytest.mark.req("R123")
def test_a_period_holds_its_end_and_not_its_begin(gateway: Gateway) -> None:
    """R123: (begin, end], so that neighbouring periods share no value."""
    meter = a_meter(gateway)
    store(gateway, meter, course(FEBRUARY - DAY, FEBRUARY + 2 * DAY))
    a_course(gateway, meter)
    period = Period(FEBRUARY, FEBRUARY + DAY)
    rows = list(selectors.period_rows(shown("hks2"), period))
    assert rows[0].target_time == FEBRUARY + QUARTER
    assert rows[-1].target_time == FEBRUARY + DAY
    assert all(one.target_time < other.target_time for one, other in pairwise(rows))


@pytest.mark.req("R46")
@pytest.mark.parametrize(
    ("day", "count"),
    [("2026-02-28 23:00", 96), ("2026-03-28 23:00", 92), ("2026-10-24 22:00", 100)],
)
def test_taf7_lists_each_quarter_hour_of_a_local_day(
    gateway: Gateway, day: str, count: int
) -> None:
    """R46: 96 entries, 92 and 100 on the days of the clock change; signed originals."""
    meter = a_meter(gateway)
    begin = utc(day)
    store(gateway, meter, course(begin, begin + 25 * timedelta(hours=1)))
    a_course(gateway, meter, valid_from=begin, billing_unit="day", billing_count=7)
    period = Period(begin, begin + count * QUARTER)
    rows = list(selectors.period_rows(shown("hks2"), period))
    assert len(rows) == count
    assert all(row.signature and row.subject == meter.id for row in rows)


def test_a_longer_registration_period_takes_its_instants_only(
    gateway: Gateway,
) -> None:
    meter = a_meter(gateway)
    store(gateway, meter, course(FEBRUARY, FEBRUARY + DAY))
    a_course(gateway, meter, registration_period_s=21_600)
    rows = selectors.period_rows(shown("hks2"), Period(FEBRUARY, FEBRUARY + DAY))
    assert [row.target_time - FEBRUARY for row in rows] == [
        timedelta(hours=hours) for hours in (6, 12, 18, 24)
    ]


def test_placeholders_are_listed(gateway: Gateway) -> None:
    meter = a_meter(gateway)
    store(gateway, meter, {FEBRUARY: 1})
    store(gateway, meter, {FEBRUARY + QUARTER: 1}, status=GAP)
    a_course(gateway, meter)
    (row,) = selectors.period_rows(shown("hks2"), Period(FEBRUARY, MARCH))
    assert ptb_status(row.status) == 3


@pytest.mark.req("R46")
def test_a_profile_with_fewer_registers_shows_just_these(gateway: Gateway) -> None:
    """R46, D16: own signed rows; nobody sees what the profile does not name."""
    meter = a_meter(gateway)
    end = FEBRUARY + 3 * QUARTER
    store(gateway, meter, course(FEBRUARY, end), obis=(IMPORT, EXPORT))
    a_course(gateway, meter, EXPORT)
    evaluate_due(gateway, now=end)
    rows = list(selectors.period_rows(shown("hks2"), Period(FEBRUARY, MARCH)))
    assert [row.target_time for row in rows] == [
        FEBRUARY + n * QUARTER for n in (1, 2, 3)
    ]
    assert all(row.registers.startswith(EXPORT) for row in rows)
    assert {row.subject for row in rows} == {"profile"}
    assert all(IMPORT not in row.registers for row in rows)


def test_a_list_may_change_from_originals_to_own_rows(gateway: Gateway) -> None:
    """A meter that got a second register: before originals, then narrowed rows."""
    meter = a_meter(gateway)
    store(gateway, meter, {FEBRUARY + QUARTER: 1}, obis=(IMPORT,))
    store(gateway, meter, {FEBRUARY + 2 * QUARTER: 2}, obis=(IMPORT, EXPORT))
    a_course(gateway, meter)
    evaluate_due(gateway, now=FEBRUARY + DAY)
    rows = list(selectors.period_rows(shown("hks2"), Period(FEBRUARY, MARCH)))
    assert [row.subject for row in rows] == [meter.id, "profile"]
    assert [row.registers.split(" ")[1] for row in rows] == ["1", "2"]


def test_unsecured_readings_stay_out_of_the_list(gateway: Gateway) -> None:
    plain = combined(NOT_FOR_BILLING, METER_BASIC)
    for number, unsecured in ((1, False), (2, True)):
        meter = a_meter(gateway, number, source="sml_push", unsecured=unsecured)
        store(gateway, meter, {FEBRUARY + QUARTER: 5}, status=plain)
        a_course(gateway, meter, id=f"p{number}")
    period = Period(FEBRUARY, MARCH)
    assert list(selectors.period_rows(shown("hks2", "p1"), period)) == []
    assert len(list(selectors.period_rows(shown("hks2", "p2"), period))) == 1


@pytest.mark.req("R37")
def test_only_the_validity_is_shown(gateway: Gateway) -> None:
    """R37: original records outside the validity are no rows of the profile."""
    meter = a_meter(gateway)
    store(gateway, meter, course(FEBRUARY - DAY, FEBRUARY + DAY))
    end = FEBRUARY + 3 * QUARTER
    a_course(gateway, meter, now=FEBRUARY, valid_to=end + timedelta(minutes=1))
    profile = shown("hks2")
    rows = list(selectors.period_rows(profile, Period(JANUARY, MARCH)))
    assert (rows[0].target_time, rows[-1].target_time) == (FEBRUARY, end)
    now = FEBRUARY + DAY
    current = selectors.current_row(profile, now)
    assert current and current.target_time == end
    assert len(selectors.periods(profile, now)) == 1


def a_sum(gateway: Gateway, *meters: Meter) -> EvaluationProfile:
    inputs = [InputSpec(meter.id, IMPORT) for meter in meters]
    a_profile(gateway, *inputs, taf=1, now=MARCH, valid_from=FEBRUARY)
    return shown("hks2")


@pytest.mark.req("R39")
def test_the_result_of_a_month_is_one_signed_row(gateway: Gateway) -> None:
    """R39: one reading per billing period, at its end."""
    meter = a_meter(gateway)
    store(gateway, meter, {FEBRUARY: 1, MARCH: 5})
    profile = a_sum(gateway, meter)
    evaluate_due(gateway, now=MARCH + QUARTER)
    (row,) = selectors.period_rows(profile, Period(FEBRUARY, MARCH))
    assert (row.target_time, value(row), row.is_signed) == (MARCH, 5, True)
    assert list(selectors.period_rows(profile, Period(MARCH, MARCH + 31 * DAY))) == []


def test_the_open_period_shows_the_newest_common_values(gateway: Gateway) -> None:
    """D58: computed on request from original records, not signed, not stored."""
    house, pump = a_meter(gateway, 1), a_meter(gateway, 2)
    common = FEBRUARY + 4 * QUARTER
    store(gateway, house, course(FEBRUARY, common + QUARTER))
    store(gateway, pump, course(FEBRUARY, common, start=50))
    store(gateway, pump, {common + QUARTER: 0}, status=GAP)
    profile = a_sum(gateway, house, pump)
    row = selectors.current_row(profile, common + 2 * QUARTER)
    assert row is not None
    assert (row.target_time, value(row)) == (common, 1040 + 90)
    assert row.capture_time == common + CAPTURE_DELAY
    assert (row.is_signed, row.subject) == (False, "profile")


def test_there_is_no_current_row_before_the_first_value(gateway: Gateway) -> None:
    house, pump = a_meter(gateway, 1), a_meter(gateway, 2)
    store(gateway, house, {FEBRUARY: 1, FEBRUARY - QUARTER: 1})
    store(gateway, pump, {FEBRUARY - QUARTER: 1})
    assert selectors.current_row(a_sum(gateway, house, pump), MARCH) is None


def test_the_current_row_of_taf7_is_the_newest_of_its_list(gateway: Gateway) -> None:
    meter = a_meter(gateway)
    a_course(gateway, meter)
    profile = shown("hks2")
    assert selectors.current_row(profile, MARCH) is None
    store(gateway, meter, course(FEBRUARY, FEBRUARY + DAY))
    for now in (FEBRUARY + DAY, FEBRUARY + 2 * DAY, FEBRUARY + 20 * DAY):
        row = selectors.current_row(profile, now)
        assert row and (row.target_time, row.is_signed) == (FEBRUARY + DAY, True)


@pytest.mark.parametrize(("medium", "hour"), [(1, 0), (7, 6)])
def test_daily_rows_stand_at_the_day_starts_of_the_medium(
    gateway: Gateway, medium: int, hour: int
) -> None:
    """Ascending, gas at 06:00, a day without a usable value left out, both TAFs."""
    meter = a_meter(gateway, medium=medium)
    first = FEBRUARY + timedelta(hours=hour)
    store(gateway, meter, {first + n * DAY: n for n in (0, 1, 3)})
    store(gateway, meter, {first + 2 * DAY: 1}, status=GAP)
    taf1 = a_sum(gateway, meter)
    now = first + 3 * DAY
    rows = selectors.daily_rows(taf1, now)
    assert [(row.target_time, value(row)) for row in rows] == [
        (first + n * DAY, n) for n in (0, 1, 3)
    ]
    a_course(gateway, meter, id="course")
    days = [
        row.target_time for row in selectors.daily_rows(shown("hks2", "course"), now)
    ]
    assert days == [first + n * DAY for n in range(4)]


def test_daily_rows_reach_back_42_days(gateway: Gateway) -> None:
    meter = a_meter(gateway)
    store(gateway, meter, {JANUARY + n * DAY: n for n in range(60)})
    a_profile(
        gateway, InputSpec(meter.id, IMPORT), taf=1, now=MARCH, valid_from=JANUARY
    )
    now = JANUARY + 59 * DAY + timedelta(hours=1)
    rows = selectors.daily_rows(shown("hks2"), now)
    assert [value(row) for row in rows] == list(range(18, 60))


def test_dispatches_say_what_was_sent_to_whom(gateway: Gateway) -> None:
    create_participant("emt")
    a_course(gateway, a_meter(gateway), recipients=("emt",))
    span = {"begin": FEBRUARY, "end": FEBRUARY + DAY, "sent_at": MARCH}
    record_dispatch("profile", "emt", **span)
    (sent,) = selectors.dispatches(shown("hks2"))
    assert (sent.recipient, sent.sent_at) == ("emt", MARCH)
    assert sent.period == Period(FEBRUARY, FEBRUARY + DAY)


def test_a_contract_is_named_after_profile_and_gateway(gateway: Gateway) -> None:
    a_course(gateway, a_meter(gateway))
    name = selectors.contract_name(gateway.huid, shown("hks2"))
    assert name == "profile.eemh0009264154.sm"

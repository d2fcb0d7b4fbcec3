"""TAF2 end to end: from original records to stored stage registers."""

from datetime import datetime, time, timedelta
from random import Random
from typing import Any

import pytest

from hardware.gateway import Gateway
from hardware.record import registers_of
from hardware.status_word import is_placeholder
from logbooks.certificates import ensure_signature_certificate
from logbooks.selectors import consumer_log
from meters.models import Meter
from meters.value_list import verify_record
from tariffs import selectors
from tariffs.models import DerivedRecord, EvaluationProfile
from tariffs.profile_spec import InputSpec
from tariffs.services import evaluate_due
from tariffs.switch_calendar import StageRule
from tariffs.tariff_spec import DefaultRule, Stage, TariffSpec
from tests.tariffs.builders import (
    EXPORT,
    GAP,
    IMPORT,
    QUARTER,
    a_meter,
    a_profile,
    course,
    refusing,
    store,
    utc,
)

HT_NT = TariffSpec(
    (Stage(1, "HT"), Stage(2, "NT")),
    (StageRule(1, begin=time(6), end=time(22)), DefaultRule(2)),
)
NIGHT = TariffSpec(
    (Stage(1), Stage(2)),
    (StageRule(1, begin=time(2, 30), end=time(5)), DefaultRule(2)),
)
BEGIN = utc("2026-02-27 23:00")
MONTH = utc("2026-02-28 23:00")
END = utc("2026-03-01 23:00")
DAY = timedelta(days=1)
SWITCH = 21002

pytestmark = pytest.mark.django_db


def a_tariff(gateway: Gateway, *meters: Meter, **rest: Any) -> EvaluationProfile:
    inputs = [InputSpec(meter.id, IMPORT) for meter in meters]
    given: dict[str, Any] = {"now": BEGIN, "valid_from": BEGIN, "tariff": HT_NT}
    return a_profile(gateway, *inputs, taf=2, **{**given, **rest})


def rows() -> list[tuple[datetime, dict[int, int]]]:
    """Target time and the registers by stage of each derived record."""
    return [
        (
            row.target_time,
            {r.obis.groups[4]: r.value for r in registers_of(row.registers)},
        )
        for row in DerivedRecord.objects.order_by("number")
    ]


def switches_told() -> list[str]:
    return [e.text for e in reversed(consumer_log("hks2")) if e.event_id == SWITCH]


@pytest.mark.req("R42")
def test_a_record_at_each_switch_and_at_the_end_of_the_period(gateway: Gateway) -> None:
    """R42: initial reading, switches at 6 and 22, the turn of the month between."""
    meter = a_meter(gateway)
    store(gateway, meter, course(BEGIN, END))
    profile = a_tariff(gateway, meter)
    assert evaluate_due(gateway, now=END + QUARTER) == 6
    assert rows() == [
        (BEGIN, {0: 0, 1: 0, 2: 0, 63: 0}),
        (utc("2026-02-28 05:00"), {0: 240, 1: 0, 2: 240, 63: 0}),
        (utc("2026-02-28 21:00"), {0: 880, 1: 640, 2: 240, 63: 0}),
        (MONTH, {0: 960, 1: 640, 2: 320, 63: 0}),
        (utc("2026-03-01 05:00"), {0: 1200, 1: 640, 2: 560, 63: 0}),
        (utc("2026-03-01 21:00"), {0: 1840, 1: 1280, 2: 560, 63: 0}),
    ]
    assert evaluate_due(gateway, now=END + QUARTER) == 0
    profile.refresh_from_db()
    assert profile.evaluated_to == utc("2026-03-01 21:00")
    certificate = ensure_signature_certificate(gateway, BEGIN)
    for row in DerivedRecord.objects.all():
        verify_record(row, gateway.huid, certificate)


@pytest.mark.req("R42")
def test_each_switch_is_logged_with_its_stages(gateway: Gateway) -> None:
    """R42: 21002 with old and new stage, none at ends of periods."""
    meter = a_meter(gateway)
    store(gateway, meter, course(BEGIN, END))
    a_tariff(gateway, meter)
    evaluate_due(gateway, now=END + QUARTER)
    there = "Es wurde von Tarifstufe 2 auf Tarifstufe 1 geschaltet"
    back = "Es wurde von Tarifstufe 1 auf Tarifstufe 2 geschaltet"
    assert switches_told() == [there, back] * 2


def test_switches_before_the_profile_was_made_are_history(gateway: Gateway) -> None:
    meter = a_meter(gateway)
    store(gateway, meter, course(BEGIN, END))
    a_tariff(gateway, meter, now=utc("2026-03-01 12:00"))
    evaluate_due(gateway, now=END + QUARTER)
    assert len(switches_told()) == 1


@pytest.mark.req("R42")
def test_a_switch_in_the_skipped_hour_happens_at_its_end(gateway: Gateway) -> None:
    """R42: 02:30 does not exist on 29 March 2026; the stage changes at 03:00."""
    meter = a_meter(gateway)
    begin = utc("2026-03-28 23:00")
    store(gateway, meter, course(begin, begin + DAY))
    a_tariff(gateway, meter, valid_from=begin, now=begin, tariff=NIGHT)
    evaluate_due(gateway, now=utc("2026-03-29 01:14"))
    assert [at for at, _stages in rows()] == [begin, utc("2026-03-29 01:00")]
    assert switches_told() == ["Es wurde von Tarifstufe 2 auf Tarifstufe 1 geschaltet"]


def test_a_switch_in_the_repeated_hour_happens_once(gateway: Gateway) -> None:
    meter = a_meter(gateway)
    begin = utc("2026-10-24 22:00")
    store(gateway, meter, course(begin, begin + DAY))
    a_tariff(gateway, meter, valid_from=begin, now=begin, tariff=NIGHT)
    evaluate_due(gateway, now=begin + timedelta(hours=8))
    assert [at for at, _stages in rows()] == [
        begin,
        utc("2026-10-25 00:30"),
        utc("2026-10-25 04:00"),
    ]
    assert rows()[-1][1] == {0: 240, 1: 140, 2: 100, 63: 0}


def test_a_hole_is_waited_for_and_then_believed(gateway: Gateway) -> None:
    meter = a_meter(gateway)
    values = course(BEGIN, END)
    hole = utc("2026-02-28 04:30"), MONTH - 4 * QUARTER
    closed_at = hole[1] + QUARTER + DAY
    store(
        gateway,
        meter,
        {at: v for at, v in values.items() if not hole[0] <= at <= hole[1]},
    )
    a_tariff(gateway, meter)
    assert evaluate_due(gateway, now=MONTH) == 1
    assert evaluate_due(gateway, now=closed_at - QUARTER) == 0
    assert evaluate_due(gateway, now=closed_at) == 5
    assert rows()[-1][1] == {0: 1840, 1: 640, 2: 210 + 30 + 240, 63: 720}


def test_a_placeholder_at_a_switch_is_not_waited_for(gateway: Gateway) -> None:
    meter = a_meter(gateway)
    values = course(BEGIN, END)
    missing = utc("2026-02-28 05:00")
    store(gateway, meter, {at: v for at, v in values.items() if at < missing})
    store(gateway, meter, {missing: values[missing - QUARTER]}, status=GAP)
    store(gateway, meter, {at: v for at, v in values.items() if at > missing})
    a_tariff(gateway, meter)
    evaluate_due(gateway, now=utc("2026-02-28 21:00"))
    record = DerivedRecord.objects.get(target_time=missing)
    assert is_placeholder(record.status)
    assert rows()[1][1] == {0: 230, 1: 0, 2: 230, 63: 0}
    assert rows()[2][1] == {0: 880, 1: 630, 2: 230, 63: 20}


def test_no_record_before_the_first_value(gateway: Gateway) -> None:
    meter = a_meter(gateway)
    first = utc("2026-02-28 12:00")
    store(gateway, meter, course(first, END))
    a_tariff(gateway, meter)
    evaluate_due(gateway, now=END)
    assert rows()[0][0] == utc("2026-02-28 21:00")
    assert rows()[0][1] == {0: 360, 1: 360, 2: 0, 63: 0}


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_hints_changes_nothing(gateway: Gateway, seed: int) -> None:
    """Records arrive in pieces, evaluated in between: the same rows at the end."""
    random = Random(seed)
    meter = a_meter(gateway)
    values = course(BEGIN, END)
    gone = {at for at in values if random.random() < 0.2 and at not in (BEGIN, END)}
    pieces = [at for at in values if at not in gone]
    a_tariff(gateway, meter)
    for start in range(0, len(pieces), 40):
        part = {at: values[at] for at in pieces[start : start + 40]}
        store(gateway, meter, part)
        evaluate_due(gateway, now=max(part) + QUARTER)
        if random.random() < 0.5:
            evaluate_due(gateway, now=max(part) + QUARTER)
    evaluate_due(gateway, now=END + 2 * DAY)
    stepwise = rows()
    fresh = a_tariff(gateway, meter, id="again")
    evaluate_due(gateway, now=END + 2 * DAY)
    again = DerivedRecord.objects.filter(profile=fresh).order_by("number")
    assert [
        (row.target_time, row.registers, row.status)
        for row in DerivedRecord.objects.exclude(profile=fresh).order_by("number")
    ] == [(row.target_time, row.registers, row.status) for row in again]
    assert stepwise
    assert stepwise[-1][1][0] == sum(v for e, v in stepwise[-1][1].items() if e)


def test_a_crash_leaves_neither_record_nor_log_entry(
    gateway: Gateway, transactional_db: None
) -> None:
    meter = a_meter(gateway)
    store(gateway, meter, course(BEGIN, END))
    a_tariff(gateway, meter)
    evaluate_due(gateway, now=BEGIN)
    with refusing("INSERT", "tariffs_derivedrecord"):
        evaluate_due(gateway, now=utc("2026-02-28 05:00"))
    assert (len(rows()), switches_told()) == (1, [])
    evaluate_due(gateway, now=utc("2026-02-28 05:00"))
    assert (len(rows()), len(switches_told())) == (2, 1)


def test_a_counter_that_falls_is_told_and_counts_nothing(gateway: Gateway) -> None:
    meter = a_meter(gateway)
    half = BEGIN + DAY / 2
    store(gateway, meter, course(BEGIN, half))
    store(gateway, meter, course(half + QUARTER, END, start=0))
    a_tariff(gateway, meter)
    evaluate_due(gateway, now=END)
    told = [e.text for e in consumer_log("hks2") if e.event_id == 19006]
    assert len(told) == 1
    assert f"nichts gezählt: {meter.id} {IMPORT}" in told[0]
    assert rows()[-1][1][0] == 1840 - 10


# --- what the consumer sees ---------------------------------------------------------


def test_the_current_state_goes_on_from_the_last_record(gateway: Gateway) -> None:
    meter = a_meter(gateway)
    store(gateway, meter, course(BEGIN, END))
    profile = a_tariff(gateway, meter)
    now = utc("2026-02-28 12:05")
    evaluate_due(gateway, now=now)
    row = selectors.current_row(profile, now)
    assert row is not None
    assert (row.target_time, row.is_signed) == (utc("2026-02-28 12:00"), False)
    values = {r.obis.groups[4]: r.value for r in registers_of(row.registers)}
    assert values == {0: 520, 1: 280, 2: 240, 63: 0}


def test_the_day_values_are_those_that_would_have_been_written(
    gateway: Gateway,
) -> None:
    """Also where no record stands at midnight; a stored one stands for itself."""
    house, pump = a_meter(gateway), a_meter(gateway, 2)
    store(gateway, house, course(BEGIN, END + 2 * DAY), obis=(IMPORT, EXPORT))
    store(gateway, pump, course(BEGIN, END + 2 * DAY, step=3))
    profile = a_tariff(gateway, house, pump)
    evaluate_due(gateway, now=END + 2 * DAY)
    days = selectors.daily_rows(profile, END + 2 * DAY)
    assert [row.target_time for row in days] == [BEGIN + n * DAY for n in range(5)]
    assert [row.is_signed for row in days] == [True, True, False, False, False]
    totals = [registers_of(row.registers)[0].value for row in days]
    assert totals == [n * 96 * 13 for n in range(5)]
    stages = {r.obis.groups[4]: r.value for r in registers_of(days[-1].registers)}
    assert stages == {0: 4992, 1: 4 * 64 * 13, 2: 4 * 32 * 13, 63: 0}


def test_a_period_holds_its_switches_and_its_end(gateway: Gateway) -> None:
    meter = a_meter(gateway)
    store(gateway, meter, course(BEGIN, END))
    profile = a_tariff(gateway, meter)
    evaluate_due(gateway, now=END)
    open_one, closed = selectors.periods(profile, END)
    assert [row.target_time for row in selectors.period_rows(profile, closed)] == [
        utc("2026-02-28 05:00"),
        utc("2026-02-28 21:00"),
        MONTH,
    ]
    assert len(list(selectors.period_rows(profile, open_one))) == 2

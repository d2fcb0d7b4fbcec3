"""When values are sent: initial reading, schedule, final reading; nothing twice."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice

import pytest

from hardware.gateway import Gateway
from meters.models import Meter
from portal.sent_marks import NEVER, SENT, marks_of
from tariffs import outbox, selectors
from tariffs.calendar import Period
from tariffs.models import EvaluationProfile, MarketParticipant, OutboxRow
from tariffs.profile_spec import InputSpec, ProfileInvalid
from tariffs.send_schedule import ScheduleInvalid, parsed
from tariffs.sending import delivered_rows
from tariffs.services import create_participant, end_profile, evaluate_due
from tariffs.switch_calendar import StageRule
from tariffs.tariff_spec import DefaultRule, Stage, TariffSpec
from tests.tariffs.builders import (
    IMPORT,
    a_meter,
    a_profile,
    course,
    refusing,
    store,
    utc,
)

HOUSE = "1emh0000000001"
INPUT = InputSpec(HOUSE, IMPORT)
LATE = timedelta(minutes=1)
T0 = utc("2026-02-27 23:00")
"""28 February 00:00 in Berlin."""


@pytest.fixture
def meter(gateway: Gateway, db: None) -> Meter:
    create_participant("emt-1")
    return a_meter(gateway)


def owed() -> list[tuple[str, str, str]]:
    rows = OutboxRow.objects.order_by("sequence")
    return [
        (row.kind, f"{row.begin:%m-%d %H:%M}", f"{row.end:%m-%d %H:%M}") for row in rows
    ]


def started(gateway: Gateway, taf: int, **rest: object) -> EvaluationProfile:
    rest = {"recipients": ("emt-1",), **rest}
    return a_profile(gateway, INPUT, taf=taf, now=T0, **rest)  # type: ignore[arg-type]


def evaluated(gateway: Gateway, meter: Meter, until: datetime) -> None:
    store(gateway, meter, course(T0, until))
    evaluate_due(gateway, now=until + LATE)


@pytest.mark.req("R36", "R57")
def test_taf7_sends_first_reading_each_midnight_and_final_reading(
    gateway: Gateway, meter: Meter
) -> None:
    """R36, R57: without a schedule at the start of each day, and 16002, 16003 apart."""
    started(gateway, 7, valid_to=T0 + timedelta(days=2, minutes=50))
    evaluated(gateway, meter, T0 + timedelta(days=3))
    assert owed() == [
        ("initial", "02-27 22:45", "02-27 23:00"),
        ("periodic", "02-27 23:00", "02-28 23:00"),
        ("periodic", "02-28 23:00", "03-01 23:00"),
        ("periodic", "03-01 23:00", "03-01 23:30"),
        ("final", "03-01 23:30", "03-01 23:45"),
    ]


@pytest.mark.req("R36")
def test_values_go_at_the_configured_time(gateway: Gateway, meter: Meter) -> None:
    """R36: TAF7 sends what there is at that time; TAF1 puts its value off to it."""
    started(gateway, 7, schedule="20 6,18 * * *")
    started(gateway, 1, id="one", schedule="0 1 * * *")
    evaluated(gateway, meter, T0 + timedelta(days=1))
    course_rows = OutboxRow.objects.filter(profile="profile", kind="periodic")
    assert [(f"{r.begin:%H:%M}", f"{r.end:%H:%M}") for r in course_rows] == [
        ("23:00", "05:15"),
        ("05:15", "17:15"),
    ]
    assert [f"{r.next_attempt_at:%H:%M}" for r in course_rows] == ["05:20", "17:20"]
    (billed,) = OutboxRow.objects.filter(profile="one", kind="periodic")
    assert billed.end == utc("2026-02-28 23:00")
    assert billed.next_attempt_at == utc("2026-03-01 00:00")


@pytest.mark.req("R34", "R39")
@pytest.mark.parametrize("taf", [1, 2])
def test_taf1_and_taf2_send_the_end_of_each_billing_period(
    gateway: Gateway, meter: Meter, taf: int
) -> None:
    """R34, R39: one reading per billing period, initial and final reading on top."""
    tariff = TariffSpec((Stage(1),), (DefaultRule(1),)) if taf == 2 else None
    end = T0 + timedelta(days=4)
    started(gateway, taf, tariff=tariff, valid_to=end)
    evaluated(gateway, meter, end)
    assert owed() == [
        ("initial", "02-27 22:45", "02-27 23:00"),
        ("periodic", "02-27 23:00", "02-28 23:00"),
        ("final", "02-28 23:00", "03-03 23:00"),
    ]


def test_however_often_and_late_it_runs_the_outbox_is_the_same(
    gateway: Gateway, meter: Meter
) -> None:
    started(gateway, 7)
    for instant, value in course(T0, T0 + timedelta(days=1, hours=1)).items():
        store(gateway, meter, {instant: value})
        for _ in range(2):
            evaluate_due(gateway, now=instant + LATE)
    step_by_step = owed()
    again = started(gateway, 7, id="again")
    evaluate_due(gateway, now=T0 + timedelta(days=1, hours=2))
    rows = OutboxRow.objects.filter(profile=again).order_by("sequence")
    assert [(r.kind, r.begin, r.end) for r in rows] == [
        (r.kind, r.begin, r.end)
        for r in OutboxRow.objects.filter(profile="profile").order_by("sequence")
    ]
    assert len(step_by_step) == 2


def test_values_and_outbox_row_come_together_or_not_at_all(
    gateway: Gateway, meter: Meter
) -> None:
    """A kill between the two is a transaction that was not committed."""
    started(gateway, 1)
    store(gateway, meter, course(T0, T0 + timedelta(days=2)))
    now = T0 + timedelta(days=2)
    with refusing("INSERT", "tariffs_outboxrow"):
        assert evaluate_due(gateway, now=now) == 0
    profile = EvaluationProfile.objects.get()
    assert (profile.evaluated_to, profile.queued_to, owed()) == (None, None, [])
    assert evaluate_due(gateway, now=now) == 2
    assert [kind for kind, _begin, _end in owed()] == ["initial", "periodic"]


def test_a_recipient_that_comes_later_gets_what_comes_from_then_on(
    gateway: Gateway, meter: Meter
) -> None:
    profile = started(gateway, 7, recipients=())
    evaluated(gateway, meter, T0 + timedelta(days=1))
    assert owed() == []
    profile.recipients.set(MarketParticipant.objects.all())
    store(gateway, meter, course(T0, T0 + timedelta(days=2)))
    evaluate_due(gateway, now=T0 + timedelta(days=2) + LATE)
    assert owed() == [("periodic", "02-28 23:00", "03-01 23:00")]


def test_a_history_from_before_the_profile_goes_as_one(
    gateway: Gateway, meter: Meter
) -> None:
    made_at = T0 + timedelta(days=3, hours=5)
    a_profile(gateway, INPUT, taf=7, now=made_at, valid_from=T0, recipients=("emt-1",))
    evaluated(gateway, meter, made_at + timedelta(days=1))
    assert owed() == [
        ("initial", "02-27 22:45", "02-27 23:00"),
        ("periodic", "02-27 23:00", "03-02 23:00"),
        ("periodic", "03-02 23:00", "03-03 23:00"),
    ]


def test_the_first_reading_is_the_first_that_the_meter_gives(
    gateway: Gateway, meter: Meter
) -> None:
    started(gateway, 7)
    late = T0 + timedelta(hours=3)
    store(gateway, meter, course(late, late + timedelta(hours=1)))
    evaluate_due(gateway, now=late + timedelta(hours=1) + LATE)
    assert owed() == [("initial", "02-27 22:45", "02-28 02:00")]


def test_a_billing_period_of_a_year_is_one_delivery(
    gateway: Gateway, meter: Meter
) -> None:
    profile = started(gateway, 1, billing_count=12)
    begin, end = T0, T0 + timedelta(days=365)
    (row,) = outbox.enqueue(
        gateway, profile, kind="periodic", begin=begin, end=end, now=end
    )
    assert (row.parts, row.begin, row.end) == (1, begin, end)


@pytest.mark.req("R57")
def test_an_end_that_is_moved_to_now_brings_the_final_reading(
    gateway: Gateway, meter: Meter
) -> None:
    """R57: ending a contract sends its last reading by itself."""
    started(gateway, 7)
    evaluated(gateway, meter, T0 + timedelta(hours=2))
    now = T0 + timedelta(hours=2, minutes=5)
    end_profile(gateway, "profile", at=now, now=now)
    evaluate_due(gateway, now=now)
    assert owed()[-1] == ("final", "02-28 00:45", "02-28 01:00")


@pytest.mark.parametrize(
    ("text", "instants"),
    [
        ("0 1 1 * *", ["03-31 23:00", "04-30 23:00"]),
        ("30 2 * * *", ["03-29 01:30", "03-30 00:30"]),
        ("0 0 * * mon", ["03-29 22:00", "04-05 22:00"]),
        ("*/30 * * * *", ["03-28 23:30", "03-29 00:00"]),
        ("30 2 25,26 10 *", ["10-25 00:30", "10-26 01:30"]),
    ],
)
def test_schedules_are_read_on_the_local_clock(text: str, instants: list[str]) -> None:
    found: Iterable[datetime] = parsed(text).instants(utc("2026-03-28 23:00"))
    assert [f"{one:%m-%d %H:%M}" for one in islice(found, 2)] == instants


@pytest.mark.parametrize(
    "text", ["", "1", "0 0 31 2 *", "61 * * * *", "* * * * 8", "* " * 40, "x * * * *"]
)
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ScheduleInvalid):
        parsed(text)


def test_a_profile_with_a_bad_schedule_is_refused(
    gateway: Gateway, meter: Meter
) -> None:
    with pytest.raises(ProfileInvalid) as refusal:
        started(gateway, 7, schedule="0 0 31 2 *")
    assert [p.pointer for p in refusal.value.problems] == ["/delivery/schedule"]


def test_the_rows_at_switches_of_stages_are_not_sent_and_say_so(
    gateway: Gateway, meter: Meter
) -> None:
    """Of TAF2 the ends of billing periods go; the portal marks the rest as it is."""
    rules = (StageRule(2, frozenset({6, 7})), DefaultRule(1))
    tariff = TariffSpec((Stage(1), Stage(2)), rules)
    started(gateway, 2, tariff=tariff)
    evaluated(gateway, meter, T0 + timedelta(days=3))
    for row in OutboxRow.objects.select_related("profile"):
        rows = delivered_rows(row.profile, row.begin, row.end)
        assert [one.target_time for one in rows] == [row.end]
        outbox.acknowledge(gateway, row, now=T0)
    profile = selectors.profile_of("hks2", "profile")
    assert profile is not None
    marks = marks_of(profile)
    every = Period(T0 - timedelta(days=1), T0 + timedelta(days=3))
    assert [
        (f"{row.target_time:%m-%d %H:%M}", marks.mark(row))
        for row in selectors.period_rows(profile, every)
    ] == [
        ("02-27 23:00", SENT),
        ("02-28 23:00", SENT),
        ("03-01 23:00", NEVER),
    ]

"""Alarms: one row for an episode, however often it is reported."""

from datetime import UTC, datetime, timedelta

import pytest

from logbooks import alarms
from logbooks.alarms import (
    AlarmKind,
    acknowledge_alarm,
    clear_alarms,
    open_alarms,
    raise_alarm,
    recent_alarms,
)
from logbooks.models import Alarm

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
ABSENT = AlarmKind.METER_ABSENT


def raised(*, minutes: float = 0, subject: str = "1emh0000000001") -> bool:
    now = NOON + timedelta(minutes=minutes)
    return raise_alarm(ABSENT, code=100706, subject=subject, now=now)


def cleared(*subjects: str, minutes: float) -> int:
    return clear_alarms(ABSENT, subjects, now=NOON + timedelta(minutes=minutes))


@pytest.mark.req("R24")
def test_an_alarm_is_a_row_with_kind_code_and_time() -> None:
    """Proves of R24: the error message exists, with its code and since when."""
    assert raised()
    alarm = open_alarms().get()
    assert (alarm.kind, alarm.code, alarm.subject) == (
        "meter_absent",
        100706,
        "1emh0000000001",
    )
    assert (alarm.since, alarm.last_at, alarm.count) == (NOON, NOON, 1)
    assert alarm.acknowledged_at is None


def test_reports_of_one_episode_make_one_row_and_are_counted_once_a_minute() -> None:
    assert [raised(minutes=at / 10) for at in range(0, 31)] == [True] + [False] * 30
    alarm = Alarm.objects.get()
    assert alarm.since == NOON
    assert alarm.count == 3  # at 0.0, 1.1 and 2.2 minutes


def test_the_first_code_stays() -> None:
    raised()
    raise_alarm(ABSENT, code=1, subject="1emh0000000001", now=NOON)
    assert open_alarms().get().code == 100706


def test_kinds_and_subjects_stand_beside_each_other() -> None:
    assert raised() and raised(subject="1emh0000000002")
    assert raise_alarm(AlarmKind.SUPPLY_OVERLOAD, code=19006, now=NOON)
    assert open_alarms().count() == 3
    assert cleared("1emh0000000001", "1emh0000000009", minutes=1) == 1
    assert clear_alarms(AlarmKind.SUPPLY_OVERLOAD, now=NOON) == 1
    assert [alarm.subject for alarm in open_alarms()] == ["1emh0000000002"]


def test_clearing_twice_or_without_an_alarm_changes_nothing() -> None:
    assert cleared("1emh0000000001", minutes=0) == 0
    raised()
    assert cleared("1emh0000000001", minutes=1) == 1
    assert cleared("1emh0000000001", minutes=2) == 0
    assert Alarm.objects.get().cleared_at == NOON + timedelta(minutes=1)


def test_what_comes_back_soon_is_the_same_episode() -> None:
    """A loose plug does not flood the GWA."""
    assert raised()
    for minutes in range(1, 40, 2):
        cleared("1emh0000000001", minutes=minutes)
        assert not raised(minutes=minutes + 1)
    alarm = Alarm.objects.get()
    assert (alarm.cleared_at, alarm.since, alarm.count) == (None, NOON, 21)


def test_what_comes_back_later_is_a_new_episode() -> None:
    raised()
    cleared("1emh0000000001", minutes=1)
    assert raised(minutes=17)
    assert [alarm.count for alarm in recent_alarms()] == [1, 1]


def test_an_alarm_is_acknowledged_once() -> None:
    raised()
    alarm = Alarm.objects.get()
    assert acknowledge_alarm(alarm.pk, now=NOON)
    assert not acknowledge_alarm(alarm.pk, now=NOON + timedelta(minutes=1))
    assert not acknowledge_alarm(alarm.pk + 1, now=NOON)
    alarm.refresh_from_db()
    assert alarm.acknowledged_at == NOON
    assert open_alarms().count() == 1  # seen is not over


def test_a_clock_that_was_set_back_hides_nothing() -> None:
    raised(minutes=600)
    assert not raised(minutes=0)
    assert Alarm.objects.get().count == 2
    cleared("1emh0000000001", minutes=0)
    assert raised(minutes=300)


def test_alarms_that_are_over_are_kept_in_a_limited_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alarms, "CLEARED_KEPT", 5)
    raised(subject="stands")
    for hour in range(10):
        raised(minutes=60 * hour)
        cleared("1emh0000000001", minutes=60 * hour + 1)
    assert Alarm.objects.filter(cleared_at__isnull=False).count() <= 6
    assert [alarm.subject for alarm in open_alarms()] == ["stands"]
    newest = recent_alarms()[0]
    assert newest.since == NOON + timedelta(hours=9)


def test_reporting_costs_few_queries(django_assert_max_num_queries) -> None:
    raised()
    with django_assert_max_num_queries(6):
        raised(minutes=0.5)

"""What `./casa status` calls the oldest due work."""

from datetime import UTC, datetime, timedelta

import pytest

from casa_site.due_work import oldest_due
from meters.models import Consumer
from tariffs.models import EvaluationProfile

pytestmark = pytest.mark.django_db
MARCH = datetime(2026, 2, 28, 23, tzinfo=UTC)
"""Midnight of 1 March in Berlin."""
QUARTER = timedelta(minutes=15)


def a_profile(taf: int, *, evaluated_to: datetime | None) -> None:
    consumer, _ = Consumer.objects.get_or_create(id="hks2")
    EvaluationProfile.objects.create(
        id=f"taf{taf}",
        taf=taf,
        state=EvaluationProfile.State.ACTIVE,
        consumer=consumer,
        valid_from=MARCH,
        evaluated_to=evaluated_to,
    )


def test_without_profiles_nothing_is_due() -> None:
    assert oldest_due(now=MARCH) is None


def test_a_list_is_due_at_the_next_quarter_hour() -> None:
    a_profile(7, evaluated_to=MARCH)
    assert oldest_due(now=MARCH + QUARTER - timedelta(seconds=1)) is None
    assert oldest_due(now=MARCH + 3 * QUARTER) == MARCH + QUARTER


def test_a_monthly_result_is_due_at_the_end_of_the_month() -> None:
    april = datetime(2026, 3, 31, 22, tzinfo=UTC)
    a_profile(1, evaluated_to=MARCH)
    assert oldest_due(now=april - timedelta(seconds=1)) is None
    assert oldest_due(now=april + QUARTER) == april


def test_the_earliest_of_all_profiles_counts() -> None:
    a_profile(7, evaluated_to=MARCH + QUARTER)
    a_profile(1, evaluated_to=None)
    assert oldest_due(now=MARCH + 10 * QUARTER) == MARCH

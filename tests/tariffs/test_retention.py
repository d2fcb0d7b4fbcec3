"""Retention: what has had its time goes, what is owed stays, chains stay whole."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gwa_api.delivery_document import document_of
from hardware.gateway import Gateway
from hardware.record import Record
from logbooks.certificates import ensure_signature_certificate
from logbooks.selectors import system_log
from meters.integrity import verify_list
from meters.models import Meter, OriginalRecord
from meters.retention import months_before, prune_list
from meters.value_list import append_records
from tariffs import outbox, retention
from tariffs.kept import Kept
from tariffs.models import DerivedRecord, Dispatch, EvaluationProfile, OutboxRow
from tariffs.profile_spec import InputSpec
from tariffs.services import create_participant
from tests.tariffs.builders import (
    IMPORT,
    OK,
    a_meter,
    a_profile,
    refusing,
    register,
    store,
    utc,
)

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
"""The database decides by its own clock, so these tests live in the present."""

KEPT = Kept()
DAY = timedelta(days=1)
QUARTER = timedelta(minutes=15)

pytestmark = pytest.mark.django_db


@pytest.fixture
def meter(gateway: Gateway) -> Meter:
    ensure_signature_certificate(gateway, NOW - 2500 * DAY)
    create_participant("emt-1")
    return a_meter(gateway)


def ages(model: type[OriginalRecord] | type[DerivedRecord]) -> list[int]:
    """How many days old the rows are, oldest first."""
    times = model.objects.order_by("target_time").values_list("target_time", flat=True)
    return [(NOW - one) // DAY for one in times]


def records_of(gateway: Gateway, meter: Meter, *days: int) -> None:
    store(gateway, meter, {NOW - day * DAY: 10_000 - day for day in days})


def derived_of(gateway: Gateway, profile: EvaluationProfile, *days: int) -> None:
    records = [
        Record(profile.id, NOW - day * DAY, NOW - day * DAY, OK, (register(day),))
        for day in days
    ]
    append_records(gateway, DerivedRecord, records)


def running(
    gateway: Gateway, meter: Meter, taf: int, *, id: str = "p", **changes: object
) -> EvaluationProfile:
    """A profile that runs for years and is evaluated up to now."""
    begin = NOW - 2000 * DAY
    inputs = InputSpec(meter.id, IMPORT)
    profile = a_profile(gateway, inputs, taf=1, id=id, now=begin, valid_from=begin)
    done = {"evaluated_to": NOW, "queued_to": NOW, "taf": taf, **changes}
    EvaluationProfile.objects.filter(pk=id).update(**done)
    profile.refresh_from_db()
    return profile


def owe(
    profile: EvaluationProfile,
    begin: datetime,
    end: datetime,
    *,
    state: str = "due",
    sequence: int = 1,
    gateway: Gateway,
) -> OutboxRow:
    profile.recipients.set(profile.recipients.model.objects.all())
    (row,) = outbox.enqueue(
        gateway, profile, kind="on_demand", begin=begin, end=end, now=end
    )
    OutboxRow.objects.filter(pk=row.pk).update(state=state)
    row.refresh_from_db()
    return row


@pytest.mark.parametrize(
    ("now", "months", "oldest"),
    [
        ("2026-05-31 10:00", 24, "2024-05-27 10:00"),
        ("2026-02-28 00:00", 36, "2023-02-24 00:00"),
        ("2024-02-29 00:00", 24, "2022-02-24 00:00"),
        ("2026-01-01 00:00", 24, "2023-12-28 00:00"),
    ],
)
def test_months_are_counted_on_the_calendar_with_a_margin(
    now: str, months: int, oldest: str
) -> None:
    assert months_before(utc(now), months) == utc(oldest)


@pytest.mark.parametrize("days", range(0, 60, 7))
def test_the_database_never_refuses_what_the_margin_lets_go(
    gateway: Gateway, meter: Meter, days: int
) -> None:
    """Whatever day it is: rows just older than the rule can be deleted."""
    just_older = months_before(NOW, 24) - QUARTER - days * DAY
    store(gateway, meter, {just_older: 1, NOW - DAY: 2})
    assert retention.prune(gateway, KEPT, now=NOW).originals == 1


def test_original_records_are_kept_24_months(gateway: Gateway, meter: Meter) -> None:
    records_of(gateway, meter, 900, 800, 740, 720, 1)
    pruned = retention.prune(gateway, KEPT, now=NOW)
    assert (pruned.originals, pruned.failed) == (3, 0)
    assert ages(OriginalRecord) == [720, 1]
    assert verify_list(gateway, OriginalRecord, meter.id) == []
    assert retention.prune(gateway, KEPT, now=NOW).originals == 0
    store(gateway, meter, {NOW: 20_000})
    assert verify_list(gateway, OriginalRecord, meter.id) == []


def test_a_longer_retention_keeps_more_and_a_shorter_one_is_refused(
    gateway: Gateway, meter: Meter
) -> None:
    records_of(gateway, meter, 900, 1)
    assert retention.prune(gateway, Kept(months=40), now=NOW).originals == 0
    for wrong in ({"months": 23}, {"billing_months": 35}, {"days": 41}):
        with pytest.raises(ValueError, match="shorter"):
            Kept(**wrong)


@pytest.mark.req("R44")
@pytest.mark.parametrize(
    ("taf", "kept_days"),
    [(1, [1000, 1]), (2, [1000, 1]), (7, [700, 1]), (6, [42, 1]), (9, [42, 1])],
)
def test_own_lists_are_kept_by_use_case(
    gateway: Gateway, meter: Meter, taf: int, kept_days: list[int]
) -> None:
    """R44, decisions D23: day 42 stays, day 43 goes; results of billing 36 months."""
    days = {1: [1200, 1000, 1], 2: [1200, 1000, 1], 7: [760, 700, 1]}
    profile = running(gateway, meter, taf)
    derived_of(gateway, profile, *days.get(taf, [44, 42, 1]))
    assert retention.prune(gateway, KEPT, now=NOW).derived == 1
    assert ages(DerivedRecord) == kept_days
    assert verify_list(gateway, DerivedRecord, profile.id) == []


def test_the_database_refuses_what_is_not_old_enough(
    gateway: Gateway, meter: Meter
) -> None:
    """By its own clock: a gateway whose clock is ahead deletes nothing."""
    for taf, day in ((1, 1000), (2, 1000), (6, 41), (7, 700), (9, 41)):
        profile = running(gateway, meter, taf, id=f"taf{taf}")
        derived_of(gateway, profile, day, 1)
        with pytest.raises(IntegrityError), transaction.atomic():
            DerivedRecord.objects.filter(profile=profile).first().delete()  # type: ignore[union-attr]
    records_of(gateway, meter, 700, 1)
    ahead = NOW + 4000 * DAY
    EvaluationProfile.objects.update(evaluated_to=ahead, queued_to=ahead)
    pruned = retention.prune(gateway, KEPT, now=ahead)
    assert (pruned.originals, pruned.derived) == (0, 0)
    assert pruned.failed == 6
    assert len(ages(DerivedRecord)) == 10
    assert [line.event_id for line in system_log()].count(300052) == 1


def test_what_is_owed_is_kept_however_old(gateway: Gateway, meter: Meter) -> None:
    records_of(gateway, meter, 1500, 1400, 1300, 1)
    profile = running(gateway, meter, 7)
    begin, end = NOW - 1410 * DAY, NOW - 1390 * DAY
    row = owe(profile, begin, end, gateway=gateway)
    assert retention.prune(gateway, KEPT, now=NOW).originals == 1
    outbox.acknowledge(gateway, row, now=NOW)
    pruned = retention.prune(gateway, KEPT, now=NOW)
    assert (pruned.originals, pruned.dispatches) == (2, 1)
    assert ages(OriginalRecord) == [1]


def test_what_is_not_evaluated_yet_is_kept(gateway: Gateway, meter: Meter) -> None:
    records_of(gateway, meter, 1500, 1400, 1300, 1)
    running(gateway, meter, 7, evaluated_to=NOW - 1350 * DAY, queued_to=NOW)
    assert retention.prune(gateway, KEPT, now=NOW).originals == 1
    assert ages(OriginalRecord) == [1400, 1300, 1]


def test_what_is_not_queued_yet_is_kept(gateway: Gateway, meter: Meter) -> None:
    records_of(gateway, meter, 1500, 1400, 1300, 1)
    running(gateway, meter, 7, queued_to=NOW - 1350 * DAY)
    assert retention.prune(gateway, KEPT, now=NOW).originals == 2


def test_the_newest_row_stays_while_the_profile_runs(
    gateway: Gateway, meter: Meter
) -> None:
    profile = running(gateway, meter, 2)
    derived_of(gateway, profile, 1900, 1800)
    retention.prune(gateway, KEPT, now=NOW)
    assert ages(DerivedRecord) == [1800]


def test_a_deleted_profile_goes_when_all_that_it_stood_for_is_gone(
    gateway: Gateway, meter: Meter
) -> None:
    profile = running(gateway, meter, 1)
    derived_of(gateway, profile, 1900, 1200)
    end = NOW - 1199 * DAY
    owed = owe(profile, NOW - 1201 * DAY, end, gateway=gateway)
    EvaluationProfile.objects.update(state="deleted", valid_to=end, evaluated_to=end)
    assert retention.prune(gateway, KEPT, now=NOW).profiles == 0
    assert ages(DerivedRecord) == [1200]
    outbox.acknowledge(gateway, owed, now=NOW)
    assert retention.prune(gateway, KEPT, now=NOW).profiles == 1
    assert not EvaluationProfile.objects.exists()
    assert verify_list(gateway, DerivedRecord, profile.id) == []


def test_settled_rows_of_the_outbox_go_and_numbers_go_on(
    gateway: Gateway, meter: Meter
) -> None:
    profile = running(gateway, meter, 1)
    for day in (1900, 1800, 1700):
        owe(profile, NOW - day * DAY, NOW - (day - 9) * DAY, gateway=gateway)
    OutboxRow.objects.update(state="acknowledged")
    assert retention.prune(gateway, KEPT, now=NOW).outbox == 2
    assert owe(profile, NOW - DAY, NOW, gateway=gateway).sequence == 4


def test_rows_that_do_not_fit_their_chain_are_never_cleaned_away(
    gateway: Gateway, meter: Meter
) -> None:
    records_of(gateway, meter, 1500, 1400, 1300, 1)
    with lifted(OriginalRecord._meta.db_table):
        changed = OriginalRecord.objects.filter(target_time=NOW - 1400 * DAY)
        changed.update(capture_time=NOW - 1400 * DAY + QUARTER)
    assert retention.prune(gateway, KEPT, now=NOW).originals == 1
    assert ages(OriginalRecord) == [1400, 1300, 1]
    assert verify_list(gateway, OriginalRecord, meter.id) != []


def test_a_failure_stops_no_other_list_and_the_next_run_repeats_it(
    gateway: Gateway, meter: Meter
) -> None:
    records_of(gateway, meter, 1500, 1)
    profile = running(gateway, meter, 1)
    derived_of(gateway, profile, 1900, 1)
    with refusing("DELETE", OriginalRecord._meta.db_table):
        pruned = retention.prune(gateway, KEPT, now=NOW)
    assert (pruned.originals, pruned.derived, pruned.failed) == (0, 1, 1)
    assert [line.event_id for line in system_log()].count(300033) == 1
    assert verify_list(gateway, OriginalRecord, meter.id) == []
    assert retention.prune(gateway, KEPT, now=NOW).originals == 1


def test_a_long_backlog_goes_in_small_pieces(gateway: Gateway, meter: Meter) -> None:
    begin = NOW - 1000 * DAY
    store(gateway, meter, {begin + n * QUARTER: n for n in range(1201)})
    assert (
        prune_list(
            gateway, OriginalRecord, meter.id, before=NOW - 900 * DAY, at_most=500
        )
        == 500
    )
    assert verify_list(gateway, OriginalRecord, meter.id) == []
    assert retention.prune(gateway, KEPT, now=NOW).originals == 700
    assert verify_list(gateway, OriginalRecord, meter.id) == []


@contextmanager
def lifted(table: str) -> Iterator[None]:
    """Somebody takes the triggers of a table away."""
    roles = "SET LOCAL session_replication_role = "
    is_sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        drop = f"DROP TRIGGER {table}_no_update"
        cursor.execute(drop if is_sqlite else f"{roles}replica")
        yield
        if not is_sqlite:
            cursor.execute(f"{roles}origin")


_DAYS = st.integers(min_value=0, max_value=1900)
_SPANS = st.tuples(
    _DAYS,
    st.integers(min_value=1, max_value=50),
    st.sampled_from(["due", "sent", "failed", "acknowledged", "given_up"]),
)


@given(
    taf=st.sampled_from([1, 2, 7, 9]),
    records=st.sets(_DAYS, min_size=1, max_size=12),
    owed=st.lists(_SPANS, max_size=4),
    evaluated=_DAYS,
    queued=_DAYS,
)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_nothing_that_is_owed_is_ever_deleted(
    gateway: Gateway,
    meter: Meter,
    taf: int,
    records: set[int],
    owed: list[tuple[int, int, str]],
    evaluated: int,
    queued: int,
) -> None:
    """Owed documents stay the same bytes; what is young stays; chains stay whole."""
    with undone():
        profile = running(
            gateway,
            meter,
            taf,
            evaluated_to=NOW - evaluated * DAY,
            queued_to=NOW - queued * DAY,
        )
        listed = sorted(records, reverse=True)
        records_of(gateway, meter, *listed)
        derived_of(gateway, profile, *listed)
        rows = [
            owe(
                profile,
                NOW - (day + span) * DAY,
                NOW - day * DAY,
                state=state,
                gateway=gateway,
            )
            for day, span, state in owed
        ]
        rows = [row for row in rows if row.is_owed]
        before = [document_of(gateway, row).content for row in rows]
        retention.prune(gateway, KEPT, now=NOW)
        assert [document_of(gateway, row).content for row in rows] == before
        open_days = [evaluated, *([queued] if taf != 9 else [])]
        young = {1: 1096, 2: 1096, 7: 731, 9: 42}[taf]
        needed = [*open_days, *((NOW - row.begin) // DAY for row in rows)]
        last_used = min((day for day in listed if day >= evaluated), default=0)
        check(listed, ages(OriginalRecord), [731, *needed, last_used])
        check(listed, ages(DerivedRecord), [young, *needed])
        assert verify_list(gateway, OriginalRecord, meter.id) == []
        assert verify_list(gateway, DerivedRecord, profile.id) == []


def check(listed: list[int], left: list[int], kept_days: Iterable[int]) -> None:
    """The list lost only its begin, nothing young or needed, and else all of it."""
    longest = max(kept_days)
    assert listed[len(listed) - len(left) :] == left
    assert all(day in left for day in listed if day <= longest)
    # 366 days of an open billing period, and the margins, may keep a few more.
    assert all(day <= longest + 366 + 9 for day in left[:-1])


@contextmanager
def undone() -> Iterator[None]:
    """One example of many: nothing of it stays in the database."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_dispatches_go_with_their_values(gateway: Gateway, meter: Meter) -> None:
    profile = running(gateway, meter, 7)
    recipient = profile.recipients.model.objects.get()
    for day in (900, 700):
        Dispatch.objects.create(
            profile=profile,
            recipient=recipient,
            begin=NOW - (day + 1) * DAY,
            end=NOW - day * DAY,
            sent_at=NOW - day * DAY,
        )
    assert retention.prune(gateway, KEPT, now=NOW).dispatches == 1
    (left,) = Dispatch.objects.all()
    assert (NOW - left.end) // DAY == 700

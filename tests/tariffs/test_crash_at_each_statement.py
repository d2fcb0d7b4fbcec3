"""A crash at any statement changes nothing: what runs next brings the same rows.

The database is left at each single statement of a run in turn, as by a kill; the next
run ends with what an undisturbed one has: lists, outbox, marks, logs, nothing twice.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from random import Random
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hardware.gateway import Gateway
from logbooks.certificates import ensure_signature_certificate
from logbooks.selectors import consumer_log
from meters import samples
from meters.models import Meter, ReadDemand, Sample, SampledMeter
from meters.value_list import verify_record
from tariffs import evaluation, instant_evaluation, on_demand, outbox
from tariffs.instant_spec import Aggregate, InstantSpec, Threshold
from tariffs.models import (
    DerivedRecord,
    Dispatch,
    EvaluationProfile,
    OnDemandDelivery,
    OutboxRow,
)
from tariffs.profile_spec import InputSpec
from tariffs.services import create_participant, evaluate_due
from tariffs.switch_calendar import StageRule
from tariffs.tariff_spec import DefaultRule, Stage, TariffSpec
from tests.tariffs.builders import (
    EXPORT,
    IMPORT,
    a_meter,
    a_profile,
    course,
    store,
    utc,
)
from tests.tariffs.test_instant_values import reading

POWER = "0100100700ff"
START = utc("2026-03-28 22:45")
"""A quarter of an hour before the day on which summer time begins."""
END = utc("2026-03-29 04:00")
MINUTE = timedelta(minutes=1)
NIGHT = TariffSpec(
    (Stage(1), Stage(2)),
    (StageRule(1, begin=time(2, 30), end=time(5)), DefaultRule(2)),
)
FIRING = InstantSpec(
    (Aggregate(POWER, "mean", 300),),
    (Threshold(POWER, "over", "5000"),),
    ("periodic", "threshold"),
)
TAFS: dict[int, dict[str, Any]] = {
    1: {},
    2: {"tariff": NIGHT},
    6: {},
    7: {"schedule": "0 2 * * *"},
    9: {"instant_values": FIRING},
    10: {"instant_values": FIRING},
    14: {"instant_values": replace(FIRING, aggregates=())},
}
INSTANT = frozenset({9, 10, 14})

pytestmark = [pytest.mark.django_db, pytest.mark.req("R33", "R34")]


class Killed(Exception):
    """Stands for the end of the process; nothing in the product catches it."""


@dataclass
class Statements:
    """Counts the statements, and ends the run before the n-th one."""

    kill_at: int = 0
    seen: int = 0

    def __call__(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        self.seen += 1
        if self.seen == self.kill_at:
            _lose_what_is_not_committed(arguments[0])
            raise Killed
        return execute(*arguments)


def _lose_what_is_not_committed(sql: str) -> None:
    """A kill at the end of a transaction comes before it is committed."""
    if sql.startswith("RELEASE SAVEPOINT "):
        with connection.cursor() as cursor:
            cursor.execute(sql.replace("RELEASE", "ROLLBACK TO"))


@contextmanager
def undone() -> Iterator[None]:
    """What is written inside is gone afterwards."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def killed_everywhere(
    act: Callable[[], object],
    state: Callable[[], object],
    *,
    first: int = 1,
    step: int = 1,
) -> Iterator[tuple[object, object]]:
    """State after the undisturbed run, and after a kill at each statement and a rerun.

    The rerun comes twice, as hints do. `first` and `step` choose the statements.
    """
    statements = Statements()
    with undone():
        with connection.execute_wrapper(statements):
            act()
        act()
        expected = state()
    assert statements.seen > 3
    for number in range(first, statements.seen + 1, step):
        with undone():
            with (
                pytest.raises(Killed),
                connection.execute_wrapper(Statements(number)),
            ):
                act()
            # A deletion of its own would be a transaction of its own: not of ours.
            transaction.set_rollback(False)
            act()
            act()
            yield expected, state()


def everything() -> dict[str, object]:
    """All that a run writes, without what is random: ids and signatures."""
    derived = ("number", "profile", "target_time", "capture_time", "status")
    owed = ("profile", "recipient", "kind", "begin", "end", "sequence", "part", "parts")
    marks = ("pk", "state", "evaluated_to", "queued_to", "threshold_states")
    return {
        "derived": [
            *DerivedRecord.objects.order_by("profile", "number").values_list(
                *derived, "registers", "later_bits"
            )
        ],
        "outbox": [
            *OutboxRow.objects.order_by("profile", "sequence").values_list(
                *owed, "state", "next_attempt_at"
            )
        ],
        "marks": list(EvaluationProfile.objects.order_by("pk").values_list(*marks)),
        "sampled": list(SampledMeter.objects.values_list("meter", "settled_to")),
        "samples": [
            *Sample.objects.order_by("target_time").values_list(
                "target_time", "registers"
            )
        ],
        "sent": list(Dispatch.objects.values_list("recipient", "begin", "end")),
        "ordered": list(OnDemandDelivery.objects.values_list("day", "state")),
        "demands": sorted(
            ReadDemand.objects.values_list("meter", "period_s", "begin", "end")
        ),
        "log": sorted((e.event_id, e.text) for e in consumer_log("hks2")),
    }


def a_running(
    gateway: Gateway, taf: int, *, meter: Meter, id: str = "profile"
) -> EvaluationProfile:
    """A profile of the use case for the night, with values for all of it."""
    create_participant("emt") if id == "profile" else None
    given: dict[str, Any] = {"recipients": ("emt",), **TAFS[taf]}
    if taf in INSTANT:
        given |= {"registration_period_s": 60, "schedule": "*/5 * * * *"}
        begin, end, obis = START, START + 7 * MINUTE, POWER
    else:
        begin, end, obis = START, END, IMPORT
    return a_profile(
        gateway,
        InputSpec(meter.id, obis),
        taf=taf,
        id=id,
        now=begin - MINUTE,
        valid_from=begin,
        valid_to=end,
        **given,
    )


def values_of(gateway: Gateway, meter: Meter, taf: int) -> None:
    """A night of quarter hours with two registers, or eight minutes of powers."""
    if taf not in INSTANT:
        night = course(START, END)
        store(gateway, meter, night, obis=(IMPORT, EXPORT))
        return
    sign = -1 if taf == 9 else 1
    powers = [sign * one for one in (1, 60000, 2, 3, 70000, 4, 5, 6)]
    taken = [
        samples.Taken(
            meter.id, START + n * MINUTE, reading(START + n * MINUTE, {POWER: power})
        )
        for n, power in enumerate(powers)
    ]
    samples.store_samples(gateway, taken, {meter.id: START + 7 * MINUTE})


@pytest.mark.parametrize("taf", sorted(TAFS))
def test_an_evaluation_that_is_killed_is_made_up_for(
    gateway: Gateway, taf: int
) -> None:
    """R33, R34: records, marks, outbox and logs come together; every 13th statement."""
    _killed_while_evaluating(gateway, taf, first=taf, step=13)


@pytest.mark.slow
@pytest.mark.parametrize("taf", sorted(TAFS))
def test_an_evaluation_that_is_killed_anywhere_is_made_up_for(
    gateway: Gateway, taf: int
) -> None:
    """R33, R34: the same at every single statement."""
    _killed_while_evaluating(gateway, taf, first=1, step=1)


def _killed_while_evaluating(
    gateway: Gateway, taf: int, *, first: int, step: int
) -> None:
    meter = a_meter(gateway)
    certificate = ensure_signature_certificate(gateway, START)
    a_running(gateway, taf, meter=meter)
    values_of(gateway, meter, taf)
    now = END + timedelta(minutes=1)
    runs = 0
    for expected, found in killed_everywhere(
        lambda: evaluate_due(gateway, now=now), everything, first=first, step=step
    ):
        runs += 1
        assert found == expected
        assert isinstance(expected, dict)
        assert expected["derived"]
        assert expected["outbox"] or taf == 6
        if taf not in INSTANT:
            newest = DerivedRecord.objects.order_by("-number")[0]
            verify_record(newest, gateway.huid, certificate)
    assert runs > 1


def test_samples_and_their_mark_come_together(gateway: Gateway) -> None:
    """R33: readings, the mark up to where all is settled, orders that are done."""
    meter = a_meter(gateway)
    give_up_at = START + MINUTE
    samples.order_reading(
        meter.id, subject="o", registers=[POWER], at=START, give_up_at=give_up_at
    )
    taken = [samples.Taken(meter.id, START, reading(START, {POWER: 1}))]

    def act() -> None:
        samples.store_samples(gateway, taken, {meter.id: START}, ["o"])

    for expected, found in killed_everywhere(act, everything):
        assert found == expected


def test_an_acknowledgement_counts_once(gateway: Gateway) -> None:
    """R34: dispatch, entry in the consumer's log and the state of the row."""
    meter = a_meter(gateway)
    a_running(gateway, 1, meter=meter)
    values_of(gateway, meter, 1)
    evaluate_due(gateway, now=END + MINUTE)

    def act() -> None:
        row = OutboxRow.objects.select_related("profile").order_by("sequence")[0]
        outbox.acknowledge(gateway, row, now=END + MINUTE)

    for expected, found in killed_everywhere(act, everything):
        assert found == expected


@pytest.mark.parametrize("taf", [9, 10])
def test_a_reading_on_demand_is_delivered_once(gateway: Gateway, taf: int) -> None:
    """R34: the record, the outbox and the state of the order."""
    meter = a_meter(gateway)
    create_participant("emt")
    a_profile(
        gateway,
        InputSpec(meter.id, POWER),
        taf=taf,
        now=START,
        valid_from=START,
        recipients=("emt",),
        registration_period_s=60,
        instant_values=InstantSpec(triggers=("on_demand",)),
    )
    at = START + timedelta(seconds=7)
    order = on_demand.request(gateway, "profile", recipient="emt", now=at)
    taken = [samples.Taken(meter.id, at, reading(at, {POWER: -10}))]
    samples.store_samples(gateway, taken, {}, [order.id.hex])
    for expected, found in killed_everywhere(
        lambda: evaluate_due(gateway, now=at + MINUTE), everything
    ):
        assert found == expected
        assert isinstance(expected, dict)
        assert len(expected["outbox"]) == 1


def test_a_reading_of_taf6_on_demand_is_all_there_or_not_at_all(
    gateway: Gateway,
) -> None:
    """R34: who asks again after a crash gets one delivery."""
    meter = a_meter(gateway)
    a_running(gateway, 6, meter=meter)
    values_of(gateway, meter, 6)
    evaluate_due(gateway, now=END + MINUTE)
    day = utc("2026-03-29 00:00").date()

    def act() -> None:
        if not OnDemandDelivery.objects.exists():
            on_demand.request(
                gateway, "profile", recipient="emt", now=END + MINUTE, day=day
            )

    for expected, found in killed_everywhere(act, everything):
        assert found == expected


# --- hints ---------------------------------------------------------------------------


def hints(taf: int, random: Random) -> list[datetime]:
    """When hints come: some late, some twice, some in the wrong order."""
    end = START + 7 * MINUTE if taf in INSTANT else END
    step = MINUTE if taf in INSTANT else timedelta(minutes=15)
    times = [START + n * step for n in range((end - START) // step + 1)]
    kept = [at for at in times if random.random() < 0.5]
    kept += random.sample(times, 3)
    for _ in range(3):
        place = random.randrange(len(kept) - 1)
        kept[place], kept[place + 1] = kept[place + 1], kept[place]
    return [*kept, END + MINUTE]


@pytest.mark.parametrize("taf", sorted(TAFS))
@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(random=st.randoms(use_true_random=False))
def test_hints_that_are_late_doubled_or_out_of_order_change_nothing(
    gateway: Gateway, taf: int, random: Random
) -> None:
    """R33, R34: the same rows, and the same owed to the recipient, as by one run."""
    with undone():
        meter = a_meter(gateway)
        a_running(gateway, taf, meter=meter)
        values_of(gateway, meter, taf)
        at_once = after_hints(gateway, [END + MINUTE])
        assert after_hints(gateway, hints(taf, random)) == at_once


def after_hints(gateway: Gateway, times: list[datetime]) -> dict[str, object]:
    """What stands there when hints have come at these times; undone again."""
    with undone():
        for now in times:
            evaluate_due(gateway, now=now)
        state = everything()
        owed = OutboxRow.objects.order_by("sequence")
        return {
            **{key: state[key] for key in ("derived", "marks", "log")},
            "outbox": list(owed.values_list("kind", "begin", "end")),
        }


def test_two_workers_at_once_owe_each_value_once(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R34: the slower one, whose step another has taken, goes on from nothing old."""
    meter = a_meter(gateway)
    a_running(gateway, 14, meter=meter)
    values_of(gateway, meter, 14)
    end = END + MINUTE
    columns = ("recipient", "kind", "begin", "end", "sequence")
    with undone():
        evaluate_due(gateway, now=end)
        expected = list(OutboxRow.objects.order_by("sequence").values_list(*columns))
    slow = EvaluationProfile.objects.get()
    monkeypatch.setattr(evaluation, "_AT_ONCE", 1)
    monkeypatch.setattr(instant_evaluation, "_AT_ONCE", 1)
    take, overtakes = evaluation._take, [True]

    def overtaken(*arguments: Any) -> int | None:
        if overtakes:
            overtakes.clear()
            quick = EvaluationProfile.objects.get()
            evaluation.advance(gateway, quick, now=START + 5 * MINUTE)
        return take(*arguments)

    monkeypatch.setattr(evaluation, "_take", overtaken)
    evaluation.advance(gateway, slow, now=end)
    evaluate_due(gateway, now=end)
    found = OutboxRow.objects.order_by("sequence").values_list(*columns)
    assert list(found) == expected


def test_an_end_that_comes_while_a_step_is_computed_gets_its_final_reading(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R34: what would have gone as periodic goes as the final reading."""
    meter = a_meter(gateway)
    profile = a_running(gateway, 14, meter=meter)
    values_of(gateway, meter, 14)
    end = START + 5 * MINUTE
    take = evaluation._take

    def ended_meanwhile(*arguments: Any) -> int | None:
        EvaluationProfile.objects.filter(pk=profile.pk).update(valid_to=end)
        return take(*arguments)

    with monkeypatch.context() as during:
        during.setattr(evaluation, "_take", ended_meanwhile)
        evaluate_due(gateway, now=START + 7 * MINUTE)
    evaluate_due(gateway, now=START + 7 * MINUTE)
    last = OutboxRow.objects.order_by("-sequence")[0]
    assert (last.kind, last.end) == ("final", end)
    assert DerivedRecord.objects.latest("target_time").target_time == end

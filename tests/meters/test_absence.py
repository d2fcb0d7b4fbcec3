"""A meter that gives no value for long is absent (R24)."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from hardware.gateway import Gateway
from logbooks.alarms import open_alarms
from logbooks.models import ConsumerLogEntry, SystemLogEntry
from meters.absence import watch_absence
from meters.models import Meter
from meters.record_queue import Closing, ReadBoundary, RecordQueue
from tests.meters.builders import METER, NOON, a_meter, a_reading, with_clock

pytestmark = pytest.mark.django_db
QUARTER = timedelta(minutes=15)
LATE = timedelta(seconds=28)
OTHER = "1emh0000000002"


class Bench:
    """Boundaries that pass, each with the meters that gave a value."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = with_clock(gateway)
        a_meter(self.gateway)
        a_meter(self.gateway, OTHER, port="/dev/ttyS1", consumer="schulz")
        self.queue = RecordQueue(self.gateway, lambda: None)
        self.since = NOON - timedelta(minutes=1)

    def boundary(self, number: int, *, given: Sequence[str] = ()) -> None:
        target = NOON + number * QUARTER
        if given:
            readings = {id_: a_reading(target, meter=id_) for id_ in given}
            self.queue.put(ReadBoundary(target, readings))
        self.queue.put(Closing(target + LATE, [METER, OTHER], self.since))
        self.queue.flush()


@pytest.fixture
def bench(gateway: Gateway) -> Bench:
    return Bench(gateway)


def absent() -> list[str]:
    return sorted(alarm.subject for alarm in open_alarms())


@pytest.mark.req("R24")
def test_more_than_three_boundaries_without_a_value_are_an_absence(
    bench: Bench,
) -> None:
    """Proves of R24: an alarm with its code; the owner is told, and he only, once."""
    bench.boundary(0, given=[METER, OTHER])
    for number in (1, 2, 3):
        bench.boundary(number, given=[OTHER])
    assert absent() == []
    for number in (4, 5, 6):
        bench.boundary(number, given=[OTHER])
    alarm = open_alarms().get()
    assert (alarm.kind, alarm.subject, alarm.code) == ("meter_absent", METER, 100706)
    assert (alarm.since, alarm.count) == (NOON + 4 * QUARTER + LATE, 3)
    entries = ConsumerLogEntry.objects.filter(event_sub_id=2)
    assert [(e.consumer_id, e.arguments) for e in entries] == [("meier", ["100706"])]
    assert SystemLogEntry.objects.filter(event_id=100706).count() == 1


@pytest.mark.req("R24")
def test_an_absence_ends_with_the_first_value(bench: Bench) -> None:
    """Proves of R24: cleared when over."""
    bench.boundary(0, given=[METER, OTHER])
    for number in range(1, 6):
        bench.boundary(number)
    assert absent() == [OTHER, METER]
    bench.boundary(6, given=[METER])
    assert absent() == [OTHER]


@pytest.mark.req("R24")
def test_a_meter_that_never_gave_a_value_is_absent_too(bench: Bench) -> None:
    """Proves of R24: from when it was taken over and listened to."""
    for number in range(3):
        bench.boundary(number)
    assert absent() == []
    bench.boundary(3)
    assert absent() == [OTHER, METER]


def test_a_meter_taken_over_just_now_is_not_absent(bench: Bench) -> None:
    Meter.objects.filter(pk=METER).update(valid_from=NOON + QUARTER)
    for number in range(5):
        bench.boundary(number)
    assert absent() == [OTHER]


def test_what_nobody_listened_to_was_not_missed(bench: Bench) -> None:
    """After an outage of the gateway, and after its clock was set forward."""
    bench.boundary(0, given=[METER, OTHER])
    bench.queue.put(Closing(NOON + 8 * QUARTER + LATE, [METER, OTHER]))
    bench.since = NOON + 8 * QUARTER + LATE
    bench.queue.flush()
    bench.boundary(9)
    assert absent() == []
    bench.since = NOON
    bench.queue.put(Closing(NOON + 20 * QUARTER, [METER, OTHER], bench.since))
    bench.queue.flush()
    assert absent() == []


def test_a_meter_out_of_service_is_not_absent(bench: Bench) -> None:
    Meter.objects.update(is_active=False)
    now = NOON + 9 * QUARTER
    assert watch_absence(bench.gateway, [METER], since=NOON, now=now) == []


def test_many_meters_cost_few_queries(bench: Bench, django_assert_max_num_queries):
    bench.boundary(0, given=[METER, OTHER])
    with django_assert_max_num_queries(4):
        watch_absence(bench.gateway, [METER, OTHER], since=NOON, now=NOON + 9 * QUARTER)

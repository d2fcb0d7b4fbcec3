"""Meters that are read beside the quarter hours: when, how often, and only once."""

from datetime import datetime, timedelta
from itertools import count

import pytest

from hardware.obis import Obis
from hardware.readings import MeterReading
from hardware.record import registers_of
from meters import samples, selectors
from meters.interface import MeterEnd, interface_specs
from meters.models import OriginalRecord, ReadDemand, Sample, SampledMeter
from meters.read_demand import Demand, next_instant, wanted_at
from meters.sampler import Sampler
from tests.meters.test_wired_interface import IDS, NOON, Bench, bench  # noqa: F401
from tests.tariffs.builders import refusing

POWER, IMPORT = "0100100700ff", "0100010800ff"
MINUTE = timedelta(minutes=1)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bench")]


def demand(meter: str = IDS[0], subject: str = "profile", **rest: object) -> ReadDemand:
    given = {
        "period_s": 60,
        "registers": [POWER, IMPORT],
        "begin": NOON - timedelta(hours=1),
        **rest,
    }
    return ReadDemand.objects.create(subject=subject, meter_id=meter, **given)


def sampled(meter: str = IDS[0]) -> list[datetime]:
    rows = Sample.objects.filter(meter=meter).order_by("target_time")
    return list(rows.values_list("target_time", flat=True))


def take_over(bench: Bench) -> None:  # noqa: F811
    (bench.interface.spec,) = interface_specs(selectors.active_meters())


def test_a_demanded_meter_is_read_each_minute_and_the_others_are_not(
    bench: Bench,  # noqa: F811
) -> None:
    """Each sample is captured within a second and holds what was demanded."""
    demand()
    take_over(bench)
    bench.run(NOON + 3 * MINUTE + timedelta(seconds=1))
    assert sampled() == [NOON + n * MINUTE for n in range(4)]
    assert not sampled(IDS[1])
    for row in Sample.objects.all():
        assert abs(row.captured_at - row.target_time) <= timedelta(seconds=1)
        names = [one.obis.logical_name for one in registers_of(row.registers)]
        assert {POWER, IMPORT} <= set(names)
    assert SampledMeter.objects.get().settled_to == NOON + 3 * MINUTE


def test_a_quarter_hour_gives_the_sample_and_the_record_of_counters_alone(
    bench: Bench,  # noqa: F811
) -> None:
    demand()
    take_over(bench)
    bench.run(NOON + timedelta(seconds=5))
    assert NOON in sampled()
    (record,) = OriginalRecord.objects.filter(meter=IDS[0], target_time=NOON)
    assert POWER not in record.registers


def test_a_new_process_goes_on_and_reads_no_instant_twice(
    bench: Bench,  # noqa: F811
) -> None:
    demand()
    take_over(bench)
    bench.run(NOON + 2 * MINUTE + timedelta(seconds=1))
    before = list(Sample.objects.order_by("target_time").values())
    bench.start()
    take_over(bench)
    bench.run(NOON + 4 * MINUTE + timedelta(seconds=1))
    after = list(Sample.objects.order_by("target_time").values())
    assert after[: len(before)] == before
    assert sampled() == [NOON + n * MINUTE for n in range(5)]


def test_a_clock_set_back_gives_no_instant_a_second_value(
    bench: Bench,  # noqa: F811
) -> None:
    demand()
    take_over(bench)
    bench.run(NOON + 3 * MINUTE + timedelta(seconds=1))
    before = list(Sample.objects.order_by("target_time").values())
    bench.clock.set(NOON + MINUTE + timedelta(seconds=5))
    bench.run(NOON + 4 * MINUTE + timedelta(seconds=1))
    assert list(Sample.objects.order_by("target_time").values())[:4] == before
    assert sampled()[-1] == NOON + 4 * MINUTE


def test_what_was_due_while_nobody_read_is_settled_without_a_sample(
    bench: Bench,  # noqa: F811
) -> None:
    demand()
    take_over(bench)
    bench.run(NOON + timedelta(seconds=5))
    bench.clock.advance(seconds=605)
    bench.run(NOON + 11 * MINUTE + timedelta(seconds=1))
    assert sampled() == [NOON, NOON + 11 * MINUTE]


@pytest.mark.django_db(transaction=True)
def test_samples_wait_for_the_database_and_no_mark_comes_before_them(
    bench: Bench,  # noqa: F811
) -> None:
    demand()
    take_over(bench)
    bench.run(NOON + timedelta(seconds=5))
    with refusing("INSERT", "meters_sample"):
        bench.run(NOON + 2 * MINUTE + timedelta(seconds=5))
        assert sampled() == [NOON]
        assert SampledMeter.objects.get().settled_to == NOON
    bench.run(NOON + 3 * MINUTE + timedelta(seconds=5))
    assert sampled() == [NOON + n * MINUTE for n in range(4)]


def test_an_order_is_carried_out_once_and_is_gone(bench: Bench) -> None:  # noqa: F811
    at = NOON + timedelta(seconds=61)
    bench.run(NOON + timedelta(seconds=60))
    samples.order_reading(
        IDS[1],
        subject="order",
        registers=[POWER],
        at=at,
        give_up_at=at + MINUTE,
    )
    take_over(bench)
    bench.run(NOON + timedelta(seconds=70))
    assert sampled(IDS[1]) == [at]
    assert not samples.is_ordered("order")


def test_an_order_for_a_meter_that_is_silent_is_given_up(
    bench: Bench,  # noqa: F811
) -> None:
    bench.plug.is_in = False
    samples.order_reading(
        IDS[1], subject="order", registers=[POWER], at=NOON, give_up_at=NOON + MINUTE
    )
    take_over(bench)
    bench.run(NOON + 2 * MINUTE)
    assert not sampled(IDS[1])
    assert not samples.is_ordered("order")


def test_the_next_instant_is_that_of_the_earliest_grid_in_its_validity() -> None:
    power, energy = Obis.parse(POWER), Obis.parse(IMPORT)
    minute = Demand("a", 60, (power,), NOON, NOON + 2 * MINUTE)
    five = Demand("b", 300, (energy,), NOON + timedelta(seconds=1))
    both = (minute, five)
    assert next_instant(both, NOON - timedelta(hours=1)) == NOON
    assert next_instant(both, NOON + 2 * MINUTE) == NOON + 5 * MINUTE
    assert wanted_at(both, NOON) == (power,)
    assert wanted_at(both, NOON + 5 * MINUTE) == (energy,)
    assert next_instant((minute,), NOON + 2 * MINUTE) is None


def test_no_mark_moves_back(bench: Bench) -> None:  # noqa: F811
    gateway = bench.gateway
    samples.store_samples(gateway, [], {IDS[0]: NOON + MINUTE})
    samples.store_samples(gateway, [], {IDS[0]: NOON})
    assert samples.settled_to(IDS) == {IDS[0]: NOON + MINUTE}


class _Queue:
    """Keeps what the sampler takes."""

    def __init__(self) -> None:
        self.taken: list[samples.Taken] = []

    def take(self, taken: samples.Taken) -> None:
        self.taken.append(taken)

    def settle(self, meter_id: str, instant: datetime) -> None:
        pass


def test_an_instant_is_read_while_the_clock_goes_on_between_two_looks() -> None:
    """A real clock shows a later time each time it is asked."""
    demands = (Demand("a", 60, (Obis.parse(POWER),), NOON),)
    meter = MeterEnd(IDS[0], b"", demands=demands)
    looks = count()
    queue = _Queue()
    sampler = Sampler(queue)  # type: ignore[arg-type]
    sampler.begin([meter], NOON - timedelta(seconds=1))
    sampler.step(
        [meter],
        {meter.id},
        lambda: NOON + next(looks) * timedelta(microseconds=1),
        lambda _meter, _registers: MeterReading(b"", NOON, 0, ()),
    )
    assert [one.target_time for one in queue.taken] == [NOON]

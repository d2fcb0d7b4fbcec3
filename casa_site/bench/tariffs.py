"""P16: TAF2 recomputed from the readings of 24 months, 4 meters, 6 stages.

Every register is compared with an oracle that walks over each quarter hour and keeps
a set of the stages it saw; it shares no code with what is measured. Values are missing
here and there, at midnight too, and both clock changes are in the time.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from random import Random
from statistics import median

from casa_site.bench.bench import Bench
from casa_site.bench.figure import Figure, Goal, Quantity, ResultWrong
from casa_site.bench.rounds import always, cpu_rounds
from tariffs.calendar import BERLIN
from tariffs.trudi import taf2
from tariffs.trudi.model import (
    AnalysisProfile,
    DayProfile,
    DaySlot,
    Interval,
    IntervalBlock,
    Reading,
    ReadingList,
    ReadingType,
    SpecialDay,
    TariffStage,
    UsagePoint,
)
from tariffs.trudi.moments import Moment

GOAL_S = 2.0
METERS, STAGES, DAY_KINDS = 4, 6, 7
FIRST_YEAR = 2024
ERROR_REGISTER = 63
_GOOD = 0x0000000500000004
_QUARTER = timedelta(minutes=15)
_TIMES = [time(hour, minute) for hour in range(24) for minute in (0, 15, 30, 45)]


def figures(bench: Bench) -> Iterator[Figure]:
    """P16."""
    days = (
        bench.scale.days or (date(FIRST_YEAR + 2, 1, 1) - date(FIRST_YEAR, 1, 1)).days
    )
    tariff, point = _tariff(days), _readings(days)
    _compare(point, tariff)
    seconds = cpu_rounds(
        {
            "own": always(partial(taf2.calculate, point, tariff)),
            "oracle": always(partial(_by_oracle, point, tariff)),
        },
        bench.scale.rounds,
    )
    count = sum(len(block.readings) for each in point.lists for block in each.blocks)
    yield Figure(
        id="P16",
        title="TAF2 recomputed from the readings, CPU seconds",
        value=median(seconds["own"]),
        unit="s",
        goal=Goal("at most", GOAL_S),
        references=(
            Quantity("the oracle, totals only", median(seconds["oracle"]), "s"),
        ),
        conditions=f"{days} days, {METERS} meters, {STAGES} stages, {count} readings",
    )


def _tariff(days: int) -> AnalysisProfile:
    """Day profiles with a switch every few quarter hours, all of them used in turn."""
    random = Random(16)
    first = date(FIRST_YEAR, 1, 1)
    return AnalysisProfile(
        tariff_use_case=2,
        billing_period=_span(days),
        stages=[TariffStage(n, f"01000108{n:02X}FF") for n in range(1, STAGES + 1)],
        day_profiles=[_day_profile(kind, random) for kind in range(DAY_KINDS)],
        special_days=[
            SpecialDay(first + timedelta(days=n), n % DAY_KINDS) for n in range(days)
        ],
    )


def _day_profile(kind: int, random: Random) -> DayProfile:
    slots, stage = [], 1
    for at in _TIMES:
        if random.random() < 0.25:
            stage = random.randint(1, STAGES)
        slots.append(DaySlot(at, stage))
    return DayProfile(kind, slots)


def _span(days: int) -> Interval:
    begin, end = (
        datetime.combine(date(FIRST_YEAR, 1, 1) + timedelta(days=n), time(), BERLIN)
        for n in (0, days)
    )
    seconds = (end.astimezone(UTC) - begin.astimezone(UTC)).total_seconds()
    return Interval(Moment.at(begin), int(seconds))


def _readings(days: int) -> UsagePoint:
    span = _span(days)
    assert span.start and span.end
    count = (span.end.utc - span.start.utc) // _QUARTER
    moments = [Moment.at(span.start.utc + n * _QUARTER) for n in range(count + 1)]
    return UsagePoint(lists=[_list(meter, moments, span) for meter in range(METERS)])


def _list(meter: int, moments: list[Moment], span: Interval) -> ReadingList:
    random = Random(meter)
    readings, value = [], random.randrange(10**6)
    for moment in moments:
        value += random.randrange(200)
        if random.random() < 0.99:
            status = 3 if random.random() < 0.01 else 0
            readings.append(Reading(value, moment, 0, moment, _GOOD, status, ""))
    meter_id = f"0A01454D48000000000{meter}"
    name = f"0100010800FF.{meter_id}.sm"
    kind = ReadingType(0, 72, -1, "0100010800FF", name, 900)
    return ReadingList([meter_id], name, kind, [IntervalBlock(span, readings)])


# --- the oracle ---------------------------------------------------------------------


def _compare(point: UsagePoint, tariff: AnalysisProfile) -> None:
    result = taf2.calculate(point, tariff)
    found = {each.tariff_id: each.amount for each in result.registers}
    if found != (expected := _by_oracle(point, tariff)):
        raise ResultWrong(f"TAF2 gives {found}, the oracle {expected}")


def _by_oracle(point: UsagePoint, tariff: AnalysisProfile) -> dict[int, int]:
    amounts = dict.fromkeys((*range(1, STAGES + 1), ERROR_REGISTER), 0)
    for values in point.lists:
        _add_list(amounts, values, tariff)
    return amounts


def _add_list(
    amounts: dict[int, int], values: ReadingList, tariff: AnalysisProfile
) -> None:
    """Walk over the wall clock; what was seen since the last value decides."""
    usable: dict[datetime, int | None] = {}
    for reading in values.readings:
        if reading.target and reading.target.wall not in usable:
            is_good = reading.status_ptb is not None and reading.status_ptb < 3
            usable[reading.target.wall] = reading.value if is_good else None
    last: tuple[datetime, int] | None = None
    seen: set[int] = set()
    for when, stage in _slots(tariff):
        value = usable.get(when)
        if value is not None:
            if last is not None:
                since, before = last
                over_midnight = since.date() < when.date() and when.time() != time()
                is_clear = len(seen) == 1 and not (over_midnight and stage not in seen)
                amounts[seen.pop() if is_clear else ERROR_REGISTER] += value - before
            last, seen = (when, value), set()
        seen.add(stage)


def _slots(tariff: AnalysisProfile) -> Iterator[tuple[datetime, int]]:
    """Each quarter hour and its stage; a change at 23:45 waits (rule 5.4b)."""
    profiles = {day.day_id: day.slots for day in tariff.day_profiles}
    for on, day_id in tariff.special_days:
        assert on
        slots = profiles[day_id]
        for number, (at, stage) in enumerate(slots):
            assert at
            last = number == len(slots) - 1
            yield datetime.combine(on, at), slots[number - 1].stage if last else stage
    assert on
    yield datetime.combine(on + timedelta(days=1), time()), 0

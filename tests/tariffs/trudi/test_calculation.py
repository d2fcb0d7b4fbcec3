"""TAF1 and TAF2 where the published cases are thin: clock changes, status, blocks."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from tariffs.calendar import BERLIN
from tariffs.trudi import taf1, taf2
from tariffs.trudi.calculation import CalculationFailed, Result
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
from tariffs.trudi.sections import sections

QUARTER = timedelta(minutes=15)
TIMES = [time(hour, minute) for hour in range(24) for minute in (0, 15, 30, 45)]
IMPORT = "0100010800FF"
GOOD = 0x0000000500000004


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), BERLIN).astimezone(UTC)


def a_list(
    begin: datetime,
    end: datetime,
    *,
    obis: str = IMPORT,
    bad: dict[str, int] | None = None,
    missing: frozenset[str] = frozenset(),
    step: timedelta = QUARTER,
) -> ReadingList:
    """Ten units each quarter hour; `bad`: PTB status by local time with offset."""
    readings = []
    for number in range(int((end - begin) / step) + 1):
        moment = Moment.at(begin + number * step)
        name = moment.isoformat()
        if name not in missing:
            status = (bad or {}).get(name, 0)
            value = 10 * number * int(step / QUARTER)
            readings.append(Reading(value, moment, 0, moment, GOOD, status, ""))
    seconds = int((end - begin).total_seconds())
    block = IntervalBlock(Interval(Moment.at(begin), seconds), readings)
    name = f"{obis}.0A01454D480000BC614E.sm"
    kind = ReadingType(0, 72, -1, obis, name, 900)
    return ReadingList(["0A01454D480000BC614E"], "list", kind, [block])


def a_day(day_id: int, *switches: tuple[str, int]) -> DayProfile:
    """A day profile of 96 slots from its switches."""
    stages = {time.fromisoformat(at): stage for at, stage in switches}
    slots, stage = [], 0
    for at in TIMES:
        stage = stages.get(at, stage)
        slots.append(DaySlot(at, stage))
    return DayProfile(day_id, slots)


HOUSEHOLD = a_day(1, ("00:00", 1), ("06:00", 2), ("21:00", 1))
STAGES = [TariffStage(1, "0100010801FF"), TariffStage(2, "0100010802FF")]


def a_tariff(
    use_case: int,
    begin: datetime,
    end: datetime,
    profiles: list[DayProfile],
    stages: list[TariffStage] = STAGES,
) -> AnalysisProfile:
    """The first profile for import (and each further one too) on every day."""
    first, last = Moment.at(begin).wall.date(), Moment.at(end).wall.date()
    days = [first + timedelta(days=n) for n in range((last - first).days)]
    return AnalysisProfile(
        tariff_use_case=use_case,
        billing_period=Interval(Moment.at(begin), int((end - begin).total_seconds())),
        stages=stages,
        day_profiles=profiles,
        special_days=[SpecialDay(day, p.day_id) for p in profiles for day in days],
    )


def amounts(result: Result) -> dict[str, int]:
    return {str(each.obis): each.amount for each in result.registers}


def of_a_day(day: date, profile: DayProfile, **options: object) -> dict[str, int]:
    """The TAF2 amounts of one local day."""
    begin, end = midnight(day), midnight(day + timedelta(days=1))
    point = UsagePoint(lists=[a_list(begin, end, **options)])  # type: ignore[arg-type]
    return amounts(taf2.calculate(point, a_tariff(2, begin, end, [profile])))


@pytest.mark.req("R41")
@pytest.mark.parametrize(
    ("day", "first", "second"),
    [
        (date(2017, 11, 4), 360, 600),
        (date(2017, 3, 26), 320, 600),
        (date(2017, 10, 29), 400, 600),
    ],
)
def test_days_of_23_and_25_hours_are_divided_without_a_rest(
    day: date, first: int, second: int
) -> None:
    """R41: one stage at each instant, on both days of the clock change."""
    assert of_a_day(day, HOUSEHOLD) == {
        "1-0:1.8.1*255": first,
        "1-0:1.8.2*255": second,
        "1-0:1.8.63*255": 0,
    }


def test_a_switch_in_the_skipped_hour_cannot_be_measured() -> None:
    """The quarter hour from 01:45 to 03:00 goes to the error register."""
    profile = a_day(1, ("00:00", 1), ("02:30", 2))
    found = of_a_day(date(2017, 3, 26), profile)
    assert list(found.values()) == [70, 840, 10]


def test_a_switch_in_the_repeated_hour_happens_at_its_first_coming() -> None:
    profile = a_day(1, ("00:00", 1), ("02:30", 2))
    found = of_a_day(date(2017, 10, 29), profile)
    assert list(found.values()) == [100, 900, 0]


def test_a_switch_after_the_repeated_hour_comes_once() -> None:
    profile = a_day(1, ("00:00", 1), ("03:00", 2))
    found = of_a_day(date(2017, 10, 29), profile)
    assert list(found.values()) == [160, 840, 0]


@pytest.mark.parametrize(
    ("status", "error"), [(0, 0), (1, 0), (2, 0), (3, 20), (4, 20)]
)
def test_a_value_that_is_not_usable_is_as_if_it_were_missing(
    status: int, error: int
) -> None:
    day = date(2017, 11, 4)
    found = of_a_day(day, HOUSEHOLD, bad={"2017-11-04T06:00:00+01:00": status})
    assert found["1-0:1.8.63*255"] == error


def test_nothing_is_booked_before_the_first_valid_value() -> None:
    """Not the absolute reading to the error register, as TRuDI does."""
    day = date(2017, 11, 4)
    found = of_a_day(day, HOUSEHOLD, bad={"2017-11-04T00:00:00+01:00": 4})
    assert list(found.values()) == [350, 600, 0]


def test_import_and_export_have_registers_of_their_own() -> None:
    day = date(2017, 11, 4)
    begin, end = midnight(day), midnight(day + timedelta(days=1))
    gap = frozenset({"2017-11-04T06:00:00+01:00"})
    point = UsagePoint(
        lists=[
            a_list(begin, end),
            a_list(begin, end, obis="0100020800FF", missing=gap),
        ]
    )
    export = a_day(2, ("00:00", 3), ("06:00", 4), ("21:00", 3))
    stages = [*STAGES, TariffStage(3, "0100020801FF"), TariffStage(4, "0100020802FF")]
    tariff = a_tariff(2, begin, end, [HOUSEHOLD, export], stages)
    assert amounts(taf2.calculate(point, tariff)) == {
        "1-0:1.8.1*255": 360,
        "1-0:1.8.2*255": 600,
        "1-0:2.8.1*255": 350,
        "1-0:2.8.2*255": 590,
        "1-0:1.8.63*255": 0,
        "1-0:2.8.63*255": 20,
    }


def test_two_meters_of_one_direction_add_up() -> None:
    day = date(2017, 11, 4)
    begin, end = midnight(day), midnight(day + timedelta(days=1))
    point = UsagePoint(lists=[a_list(begin, end), a_list(begin, end)])
    result = taf2.calculate(point, a_tariff(2, begin, end, [HOUSEHOLD]))
    assert list(amounts(result).values()) == [720, 1200, 0]
    assert [len(section.ranges) for section in sections(result)] == [3, 3]


def test_an_error_register_of_the_tariff_is_used() -> None:
    day = date(2017, 11, 4)
    begin, end = midnight(day), midnight(day + timedelta(days=1))
    gap = frozenset({"2017-11-04T06:00:00+01:00"})
    point = UsagePoint(lists=[a_list(begin, end, missing=gap)])
    stages = [*STAGES, TariffStage(9, "010001083FFF")]
    result = taf2.calculate(point, a_tariff(2, begin, end, [HOUSEHOLD], stages))
    assert [(each.tariff_id, each.amount) for each in result.registers] == [
        *((1, 350), (2, 590), (63, 20)),
    ]


def test_a_value_counts_only_in_a_block_that_covers_its_time() -> None:
    """Two blocks that abut at noon; a third before the first covers nothing of it."""
    day = date(2017, 11, 4)
    begin, end = midnight(day), midnight(day + timedelta(days=1))
    values = a_list(begin, end)
    readings = values.blocks[0].readings
    half = IntervalBlock(Interval(Moment.at(begin), 43200), readings[:49])
    rest = IntervalBlock(Interval(Moment.at(begin).plus(43200), 43200), readings[48:])
    values.blocks = [half, rest]
    tariff = a_tariff(2, begin, end, [HOUSEHOLD])
    both = taf2.calculate(UsagePoint(lists=[values]), tariff)
    assert list(amounts(both).values()) == [360, 600, 0]
    rest.interval = Interval(Moment.at(begin).plus(43200), 900)
    cut = taf2.calculate(UsagePoint(lists=[values]), tariff)
    assert sum(amounts(cut).values()) == 490


def test_a_period_without_readings_is_an_error() -> None:
    day = date(2017, 11, 4)
    begin, end = midnight(day), midnight(day + timedelta(days=1))
    point = UsagePoint(lists=[a_list(begin, end)])
    later = a_tariff(2, end + QUARTER, end + timedelta(days=2), [HOUSEHOLD])
    with pytest.raises(CalculationFailed) as failed:
        taf2.calculate(point, later)
    assert failed.value.code == "no_readings_in_billing_period"


# --- TAF1 ---------------------------------------------------------------------------

ONE_STAGE = [TariffStage(1, "0100010801FF")]
ALL_DAY = a_day(1, ("00:00", 1))


def taf1_of(
    begin: date,
    end: date,
    *,
    lists: int = 1,
    stages: list[TariffStage] = ONE_STAGE,
    profiles: list[DayProfile] | None = None,
) -> Result:
    first, last = midnight(begin), midnight(end)
    values = [a_list(first, last, step=last - first) for _ in range(lists)]
    tariff = a_tariff(1, first, last, profiles or [ALL_DAY], stages)
    return taf1.calculate(UsagePoint(lists=values), tariff)


@pytest.mark.req("R40")
@pytest.mark.parametrize("months", [1, 2, 3, 6, 12])
def test_taf1_periods_are_of_whole_months(months: int) -> None:
    """R40: at least a month; here also those that TRuDI knows."""
    end = date(2025 + (9 + months) // 12, (9 + months) % 12 + 1, 1)
    result = taf1_of(date(2025, 10, 1), end)
    hours = (midnight(end) - midnight(date(2025, 10, 1))) / timedelta(hours=1)
    assert list(amounts(result).values()) == [int(hours) * 40]


@pytest.mark.parametrize(
    ("begin", "end", "code"),
    [
        (date(2025, 10, 2), date(2025, 11, 2), "billing_period_not_at_month_start"),
        (date(2025, 10, 1), date(2025, 10, 28), "billing_period_length"),
        (date(2025, 10, 1), date(2026, 2, 1), "billing_period_length"),
    ],
)
def test_other_periods_are_refused(begin: date, end: date, code: str) -> None:
    with pytest.raises(CalculationFailed) as failed:
        taf1_of(begin, end)
    assert failed.value.code == code


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"lists": 4}, "too_many_original_value_lists"),
        ({"lists": 1, "stages": STAGES}, "more_tariff_stages_than_lists"),
        ({"lists": 0}, "no_original_value_list"),
        ({"profiles": [ALL_DAY, a_day(2, ("00:00", 1))]}, "day_profile_count"),
        ({"profiles": [a_day(1, ("00:00", 7))]}, "day_profile_count"),
    ],
)
def test_a_tariff_that_does_not_fit_taf1_is_refused(
    options: dict[str, object], code: str
) -> None:
    with pytest.raises(CalculationFailed) as failed:
        taf1_of(date(2025, 10, 1), date(2025, 11, 1), **options)  # type: ignore[arg-type]
    assert failed.value.code == code


def test_two_lists_of_one_stage_are_one_register_in_two_sections() -> None:
    result = taf1_of(date(2025, 10, 1), date(2025, 11, 1), lists=2)
    assert list(amounts(result).values()) == [2 * 745 * 40]
    assert [len(section.ranges) for section in sections(result)] == [1, 1]

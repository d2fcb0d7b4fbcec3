"""The test matrix of tafs.md section 11: each situation with each use case, one table.

All use cases stand on quarter hours here, also those with values of instants, so that
one table can say what each lists. Values arrive as from a meter that pushes: the way
they are assigned to quarter hours is the gateway's own (`PushWindow`), the tolerance
of samples that of the rule.

Pseudonymised payloads are searched for names in `tests/gwa_api/test_gwa_route.py`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from hardware.gateway import Gateway
from hardware.readings import MeterReading
from hardware.record import registers_of
from hardware.status_word import METER_BASIC, METER_FATAL, ptb_status
from logbooks.selectors import consumer_log
from meters import samples
from meters.boundaries import PushWindow, is_on_grid
from meters.models import Meter
from tariffs import on_demand, selectors
from tariffs.calendar import Period, day_starts
from tariffs.instant_spec import InstantSpec
from tariffs.lifecycle import replace_profile
from tariffs.models import DerivedRecord, EvaluationProfile, OutboxRow
from tariffs.profile_spec import InputSpec, ProfileInvalid, ProfileSpec
from tariffs.schedule import shown_periods
from tariffs.services import create_participant, end_profile, evaluate_due
from tariffs.switch_calendar import StageRule
from tariffs.tariff_spec import DefaultRule, Stage, TariffSpec
from tests.tariffs.builders import (
    GAP,
    IMPORT,
    OK,
    QUARTER,
    a_meter,
    a_profile,
    register,
    store,
    utc,
)
from tests.tariffs.test_crash_at_each_statement import undone

ALL = (1, 2, 6, 7, 9, 10, 14)
BILLED, COURSE, INSTANT = (1, 2), (7, 9, 10, 14), (9, 10, 14)
ASKED = (6, 9, 10)
POWER = "0100100700ff"
LATE = timedelta(minutes=1)
NIGHT = TariffSpec(
    (Stage(1), Stage(2)),
    (StageRule(1, begin=time(2, 30), end=time(5)), DefaultRule(2)),
)
SPRING = (utc("2026-03-28 23:00"), utc("2026-03-29 22:00"))
"""The local day of 23 hours."""
AUTUMN = (utc("2026-10-24 22:00"), utc("2026-10-25 23:00"))
"""The local day of 25 hours."""
DAY = (utc("2026-03-10 23:00"), utc("2026-03-11 23:00"))

pytestmark = pytest.mark.django_db
Row = tuple[datetime, int, int]


@dataclass
class Plant:
    """A meter, a profile of one use case, and the values that the meter gives.

    A counter goes up by 10 each quarter hour from 1000 at the first value on; what is
    fed in, drawn or counted alike.
    """

    gateway: Gateway
    taf: int
    meter: Meter = field(init=False)
    last: int = 0

    def __post_init__(self) -> None:
        create_participant("emt")
        self.meter = a_meter(self.gateway)

    def profile(
        self, begin: datetime, end: datetime | None = None, **rest: Any
    ) -> EvaluationProfile:
        """A profile of the use case, made a moment before it begins."""
        given: dict[str, Any] = {"now": begin - LATE, "recipients": ("emt",)}
        inputs = [InputSpec(self.meter.id, self.obis)]
        return a_profile(
            self.gateway,
            *rest.pop("inputs", inputs),
            taf=self.taf,
            valid_from=begin,
            valid_to=end,
            **self.own(),
            **{**given, **rest},
        )

    def own(self) -> dict[str, Any]:
        """What the use case needs beside its inputs."""
        if self.taf == 2:
            return {"tariff": NIGHT}
        if self.taf in INSTANT:
            triggers = ("periodic",) if self.taf == 14 else ("periodic", "on_demand")
            spec = InstantSpec(triggers=triggers)
            return {"instant_values": spec, "registration_period_s": 900}
        return {}

    @property
    def obis(self) -> str:
        """The register that the use case takes."""
        return POWER if self.taf in INSTANT else IMPORT

    def feed(
        self,
        begin: datetime,
        end: datetime,
        *,
        gone: Iterable[datetime] = (),
        off_s: float = 1,
        status: dict[datetime, int] | None = None,
        start: int = 1000,
        meter: Meter | None = None,
    ) -> None:
        """Values for the quarter hours of `[begin, end]`, `off_s` beside each of them.

        Those that are `gone` never arrive.
        """
        assert is_on_grid(begin)
        window = PushWindow(now=begin - QUARTER / 2)
        off, missing, given = timedelta(seconds=off_s), set(gone), status or {}
        at, self.last = begin, start
        settled: dict[datetime, tuple[MeterReading | None, int]] = {}
        while at <= end:
            self.last = start + (at - begin) // QUARTER * 10
            if at not in missing:
                reading = self._reading(at + off, self.last, given.get(at))
                for one in window.offer(reading):
                    settled[one.target_time] = (one.reading, self.last)
            for one in window.expire(at + QUARTER / 2):
                settled[one.target_time] = (one.reading, self.last)
            at += QUARTER
        self._store(settled, meter or self.meter)

    def _reading(self, at: datetime, value: int, status: int | None) -> MeterReading:
        signed = -value if self.taf == 9 else value
        unit = 27 if self.taf in INSTANT else 30
        one = register(signed, obis=self.obis, unit=unit)
        return MeterReading(b"", at, status or METER_BASIC, (one,))

    def _store(
        self, settled: dict[datetime, tuple[MeterReading | None, int]], meter: Meter
    ) -> None:
        if self.taf in INSTANT:
            taken = [
                samples.Taken(meter.id, at, reading)
                for at, (reading, _value) in settled.items()
                if reading is not None
            ]
            samples.store_samples(self.gateway, taken, {meter.id: max(settled)})
            return
        before: int | None = None
        for at, (reading, _value) in sorted(settled.items()):
            if reading is not None:
                before = reading.registers[0].value
                status = OK | reading.status
                store(self.gateway, meter, {at: before}, status=status)
            elif before is not None:
                store(self.gateway, meter, {at: before}, status=GAP)

    def run(self, now: datetime) -> None:
        """Evaluate what is due."""
        evaluate_due(self.gateway, now=now)

    def rows(self, profile: str = "profile") -> list[Row]:
        """Time, value, verdict of what is listed; of TAF2 the total register."""
        one = EvaluationProfile.objects.get(pk=profile)
        whole = Period(utc("2026-01-01 00:00"), utc("2027-01-01 00:00"))
        return [
            (
                row.target_time,
                registers_of(row.registers)[0].value,
                ptb_status(row.status),
            )
            for row in selectors.period_rows(one, whole)
        ]

    def times(self, profile: str = "profile") -> list[datetime]:
        """The times of what is listed."""
        return [at for at, _value, _verdict in self.rows(profile)]


def quarters(begin: datetime, end: datetime) -> list[datetime]:
    """The quarter hours of `[begin, end]`."""
    return [begin + n * QUARTER for n in range((end - begin) // QUARTER + 1)]


def stages(at: datetime) -> dict[int, int]:
    """The registers of a TAF2 record by stage."""
    row = DerivedRecord.objects.get(profile="profile", target_time=at)
    return {one.obis.groups[4]: one.value for one in registers_of(row.registers)}


def owed(profile: str = "profile") -> list[tuple[str, datetime]]:
    """Kind and end of what the recipient is owed."""
    rows = OutboxRow.objects.filter(profile=profile).order_by("sequence")
    return list(rows.values_list("kind", "end"))


# --- the situations ------------------------------------------------------------------


def first_grid_instant(plant: Plant) -> None:
    """The first registration is at the first instant on the grid (R6)."""
    begin, end = DAY
    plant.profile(begin - timedelta(minutes=8), end)
    plant.feed(begin - 4 * QUARTER, end)
    plant.run(end + LATE)
    assert plant.times()[0] == begin


def a_day_of(
    span: tuple[datetime, datetime], count: int, switches: tuple[str, str]
) -> Callable[[Plant], None]:
    """A local day with a clock change: what is listed from its start to its end."""

    def situation(plant: Plant) -> None:
        begin, end = span
        plant.profile(begin, end)
        plant.feed(begin, end)
        plant.run(end + LATE)
        expected = {
            1: [begin, end],
            2: [begin, *map(utc, switches), end],
            6: [begin, end],
        }
        assert plant.times() == expected.get(plant.taf, quarters(begin, end))
        assert len(quarters(begin, end)) == count + 1
        assert all(verdict == 0 for _at, _value, verdict in plant.rows())
        rows = plant.rows()
        assert rows[-1][1] - rows[0][1] == count * 10
        if plant.taf == 2:
            of_stages = stages(end)
            # A switch inside the skipped hour has no reading: the quarter hour over it
            # cannot be split (tariffication.md 5.6).
            unsplit = 10 if span == SPRING else 0
            first, second = map(utc, switches)
            assert of_stages.pop(0) == sum(of_stages.values()) == count * 10
            assert of_stages[1] == (second - first) // QUARTER * 10
            assert of_stages[63] == unsplit

    return situation


def month_end_at(begin: str, boundary: str, before: str) -> Callable[[Plant], None]:
    """The end of a month of 743 or 745 hours: it lies at local midnight."""

    def situation(plant: Plant) -> None:
        start, month = utc(begin), utc(boundary)
        plant.profile(start)
        plant.feed(start, month + 2 * QUARTER)
        plant.run(month + 3 * QUARTER)
        assert month in plant.times()
        assert utc(before) in plant.times() or plant.taf in (1, 2, 6)
        if plant.taf in BILLED:
            assert ("periodic", month) in owed()
            profile = EvaluationProfile.objects.get(pk="profile")
            shown = shown_periods(profile, until=month + QUARTER)
            assert next(one.end for one in shown) == month

    return situation


def a_gap_inside(plant: Plant) -> None:
    """Values are missing inside the day, no switch, no boundary: R3, never guessed."""
    begin, end = DAY
    gone = [begin + n * QUARTER for n in (40, 41, 42)]
    plant.profile(begin, end)
    plant.feed(begin, end, gone=gone)
    plant.run(end + timedelta(days=2))
    rows = {at: (value, verdict) for at, value, verdict in plant.rows()}
    if plant.taf in COURSE:
        assert [rows[at] for at in gone] == [(1390, 3)] * 3
        assert len(rows) == 97
    else:
        assert all(verdict == 0 for _value, verdict in rows.values())
    if plant.taf == 2:
        assert stages(end) == {0: 960, 1: 100, 2: 860, 63: 0}


def a_gap_across_a_boundary(plant: Plant) -> None:
    """The end of the month has no value: what stands for it is marked."""
    boundary = utc("2026-03-31 22:00")
    begin, gone = boundary - timedelta(hours=6), [boundary - QUARTER, boundary]
    plant.profile(begin)
    plant.feed(begin, boundary + timedelta(hours=6), gone=gone)
    plant.run(boundary + timedelta(hours=7))
    found = {at: (value, verdict) for at, value, verdict in plant.rows()}
    expected = {1: (1250, 2), 2: (220, 3), 6: (1220, 3)}
    assert found[boundary] == expected.get(plant.taf, (1220, 3))
    if plant.taf == 2:
        switch = utc("2026-04-01 00:30")
        assert stages(switch) == {0: 340, 1: 0, 2: 340, 63: 0}


def a_gap_across_a_switch(plant: Plant) -> None:
    """The energy over a switch cannot be split: error register, and only there."""
    begin, end = DAY
    switch = begin + timedelta(hours=2, minutes=30)
    gone = [switch - QUARTER, switch, switch + QUARTER]
    plant.profile(begin, end)
    plant.feed(begin, end, gone=gone)
    plant.run(end + timedelta(days=2))
    rows = {at: (value, verdict) for at, value, verdict in plant.rows()}
    if plant.taf == 2:
        assert stages(end) == {0: 960, 1: 80, 2: 840, 63: 40}
        assert rows[switch][1] == 3
    elif plant.taf in COURSE:
        assert [rows[at] for at in gone] == [(1080, 3)] * 3


def a_restart_at_a_boundary(plant: Plant) -> None:
    """It runs to the moment of the boundary, and again: nothing double or lost."""
    begin, end = DAY
    plant.profile(begin, end)
    plant.feed(begin, end)
    for now in (begin, begin, end, end, end + LATE):
        plant.run(now)
    stepwise, sent = plant.rows(), owed()
    assert len(set(plant.times())) == len(stepwise)
    assert plant.times()[-1] == end
    assert sent.count(("final", end)) == (0 if plant.taf == 6 else 1)


def clock_off_by(off_s: int) -> Callable[[Plant], None]:
    """The meter's values lie beside the quarter hours: up to 27 s they count (R2)."""

    def situation(plant: Plant) -> None:
        begin, end = DAY
        plant.profile(begin, end)
        plant.feed(begin - QUARTER, begin - QUARTER)
        plant.feed(begin, end, off_s=off_s)
        plant.run(end + timedelta(days=2))
        usable = [row for row in plant.rows() if row[2] < 3]
        if abs(off_s) <= 27:
            count = {1: 2, 2: 4, 6: 2}.get(plant.taf, 97)
            assert len(usable) == count
            assert usable[-1][1] - usable[0][1] == 960
        else:
            assert not [at for at, *_rest in usable if at > begin]

    return situation


def a_fatal_status(plant: Plant) -> None:
    """A fatal value is listed where values are listed, and never counts (R4)."""
    begin, end = DAY
    bad = begin + 8 * QUARTER
    plant.profile(begin, end)
    plant.feed(begin, end, status={bad: METER_BASIC | METER_FATAL})
    plant.run(end + LATE)
    rows = {at: verdict for at, _value, verdict in plant.rows()}
    if plant.taf in COURSE:
        assert rows[bad] == 4
    assert [at for at, verdict in rows.items() if verdict] == (
        [bad] if plant.taf in COURSE else []
    )


def a_fatal_status_at_the_end(plant: Plant) -> None:
    """At a boundary a fatal value is none: what is sent is marked, not billed."""
    begin, end = DAY
    plant.profile(begin, end)
    plant.feed(begin, end, status={end: METER_BASIC | METER_FATAL})
    plant.feed(end + QUARTER, end + 3 * QUARTER, start=plant.last + 10)
    plant.run(end + timedelta(days=2))
    expected = {1: 2, 2: 3}
    assert plant.rows()[-1][2] == expected.get(plant.taf, 4)


def a_counter_that_falls(plant: Plant) -> None:
    """Nothing is counted over it (R11 c); lists say what the meter said."""
    begin, end = DAY
    middle = begin + 50 * QUARTER
    plant.profile(begin, end)
    plant.feed(begin, middle)
    plant.feed(middle + QUARTER, end, start=7)
    plant.run(end + LATE)
    if plant.taf == 2:
        assert stages(end)[0] == 960 - 10
        assert [e.event_id for e in consumer_log("hks2")].count(19006) == 1
    else:
        assert plant.rows()[-1][1] == 7 + 45 * 10


def a_counter_that_rolls_over(plant: Plant) -> None:
    """It begins at 0 again at 150 Wh: all is counted, with a warning (R11 b)."""
    begin, end = DAY
    middle = begin + 49 * QUARTER
    plant.meter.max_register_value = 150
    plant.meter.save()
    plant.profile(begin, end)
    plant.feed(begin, middle)  # 1490 tenths at its end
    plant.feed(middle + QUARTER, end, start=0)
    plant.run(end + LATE)
    told = [event.event_id for event in consumer_log("hks2")]
    assert 19006 not in told
    if plant.taf == 2:
        assert stages(end)[0] == 49 * 10 + 10 + 46 * 10
        assert 1 in {verdict for _at, _value, verdict in plant.rows()}
    else:
        assert plant.rows()[-1][1] == 46 * 10


def two_scalers(plant: Plant) -> None:
    """Two inputs add up exactly in the finest scaler (R15)."""
    begin, end = DAY
    second = a_meter(plant.gateway, 2)
    inputs = [InputSpec(plant.meter.id, IMPORT), InputSpec(second.id, IMPORT, -1)]
    plant.profile(begin, end, inputs=inputs)
    plant.feed(begin, end)
    values = {at: 500 + 3 * n for n, at in enumerate(quarters(begin, end))}
    store(plant.gateway, second, values, scaler=-3)
    plant.run(end + LATE)
    rows = plant.rows()
    assert rows[-1][1] - rows[0][1] == 96 * 1000 - 96 * 3


def ended_and_made_again(plant: Plant) -> None:
    """A meter exchange: final reading of the old, initial of the new one (R12)."""
    begin, end = DAY
    exchange = begin + 40 * QUARTER
    other = a_meter(plant.gateway, 2)
    plant.profile(begin)
    plant.feed(begin, exchange)
    plant.run(exchange - LATE)
    spec = ProfileSpec(
        id="second",
        taf=plant.taf,
        inputs=(InputSpec(other.id, plant.obis),),
        recipients=("emt",),
        **plant.own(),
    )
    replace_profile(plant.gateway, "profile", spec, at=exchange, now=exchange - LATE)
    plant.feed(exchange, end, start=3, meter=other)
    end_profile(plant.gateway, "second", at=end, now=exchange)
    plant.run(end + LATE)
    if plant.taf != 6:
        assert owed()[-1] == ("final", exchange)
        assert owed("second")[0] == ("initial", exchange)
        assert plant.times()[-1] == plant.times("second")[0] == exchange
    first, last = plant.rows("second")[0], plant.rows("second")[-1]
    assert first[1] == {2: 0, 6: last[1]}.get(plant.taf, 3)
    assert last[1] - first[1] == (0 if plant.taf == 6 else 56 * 10)
    told = [e.event_id for e in consumer_log("hks2")]
    assert [told.count(event) for event in (20010, 20012, 20032)] == [2, 2, 2]


def an_unknown_recipient(plant: Plant) -> None:
    """Who is not named gets nothing: at the making, and on demand (16004/4)."""
    begin, end = DAY
    with pytest.raises(ProfileInvalid):
        plant.profile(begin, recipients=("stranger",))
    plant.profile(begin)
    plant.feed(begin, end)
    plant.run(end + LATE)
    before = owed()
    refused = on_demand.RecipientUnknown if plant.taf in ASKED else on_demand.NotOffered
    create_participant("stranger")
    with pytest.raises(refused):
        on_demand.request(
            plant.gateway,
            "profile",
            recipient="stranger",
            now=end + LATE,
            day=date(2026, 3, 12),
        )
    assert owed() == before


def a_second_run(plant: Plant) -> None:
    """The same instants once more bring nothing (R7)."""
    begin, end = DAY
    plant.profile(begin, end)
    plant.feed(begin, end)
    plant.run(end + LATE)
    before = (plant.rows(), owed(), DerivedRecord.objects.count())
    plant.run(end + LATE)
    plant.run(begin + LATE)
    assert (plant.rows(), owed(), DerivedRecord.objects.count()) == before


def catch_up(plant: Plant) -> None:
    """A day without evaluation, at once, gives what each hour would have (R8)."""
    begin, end = DAY
    plant.profile(begin, end)
    plant.feed(begin, end)
    found = []
    for hints in (quarters(begin, end)[::9], []):
        with undone():
            for now in (*hints, end + LATE):
                plant.run(now)
            found.append((plant.rows(), owed()))
    assert found[0] == found[1]
    assert found[0][0][-1][0] == end


def initial_and_final(plant: Plant) -> None:
    """Both are registered and owed by themselves (R6); TAF6 is only sent on demand."""
    begin, end = DAY
    plant.profile(begin - timedelta(minutes=4), end + timedelta(minutes=4))
    plant.feed(begin, end)
    plant.run(end + timedelta(hours=1))
    assert (plant.times()[0], plant.times()[-1]) == (begin, end)
    kinds = dict(owed())
    if plant.taf == 6:
        assert kinds == {}
    else:
        assert (kinds["initial"], kinds["final"]) == (begin, end)


def kept_42_days(plant: Plant) -> None:
    """TAF6 offers the day 42 days back and none before it, on both clock changes."""
    for newest, oldest in (
        ("2026-03-29 22:00", "2026-02-15 23:00"),
        ("2026-10-25 23:00", "2026-09-13 22:00"),
    ):
        end, first = utc(newest), utc(oldest)
        number = f"p{end:%m}"
        meter = a_meter(plant.gateway, end.month)
        starts = day_starts(first - timedelta(days=2), end + QUARTER, 0)
        store(plant.gateway, meter, {at: n for n, at in enumerate(starts)})
        profile = plant.profile(
            first - timedelta(days=2),
            id=number,
            inputs=[InputSpec(meter.id, IMPORT)],
            now=first - timedelta(days=2),
        )
        plant.run(end + timedelta(days=2))
        listed = selectors.period_rows(profile, Period(utc("2026-01-01 00:00"), end))
        assert next(listed).target_time == first


SITUATIONS: dict[str, tuple[Callable[[Plant], None], tuple[int, ...]]] = {
    "first grid instant": (first_grid_instant, ALL),
    "spring day of 23 hours": (
        a_day_of(SPRING, 92, ("2026-03-29 01:00", "2026-03-29 03:00")),
        ALL,
    ),
    "autumn day of 25 hours": (
        a_day_of(AUTUMN, 100, ("2026-10-25 00:30", "2026-10-25 04:00")),
        ALL,
    ),
    "end of a month of 743 hours": (
        month_end_at("2026-03-29 22:00", "2026-03-31 22:00", "2026-03-31 21:45"),
        ALL,
    ),
    "end of a month of 745 hours": (
        month_end_at("2026-10-30 23:00", "2026-10-31 23:00", "2026-10-31 22:45"),
        ALL,
    ),
    "gap inside": (a_gap_inside, ALL),
    "gap across a boundary": (a_gap_across_a_boundary, ALL),
    "gap across a switch": (a_gap_across_a_switch, ALL),
    "restart at a boundary": (a_restart_at_a_boundary, ALL),
    "clock 26 s late": (clock_off_by(26), ALL),
    "clock 26 s early": (clock_off_by(-26), ALL),
    "clock 28 s late": (clock_off_by(28), ALL),
    "clock 28 s early": (clock_off_by(-28), ALL),
    "status bit inside": (a_fatal_status, ALL),
    "status bit at the end": (a_fatal_status_at_the_end, ALL),
    "register decrease": (a_counter_that_falls, ALL),
    "register roll-over": (a_counter_that_rolls_over, (1, 2, 6, 7)),
    "two scalers": (two_scalers, BILLED),
    "ended and made again": (ended_and_made_again, ALL),
    "recipient unknown": (an_unknown_recipient, ALL),
    "second run": (a_second_run, ALL),
    "catch-up": (catch_up, ALL),
    "initial and final reading": (initial_and_final, ALL),
    "42 days": (kept_42_days, (6,)),
}
TABLE = [(name, taf) for name, (_do, tafs) in SITUATIONS.items() for taf in tafs]


@pytest.mark.req("R31", "R37", "R39", "R41", "R42", "R43", "R44", "R45", "R46", "R57")
@pytest.mark.parametrize(
    ("name", "taf"), TABLE, ids=[f"{name}, TAF{taf}" for name, taf in TABLE]
)
def test_the_matrix(gateway: Gateway, name: str, taf: int) -> None:
    """R31 to R57: each row of tafs.md section 11 for each use case it applies to."""
    SITUATIONS[name][0](Plant(gateway, taf))

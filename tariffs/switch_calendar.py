"""Which tariff stage is active when: rules by season, weekday and holiday, or a list.

At every instant of a validity exactly one stage is active (R41). A calendar is asked
for the plan of a local day: 96 quarter hours on the wall clock. A switch in the
skipped hour happens at its end, one in the repeated hour at its first coming.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple, Protocol

from tariffs.calendar import BERLIN, GRID
from tariffs.holidays import nationwide_holidays
from tariffs.stages import DayPlan, carried_out

HOLIDAY = 8
"""As a weekday in rules, behind 1 = Monday to 7 = Sunday."""

SUNDAY = 7
EVERY_DAY = frozenset(range(1, 9))
DAY_TIMES = tuple(
    time(hour, minute) for hour in range(24) for minute in (0, 15, 30, 45)
)
_MIDNIGHT = time()
_ONE_DAY = timedelta(days=1)
_SKIPPED = (time(2), time(3))


class Unclear(Exception):
    """At some time not exactly one stage is active; the message says when and why."""


class Calendar(Protocol):
    """What says which stage is active."""

    def plan(self, day: date) -> DayPlan:
        """The 96 quarter hours of a local day; raises Unclear."""
        ...


class Season(NamedTuple):
    """From a day of the year to another, both included; over New Year too.

    Days are (month, day).
    """

    first: tuple[int, int]
    last: tuple[int, int]

    def holds(self, day: date) -> bool:
        """Whether a date lies in it."""
        at = (day.month, day.day)
        if self.first <= self.last:
            return self.first <= at <= self.last
        return at >= self.first or at <= self.last


@dataclass(frozen=True, slots=True)
class StageRule:
    """A stage is active on these weekdays, from `begin` to before `end`.

    Equal times, such as 00:00 to 00:00, are the whole day. With an end before the
    begin the rule holds in two parts of such a day: 22:00 to 06:00 is from 00:00 to
    06:00 and from 22:00 on. Without a season it holds all year.
    """

    stage: int
    weekdays: frozenset[int] = EVERY_DAY
    begin: time = _MIDNIGHT
    end: time = _MIDNIGHT
    season: Season | None = None

    def holds_at(self, at: time) -> bool:
        """Whether it holds at this time of a day on which it applies."""
        if self.begin < self.end:
            return self.begin <= at < self.end
        return at >= self.begin or at < self.end


@dataclass(frozen=True)
class RuleCalendar:
    """A calendar of rules; `default` is active where no rule holds.

    A holiday is a weekday of its own when a rule names it, else a Sunday.
    """

    rules: tuple[StageRule, ...]
    default: int | None = None
    nationwide: bool = False
    holidays: frozenset[date] = frozenset()
    _plans: dict[frozenset[int], DayPlan] = field(
        default_factory=dict, repr=False, compare=False
    )

    def plan(self, day: date) -> DayPlan:
        """The 96 quarter hours of a local day; raises Unclear."""
        weekday = self.weekday(day)
        rules = frozenset(
            index
            for index, rule in enumerate(self.rules)
            if weekday in rule.weekdays and (not rule.season or rule.season.holds(day))
        )
        if rules not in self._plans:
            self._plans[rules] = self._plan_of(sorted(rules), day)
        return self._plans[rules]

    def weekday(self, day: date) -> int:
        """The weekday as the rules see it: 1 = Monday to 7 = Sunday, 8 = holiday."""
        is_holiday = day in self.holidays or (
            self.nationwide and day in nationwide_holidays(day.year)
        )
        if not is_holiday:
            return day.isoweekday()
        # A rule of every day does not make holidays days of their own.
        names_holidays = any(
            HOLIDAY in rule.weekdays and rule.weekdays != EVERY_DAY
            for rule in self.rules
        )
        return HOLIDAY if names_holidays else SUNDAY

    def _plan_of(self, indexes: Sequence[int], day: date) -> DayPlan:
        rules = [self.rules[index] for index in indexes]
        return tuple((at, self._stage_at(rules, day, at)) for at in DAY_TIMES)

    def _stage_at(self, rules: Sequence[StageRule], day: date, at: time) -> int:
        active = [rule.stage for rule in rules if rule.holds_at(at)]
        if len(active) > 1:
            raise Unclear(f"{day} {at:%H:%M}: stages {active} at the same time")
        if active:
            return active[0]
        if self.default is None:
            raise Unclear(f"{day} {at:%H:%M}: no stage")
        return self.default


@dataclass(frozen=True)
class ListCalendar:
    """An unrolled calendar: from each local time on a stage, ascending.

    Times are wall clock times of Berlin; before the first one there is no stage.
    """

    switches: tuple[tuple[datetime, int], ...]

    @classmethod
    def of_instants(cls, switches: Mapping[datetime, int]) -> "ListCalendar":
        """From UTC instants; raises Unclear for what a wall clock cannot tell."""
        walls = []
        for instant in sorted(switches):
            wall = instant.astimezone(BERLIN)
            if wall.fold:
                raise Unclear(f"{wall.isoformat()}: in the second coming of an hour")
            walls.append((wall.replace(tzinfo=None), switches[instant]))
        return cls(tuple(walls))

    def plan(self, day: date) -> DayPlan:
        """The 96 quarter hours of a local day; raises Unclear."""
        midnight = datetime.combine(day, _MIDNIGHT)
        position = bisect_right(self.switches, midnight, key=_time_of)
        stage = self.switches[position - 1][1] if position else None
        plan = []
        for at in DAY_TIMES:
            now = datetime.combine(midnight, at)
            while position < len(self.switches) and self.switches[position][0] <= now:
                stage = self.switches[position][1]
                position += 1
            if stage is None:
                raise Unclear(f"{now}: no stage")
            plan.append((at, stage))
        return tuple(plan)


def _time_of(switch: tuple[datetime, int]) -> datetime:
    return switch[0]


class Switch(NamedTuple):
    """A change of stage: when, from which, to which."""

    at: datetime
    old: int
    new: int


def stage_at(
    calendar: Calendar, instant: datetime, *, trudi_compat: bool = True
) -> int:
    """The stage that is active at an instant; raises Unclear."""
    local = instant.astimezone(BERLIN)
    # In the second coming of an hour the stage is the one at the end of the first.
    at = time(2, 45) if local.fold else local.time()
    plan = carried_out_plan(calendar, local.date(), trudi_compat=trudi_compat)
    return next(stage for begin, stage in reversed(plan) if begin <= at)


def switches(
    calendar: Calendar, begin: datetime, end: datetime, *, trudi_compat: bool = True
) -> Iterator[Switch]:
    """The changes of stage in `(begin, end]`, UTC, ascending; raises Unclear.

    In the skipped hour all switches happen at 03:00; one there and back is none.
    """
    stage: int | None = None
    day = begin.astimezone(BERLIN).date()
    while _instant(day, _MIDNIGHT) <= end:
        plan = carried_out_plan(calendar, day, trudi_compat=trudi_compat)
        for at, new in _without_skipped(day, plan):
            if new == stage:
                continue
            instant = _instant(day, at)
            if instant > end:
                return
            if instant > begin and stage is not None:
                yield Switch(instant, stage, new)
            stage = new
        day += _ONE_DAY


def carried_out_plan(
    calendar: Calendar, day: date, *, trudi_compat: bool = True
) -> DayPlan:
    """The plan of a day as it is carried out (rule 5.4b of TRuDI, if wanted)."""
    plan = calendar.plan(day)
    return carried_out(plan) if trudi_compat else plan


def _without_skipped(day: date, plan: DayPlan) -> Iterator[tuple[time, int]]:
    has_skipped = _instant(day, _SKIPPED[0]) == _instant(day, _SKIPPED[1])
    for at, stage in plan:
        if not (has_skipped and _SKIPPED[0] <= at < _SKIPPED[1]):
            yield at, stage


def _instant(day: date, at: time) -> datetime:
    """A local time as an instant, at its first coming."""
    return datetime.combine(day, at, BERLIN).astimezone(UTC)


def problems(calendar: Calendar, first: date, last: date) -> Iterator[str]:
    """Why a calendar cannot be used from `first` to `last`; nothing when it can."""
    day = first
    while day <= last:
        try:
            calendar.plan(day)
        except Unclear as reason:
            yield str(reason)
        day += _ONE_DAY


def warnings(calendar: Calendar, first: date, last: date) -> Iterator[str]:
    """Days on which a switch lies in an hour that may be skipped (decisions D20)."""
    day = first
    while day <= last:
        before = None
        for at, stage in calendar.plan(day):
            if _SKIPPED[0] <= at < _SKIPPED[1] and before not in (None, stage):
                yield f"{day} {at:%H:%M}: a switch in the hour of the clock change"
            before = stage
        day += _ONE_DAY


def is_on_grid(at: time) -> bool:
    """Whether a switch time lies on the registration grid."""
    return (at.hour * 60 + at.minute) % (GRID // timedelta(minutes=1)) == 0 and (
        at.second == at.microsecond == 0
    )

"""What a tariff must keep: exactly one stage at each instant, switches on the grid.

A validity without an end is looked at as far as `LOOKED_AHEAD`; weekdays fall on the
same dates again after 28 years.
"""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from itertools import islice
from typing import NamedTuple

from tariffs.calendar import BERLIN
from tariffs.switch_calendar import (
    StageRule,
    Unclear,
    problems,
    warnings,
)
from tariffs.tariff_spec import TariffSpec

MOST_STAGES = 62
"""Value group E = 63 is the error register."""

LOOKED_AHEAD = timedelta(days=28 * 366)
_WARNED_AHEAD = timedelta(days=366)
_MOST_TOLD = 3


class TariffProblem(NamedTuple):
    """What is wrong: where (JSON pointer into the tariff), and what."""

    pointer: str
    message: str


def tariff_problems(
    spec: TariffSpec, begin: datetime, end: datetime | None, period_s: int
) -> Iterator[TariffProblem]:
    """All that is wrong with a tariff from `begin` to `end` (None: open).

    `period_s` is the registration period, on whose grid switches must lie.
    """
    yield from _of_stages(spec)
    if bool(spec.rules) == bool(spec.switches):
        yield TariffProblem("", "either rules or a list of switches")
        return
    numbers = {stage.number for stage in spec.stages}
    of_rules = [*_of_rules(spec, numbers, period_s)]
    of_switches = [*_of_switches(spec, numbers, period_s)]
    yield from (*of_rules, *of_switches)
    if not of_rules and not of_switches:
        yield from _of_calendar(spec, begin, end)


def tariff_warnings(spec: TariffSpec, begin: datetime) -> Iterator[str]:
    """What works, but not as one may think (decisions D20); of one year."""
    first = begin.astimezone(BERLIN).date()
    found = warnings(spec.calendar, first, first + _WARNED_AHEAD)
    yield from islice(found, 1)


def _of_stages(spec: TariffSpec) -> Iterator[TariffProblem]:
    if not 1 <= len(spec.stages) <= MOST_STAGES:
        yield TariffProblem("/stages", f"1 to {MOST_STAGES} stages")
    seen: set[int] = set()
    for position, stage in enumerate(spec.stages):
        where = f"/stages/{position}"
        if not 1 <= stage.number <= MOST_STAGES:
            yield TariffProblem(f"{where}/number", f"must be 1 to {MOST_STAGES}")
        if stage.number in seen:
            message = f"stage {stage.number} stands twice"
            yield TariffProblem(f"{where}/number", message)
        if not 1 <= len(stage.name) <= MOST_STAGES:
            yield TariffProblem(f"{where}/name", "1 to 62 characters")
        seen.add(stage.number)


def _of_rules(
    spec: TariffSpec, numbers: set[int], period_s: int
) -> Iterator[TariffProblem]:
    has_default = False
    for position, rule in enumerate(spec.rules):
        where = f"/rules/{position}"
        if rule.stage not in numbers:
            yield TariffProblem(f"{where}/stage", _unknown(rule.stage))
        if isinstance(rule, StageRule):
            for name, at in (("from", rule.begin), ("to", rule.end)):
                if not _is_on_grid(at, period_s):
                    yield TariffProblem(f"{where}/{name}", _off_grid(period_s))
        elif has_default:
            yield TariffProblem(f"{where}/default", "only one rule is the default")
        else:
            has_default = True


def _of_switches(
    spec: TariffSpec, numbers: set[int], period_s: int
) -> Iterator[TariffProblem]:
    seen: set[datetime] = set()
    for position, switch in enumerate(spec.switches):
        where = f"/switches/{position}"
        if switch.stage not in numbers:
            yield TariffProblem(f"{where}/stage", _unknown(switch.stage))
        if switch.at in seen:
            yield TariffProblem(f"{where}/at", "another switch at the same instant")
        if not _is_on_grid(switch.at.astimezone(BERLIN).time(), period_s):
            yield TariffProblem(f"{where}/at", _off_grid(period_s))
        seen.add(switch.at)


def _of_calendar(
    spec: TariffSpec, begin: datetime, end: datetime | None
) -> Iterator[TariffProblem]:
    last = begin + LOOKED_AHEAD
    if spec.switches:  # the stage of the last one stays for ever
        last = min(last, max(one.at for one in spec.switches) + timedelta(days=2))
    last = min(last, end) if end else last
    first_day, last_day = (at.astimezone(BERLIN).date() for at in (begin, last))
    try:
        found = problems(spec.calendar, first_day, max(first_day, last_day))
        for message in islice(found, _MOST_TOLD):
            yield TariffProblem("", message)
    except Unclear as reason:
        yield TariffProblem("/switches", str(reason))


def _is_on_grid(at: time, period_s: int) -> bool:
    seconds = (at.hour * 60 + at.minute) * 60 + at.second
    return not at.microsecond and seconds % max(period_s, 1) == 0


def _off_grid(period_s: int) -> str:
    return f"must lie on the grid of the registration period of {period_s} s"


def _unknown(stage: int) -> str:
    return f"there is no stage {stage}"

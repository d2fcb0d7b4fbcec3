"""What must hold for aggregates, thresholds and triggers (tafs.md 7 to 9)."""

import re
from collections.abc import Collection, Iterator
from decimal import Decimal

from hardware.obis import Obis
from tariffs.instant_spec import (
    FUNCTIONS,
    Aggregate,
    InstantSpec,
    Threshold,
)
from tariffs.instant_tafs import RULES
from tariffs.problem import Problem

MOST = 32
_HOUR_S, _MINUTE_S, _DAY_S = 3600, 60, 86_400
_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,6})?", re.ASCII)
_PSEUDONYM = re.compile(r"[A-Za-z0-9_-]{8,32}", re.ASCII)


def period_problems(taf: int, period_s: int) -> Iterator[Problem]:
    """Whether the registration period is one of this use case (R51)."""
    smallest = RULES[taf].smallest_period_s
    if period_s < smallest:
        yield Problem("/registration_period", f"TAF{taf}: at least {smallest} s")
    elif period_s % _MINUTE_S or period_s > _HOUR_S or _HOUR_S % period_s:
        message = f"TAF{taf}: whole minutes that divide an hour evenly"
        yield Problem("/registration_period", message)


def quantity_problem(taf: int, obis: Obis) -> str | None:
    """Why a register is no input of the use case; None when it is one."""
    if obis.logical_name in RULES[taf].quantities:
        return None
    return f"{obis} is no quantity of TAF{taf}"


def instant_problems(
    taf: int, spec: InstantSpec, inputs: Collection[str], period_s: int
) -> Iterator[Problem]:
    """Everything that is wrong; `inputs` are logical names."""
    yield from _triggers(taf, spec)
    for name, listed in (
        ("aggregates", spec.aggregates),
        ("thresholds", spec.thresholds),
    ):
        if len(listed) > MOST:
            yield Problem(f"/{name}", f"at most {MOST}")
    seen: set[tuple[str, str]] = set()
    for position, one in enumerate(spec.aggregates):
        where = f"/aggregates/{position}"
        yield from _aggregate(taf, one, inputs, period_s, where)
        key = (_name(one.obis), one.function)
        if key in seen:
            yield Problem(where, f"the {one.function} of {one.obis} stands twice")
        seen.add(key)
    for position, limit in enumerate(spec.thresholds):
        yield from _threshold(limit, inputs, f"/thresholds/{position}")


def pseudonym_problems(
    pseudonym: str, pseudonymise: bool, purpose: str, names: Collection[str]
) -> Iterator[Problem]:
    """Values go under a pseudonym unless a contract says otherwise (R54, D34).

    `names` are what it must not contain: ids of meters, consumer, metering point.
    """
    if not pseudonymise:
        if not purpose:
            yield Problem("/purpose", "is needed without pseudonym: the contract")
        if pseudonym:
            yield Problem("/pseudonym", "not together with pseudonymise false")
        return
    if not pseudonym:
        return
    if not _PSEUDONYM.fullmatch(pseudonym):
        yield Problem("/pseudonym", "8 to 32 of the characters A-Z a-z 0-9 _ -")
    plain = pseudonym.lower()
    if any(len(name) > 1 and name.lower() in plain for name in names):
        yield Problem("/pseudonym", "must not hold the id of a meter or consumer")


def _triggers(taf: int, spec: InstantSpec) -> Iterator[Problem]:
    allowed = RULES[taf].triggers
    for one in spec.triggers:
        if one not in allowed:
            listed = ", ".join(sorted(allowed))
            yield Problem("/triggers", f"TAF{taf} has no trigger {one!r}: {listed}")
    if "threshold" in spec.triggers and not spec.thresholds:
        yield Problem("/thresholds", "are needed for the trigger threshold")
    if spec.thresholds and "threshold" not in spec.triggers:
        yield Problem("/triggers", "must name threshold where there are thresholds")


def _aggregate(
    taf: int, one: Aggregate, inputs: Collection[str], period_s: int, where: str
) -> Iterator[Problem]:
    if taf == 14:
        yield Problem(where, "TAF14 has no aggregates")
    yield from _input(one.obis, inputs, where)
    if one.function not in FUNCTIONS:
        yield Problem(f"{where}/function", f"is none of {', '.join(FUNCTIONS)}")
    window_s = one.window_s
    fits = period_s > 0 and window_s > 0 and not window_s % period_s
    if not fits or _DAY_S % window_s:
        message = "must be a multiple of the registration period and divide a day"
        yield Problem(f"{where}/window", message)


def _threshold(
    one: Threshold, inputs: Collection[str], where: str
) -> Iterator[Problem]:
    yield from _input(one.obis, inputs, where)
    if one.direction not in ("over", "under"):
        yield Problem(f"{where}/direction", "must be over or under")
    if not _NUMBER.fullmatch(one.limit):
        yield Problem(f"{where}/limit", 'must be an exact number as text: "5000"')
    if not _NUMBER.fullmatch(one.hysteresis) or Decimal(one.hysteresis) < 0:
        yield Problem(f"{where}/hysteresis", 'must be a number from 0 on: "100"')
    if not 1 <= one.min_hold <= 1000:
        yield Problem(f"{where}/min_hold", "1 to 1000")
    if not 0 <= one.min_interval_s <= _DAY_S:
        yield Problem(f"{where}/min_interval", "up to a day")


def _input(obis: str, inputs: Collection[str], where: str) -> Iterator[Problem]:
    if _name(obis) not in inputs:
        yield Problem(f"{where}/obis", f"{obis} is no input of the profile")


def _name(obis: str) -> str:
    """Its logical name; what is no OBIS code stays as it is."""
    try:
        return Obis.parse(obis).logical_name
    except ValueError:
        return obis

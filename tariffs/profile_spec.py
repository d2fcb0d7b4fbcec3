"""What a profile is made from, and the rules that it must keep (fault 600104)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from hardware.obis import Obis
from meters.models import Consumer, Meter
from tariffs.calendar import day_hour, first_on_grid, last_on_grid
from tariffs.instant_check import (
    instant_problems,
    period_problems,
    pseudonym_problems,
    quantity_problem,
)
from tariffs.instant_spec import InstantSpec
from tariffs.instant_tafs import INSTANT_TAFS
from tariffs.models import EvaluationProfile, MarketParticipant
from tariffs.problem import Problem as Problem
from tariffs.schedule import grid_step
from tariffs.send_schedule import ScheduleInvalid, parsed
from tariffs.tariff_check import tariff_problems
from tariffs.tariff_spec import TariffSpec

BUILT_TAFS = frozenset({1, 2, 6, 7, 9, 10, 14})
COURSES = frozenset({6, 7})
"""What lists the readings of one meter as they are."""

FOREIGN_TAFS = frozenset({3, 4, 5, 8, 11, 12, 13})
BILLED_MONTHS = (1, 2, 3, 6, 12)
"""Lengths of the billing periods of TAF1 and TAF2 (decisions D25)."""


NO_CALENDAR_FROM = datetime(3000, 1, 1, tzinfo=UTC)
"""A validity must not reach the end of time, where local time cannot be computed."""
TOO_LATE = "must be before the year 3000"
ID_RULE = "1 to 32 of the characters A-Z a-z 0-9 _ -"
_DAY_S = 86_400
_GRID_S = 900
_METERING_POINT = re.compile(r"[A-Za-z0-9]{33}")
_LONGEST_COUNT = {"day": 366, "week": 52, "month": 12}
_LAST_DAY = {"day": 1, "week": 7, "month": 28}


@dataclass(frozen=True, slots=True)
class InputSpec:
    """A register of a meter, counted with a sign; `obis` in any written form."""

    meter: str
    obis: str
    sign: int = 1


@dataclass(frozen=True, slots=True)
class ProfileSpec:
    """A profile to be made (rest-gwa.md 4.1); what is left out has the defaults.

    Without `consumer` it is the one of the first meter, without `valid_from` the
    profile starts now. Instants carry a zone. What follows `tariff` is for TAF9, TAF10
    and TAF14 only; without `pseudonym` one is made.
    """

    id: str
    taf: int
    inputs: tuple[InputSpec, ...]
    consumer: str = ""
    name: str = "-"
    metering_point: str = "-"
    supplier_id: str = "-"
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    registration_period_s: int = _GRID_S
    billing_unit: str = "month"
    billing_count: int = 1
    billing_day: int = 1
    recipients: tuple[str, ...] = ()
    schedule: str = ""
    tariff: TariffSpec | None = None
    instant_values: InstantSpec | None = None
    pseudonym: str = ""
    pseudonymise: bool = True
    purpose: str = ""


class ProfileInvalid(Exception):
    """The profile is refused; `problems` says everything that is wrong with it."""

    code = 600104

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.pointer}: {p.message}" for p in problems))


def start_of(spec: ProfileSpec, *, now: datetime, backdated: bool) -> datetime:
    """When the profile will start: never in the past, unless `backdated` or TAF6.

    The readings that TAF6 lists are there already (tafs.md R13).
    """
    if spec.valid_from is None:
        return now.replace(microsecond=0)
    start = spec.valid_from.replace(microsecond=0)
    return (
        start if backdated or spec.taf == 6 else max(start, now.replace(microsecond=0))
    )


def check(
    spec: ProfileSpec, *, starts_at: datetime, now: datetime, is_new: bool = True
) -> None:
    """Raise ProfileInvalid with everything that is wrong."""
    meters = Meter.objects.in_bulk([given.meter for given in spec.inputs])
    problems = [
        *_names(spec, is_new),
        *_consumer(spec),
        *_use_case(spec),
        *_validity(spec, starts_at, now),
        *_registration(spec),
        *_instant_values(spec),
        *_pseudonym(spec),
        *_billing(spec),
        *_tariff(spec, starts_at),
        *_inputs(spec, meters),
        *_recipients(spec),
        *_schedule(spec),
    ]
    if problems:
        raise ProfileInvalid(problems)


def is_id(text: str) -> bool:
    """Whether this has the form of a profile's or participant's id (D10)."""
    return re.fullmatch(r"[A-Za-z0-9_-]{1,32}", text) is not None


def _names(spec: ProfileSpec, is_new: bool) -> Iterator[Problem]:
    if not is_id(spec.id):
        yield Problem("/id", ID_RULE)
    elif is_new and EvaluationProfile.objects.filter(pk=spec.id).exists():
        yield Problem("/id", f"a profile {spec.id} exists already")
    if not 1 <= len(spec.name) <= 64:
        yield Problem("/name", "1 to 64 characters")
    if not 1 <= len(spec.supplier_id) <= 32:
        yield Problem("/supplier_id", "1 to 32 characters")
    point = spec.metering_point
    if point != "-" and not _METERING_POINT.fullmatch(point):
        yield Problem("/metering_point", "exactly 33 letters and digits")


def _consumer(spec: ProfileSpec) -> Iterator[Problem]:
    if spec.consumer and not Consumer.objects.filter(pk=spec.consumer).exists():
        yield Problem("/consumer", f"there is no consumer {spec.consumer}")


def participant_problems(
    participant_id: str, name: str, inbox: str, *, is_new: bool = True
) -> Iterator[Problem]:
    """What is wrong with a market participant."""
    if not is_id(participant_id):
        yield Problem("/id", ID_RULE)
    elif is_new and MarketParticipant.objects.filter(pk=participant_id).exists():
        yield Problem("/id", f"a market participant {participant_id} exists already")
    if not 1 <= len(name) <= 64:
        yield Problem("/name", "1 to 64 characters")
    if inbox and not (inbox.startswith("/") and len(inbox) <= 255):
        yield Problem("/inbox", "must be the absolute path of a folder")


def _use_case(spec: ProfileSpec) -> Iterator[Problem]:
    if spec.taf in BUILT_TAFS:
        return
    if spec.taf in FOREIGN_TAFS:
        message = f"TAF{spec.taf} is not supported by this gateway"
    else:
        message = f"there is no TAF{spec.taf}"
    listed = ", ".join(f"TAF{number}" for number in sorted(BUILT_TAFS))
    yield Problem("/taf", f"{message}; there are {listed}")


def _validity(
    spec: ProfileSpec, starts_at: datetime, now: datetime
) -> Iterator[Problem]:
    ends_at = spec.valid_to
    if starts_at >= NO_CALENDAR_FROM:
        yield Problem("/valid_from", TOO_LATE)
    if ends_at is None:
        return
    if ends_at >= NO_CALENDAR_FROM:
        yield Problem("/valid_to", TOO_LATE)
    elif ends_at <= starts_at:
        yield Problem("/valid_to", "must be after valid_from")
    elif ends_at <= now:
        yield Problem("/valid_to", "must not be in the past")
    elif not _has_instants(spec, starts_at, ends_at):
        yield Problem("/valid_to", "no quarter hour lies between valid_from and it")


def _has_instants(spec: ProfileSpec, begin: datetime, end: datetime) -> bool:
    if spec.registration_period_s <= 0:
        return True  # told elsewhere
    step = grid_step(spec.taf, spec.registration_period_s)
    return last_on_grid(end, step) > first_on_grid(begin, step)


def _registration(spec: ProfileSpec) -> Iterator[Problem]:
    period_s = spec.registration_period_s
    if spec.taf in INSTANT_TAFS:
        yield from period_problems(spec.taf, period_s)
    elif period_s <= 0 or period_s % _GRID_S:
        message = "must be a multiple of 15 minutes (900 s)"
        yield Problem("/registration_period", message)
    elif _DAY_S % period_s:
        yield Problem("/registration_period", "must divide a day evenly")


def _billing(spec: ProfileSpec) -> Iterator[Problem]:
    unit, count, day = spec.billing_unit, spec.billing_count, spec.billing_day
    if unit not in _LONGEST_COUNT:
        yield Problem("/billing_period/unit", "must be day, week or month")
        return
    if not 1 <= count <= _LONGEST_COUNT[unit]:
        message = f"1 to {_LONGEST_COUNT[unit]} for the unit {unit}"
        yield Problem("/billing_period/count", message)
    if not 1 <= day <= _LAST_DAY[unit]:
        message = f"1 to {_LAST_DAY[unit]} for the unit {unit}"
        yield Problem("/billing_period/day", message)
    is_whole_months = unit == "month" and count in BILLED_MONTHS and day == 1
    if spec.taf in (1, 2) and not is_whole_months:
        message = f"TAF{spec.taf} is billed every 1, 2, 3, 6 or 12 months from day 1"
        yield Problem("/billing_period", message)


def _tariff(spec: ProfileSpec, starts_at: datetime) -> Iterator[Problem]:
    if spec.taf != 2:
        return
    if spec.tariff is None:
        yield Problem("/tariff", "is needed for TAF2")
    elif starts_at < NO_CALENDAR_FROM:
        found = tariff_problems(
            spec.tariff, starts_at, spec.valid_to, spec.registration_period_s
        )
        for problem in found:
            yield Problem(f"/tariff{problem.pointer}", problem.message)


def _instant_values(spec: ProfileSpec) -> Iterator[Problem]:
    if spec.taf in INSTANT_TAFS:
        given = spec.instant_values or InstantSpec()
        inputs = {_logical_name(one.obis) for one in spec.inputs}
        period_s = spec.registration_period_s
        yield from instant_problems(spec.taf, given, inputs, period_s)


def _pseudonym(spec: ProfileSpec) -> Iterator[Problem]:
    if spec.taf in INSTANT_TAFS:
        names = {spec.consumer, spec.metering_point, spec.id}
        names.update(one.meter for one in spec.inputs)
        yield from pseudonym_problems(
            spec.pseudonym, spec.pseudonymise, spec.purpose, names
        )


def _logical_name(obis: str) -> str:
    try:
        return Obis.parse(obis).logical_name
    except ValueError:
        return obis


def _inputs(spec: ProfileSpec, meters: Mapping[str, Meter]) -> Iterator[Problem]:
    if not spec.inputs:
        yield Problem("/inputs", "at least one input")
        return
    owner = spec.consumer or consumer_of(spec, meters)
    seen: set[tuple[str, str]] = set()
    for position, given in enumerate(spec.inputs):
        where = f"/inputs/{position}"
        yield from _meter(given, meters.get(given.meter), owner, where)
        yield from _register(spec.taf, given, meters.get(given.meter), seen, where)
        if given.sign not in (1, -1):
            yield Problem(f"{where}/sign", "must be 1 or -1")
        elif spec.taf not in (1, 2) and given.sign != 1:
            message = f"TAF{spec.taf} lists readings as they are: 1"
            yield Problem(f"{where}/sign", message)
        if spec.taf == 2 and not _is_total(given.obis):
            yield Problem(f"{where}/obis", "TAF2 splits totals (group E = 0)")
    yield from _together(spec, meters)


def consumer_of(spec: ProfileSpec, meters: Mapping[str, Meter]) -> str:
    """The consumer that the profile belongs to, "" when there is none."""
    first = meters.get(spec.inputs[0].meter) if spec.inputs else None
    return spec.consumer or (first.consumer_id if first else "")


def _meter(
    given: InputSpec, meter: Meter | None, owner: str, where: str
) -> Iterator[Problem]:
    if meter is None:
        yield Problem(f"{where}/meter", f"there is no meter {given.meter}")
    elif meter.consumer_id != owner:
        message = f"meter {meter.id} does not belong to consumer {owner}"
        yield Problem(f"{where}/meter", message)


def _register(
    taf: int,
    given: InputSpec,
    meter: Meter | None,
    seen: set[tuple[str, str]],
    where: str,
) -> Iterator[Problem]:
    try:
        obis = Obis.parse(given.obis)
    except ValueError as error:
        yield Problem(f"{where}/obis", str(error))
        return
    if taf in INSTANT_TAFS:
        yield from _quantity(taf, obis, meter, where)
    elif not obis.may_count:
        message = f"{obis} is no counter (its group D or F)"
        yield Problem(f"{where}/obis", message)
    elif meter and meter.registers and obis.logical_name not in meter.registers:
        message = f"the list of meter {meter.id} does not hold {obis}"
        yield Problem(f"{where}/obis", message)
    key = given.meter, obis.logical_name
    if key in seen:
        yield Problem(f"{where}/obis", f"{obis} of meter {given.meter} stands twice")
    seen.add(key)


def _quantity(
    taf: int, obis: Obis, meter: Meter | None, where: str
) -> Iterator[Problem]:
    """Instant values come from wired meters that are asked for them (D21)."""
    if message := quantity_problem(taf, obis):
        yield Problem(f"{where}/obis", message)
    if meter and meter.source != Meter.Source.HDLC:
        message = f"meter {meter.id} cannot be read at instants of a profile's own"
        yield Problem(f"{where}/meter", message)


def _is_total(text: str) -> bool:
    """Whether it is the register of a total; what is no OBIS code is told elsewhere."""
    try:
        return Obis.parse(text).groups[4] == 0
    except ValueError:
        return True


def _together(spec: ProfileSpec, meters: Mapping[str, Meter]) -> Iterator[Problem]:
    is_of_one = spec.taf in COURSES or spec.taf in INSTANT_TAFS
    if is_of_one and len({given.meter for given in spec.inputs}) > 1:
        yield Problem("/inputs", f"TAF{spec.taf} lists the registers of one meter")
    if len({day_hour(meter.medium) for meter in meters.values()}) > 1:
        message = "the meters' billing days start at different hours (gas: 06:00)"
        yield Problem("/inputs", message)


def _recipients(spec: ProfileSpec) -> Iterator[Problem]:
    known = MarketParticipant.objects.in_bulk(spec.recipients)
    for position, recipient in enumerate(spec.recipients):
        if recipient not in known:
            message = f"there is no market participant {recipient}"
            yield Problem(f"/delivery/recipients/{position}/participant", message)


def _schedule(spec: ProfileSpec) -> Iterator[Problem]:
    try:
        _ = parsed(spec.schedule) if spec.schedule else None
    except ScheduleInvalid as error:
        yield Problem("/delivery/schedule", str(error))

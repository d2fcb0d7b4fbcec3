"""P7 and P8: values per CPU millisecond in the files that a consumer takes away.

Each file is one request through the whole web application, read to its end; beside it
what fetching the same rows costs when nothing is made of them.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from casa_site.bench.bench import Bench
from casa_site.bench.figure import Figure, Goal, Quantity, ResultWrong
from casa_site.bench.household import (
    CONSUMER,
    METERS,
    MONTHLY,
    PASSWORD,
    YEARLY,
    Household,
    household_of,
    registers_at,
)
from casa_site.bench.rounds import always, cpu_rounds
from casa_site.bench.visitor import Visitor
from hardware.security_module import verify
from logbooks.certificates import certificate_by_ski, public_key
from meters.boundaries import REGISTRATION_PERIOD
from portal import local_time
from tariffs import selectors
from tariffs.calendar import Period

GOAL_PER_MS = 120.0
_REGISTERS = 2


@dataclass(frozen=True, slots=True)
class _File:
    """A file to measure: its parts' addresses, the rows it holds, how to check it."""

    id: str
    title: str
    paths: list[str]
    profile: str
    period: Period
    check: Callable[[Household, Period, list[bytes]], int]


def figures(bench: Bench) -> Iterator[Figure]:
    """P7 and P8."""
    household = household_of(bench)
    visitor = Visitor(household.gateway, user=CONSUMER, password=PASSWORD)
    files = list(_files(household))
    counts = {
        file.title: file.check(
            household, file.period, [visitor.get(path) for path in file.paths]
        )
        for file in files
    }
    works = {file.title: always(partial(_get, visitor, file)) for file in files}
    works |= {_fetch_of(file): always(partial(_fetch, file)) for file in files}
    seconds = cpu_rounds(works, bench.scale.rounds)
    for file in files:
        values = counts[file.title]
        per_ms = [values / (1000 * s) for s in seconds[file.title]]
        fetched = [values / (1000 * s) for s in seconds[_fetch_of(file)]]
        yield Figure(
            id=file.id,
            title=f"{file.title}, values per CPU millisecond",
            value=median(per_ms),
            unit="/ms",
            goal=Goal("at least", GOAL_PER_MS),
            references=(Quantity("fetching the rows alone", median(fetched), "/ms"),),
            conditions=f"{values} values in {values // _REGISTERS} rows, all read back",
        )


def _files(household: Household) -> Iterator[_File]:
    whole = Period(household.begin, household.end)
    yield _File(
        "P7",
        "CSV of 24 months",
        [f"/messwertliste/{YEARLY}/{n}/csv/" for n in _numbers(household, YEARLY)],
        YEARLY,
        whole,
        _check_csv,
    )
    number = _numbers(household, MONTHLY)[-1]
    month = _periods(household, MONTHLY)[number]
    month = Period(max(month.begin, household.begin), month.end)
    yield _File(
        "P8",
        "JSON of a month, signed, from the portal",
        [f"/messwertliste/{MONTHLY}/{number}/json/"],
        MONTHLY,
        month,
        _check_signed_json,
    )
    yield _File(
        "P8",
        "JSON of a month, short form, from the HAN interface",
        [
            f"/json/metering/derived/{MONTHLY}.{household.gateway.huid}.sm/billingperiods/{number}"
        ],
        MONTHLY,
        month,
        _check_short_json,
    )


def _periods(household: Household, profile_id: str) -> list[Period]:
    """The billing periods of a profile, newest first."""
    profile = selectors.profile_of(CONSUMER, profile_id)
    assert profile is not None
    return selectors.periods(profile, household.gateway.clock.now())


def _numbers(household: Household, profile_id: str) -> list[int]:
    """The numbers of the billing periods that have rows, oldest first."""
    numbered = enumerate(_periods(household, profile_id))
    return [
        number
        for number, period in numbered
        if period.begin < household.end and household.begin < period.end
    ][::-1]


def _get(visitor: Visitor, file: _File) -> None:
    for path in file.paths:
        visitor.get(path)


def _fetch_of(file: _File) -> str:
    return f"rows of {file.title}"


def _fetch(file: _File) -> None:
    profile = selectors.profile_of(CONSUMER, file.profile)
    assert profile is not None
    for _row in selectors.period_rows(profile, file.period):
        pass


# --- reading back -----------------------------------------------------------------


def _check_csv(household: Household, period: Period, parts: list[bytes]) -> int:
    """Every time and number against what the meters counted; how many values."""
    targets = _targets(period)
    for part in parts:
        text = part.decode("utf-8-sig")
        _head, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=";")
        for row in reversed(rows):
            _check_row(row, next(targets, None))
    return _count(period, targets)


def _check_row(row: list[str], target: Any) -> None:
    if target is None or row[0] != local_time.page_stamp(target):
        raise ResultWrong(f"the CSV file has {row[0]} where {target} belongs")
    numbers = [int(cell.replace(".", "").replace(",", "")) for cell in row[2:4]]
    # 0.1 Wh in the meter, kWh with six decimals in the file
    if numbers != [100 * r.value for r in registers_at(METERS[0], target)]:
        raise ResultWrong(f"the CSV file has {row[2:4]} at {row[0]}")


def _check_signed_json(household: Household, period: Period, parts: list[bytes]) -> int:
    """Every time and value; some of the signatures with the stored certificate."""
    targets = _targets(period)
    readings = json.loads(parts[0])["readings"]
    for place, reading in enumerate(readings):
        target = next(targets, None)
        values = [int(value["value"]) for value in reading["values"]]
        if target is None or values != _values_at(target):
            raise ResultWrong(f"the JSON file has {values} at {reading['timestamp']}")
        if place % 100 == 0:
            key = public_key(certificate_by_ski(reading["signer_ski"]))
            signature = bytes.fromhex(reading["signature"])
            verify(key, signature, reading["signed_text"].encode())
    return _count(period, targets)


def _check_short_json(household: Household, period: Period, parts: list[bytes]) -> int:
    """Every time; the amounts are texts with six decimals."""
    targets = _targets(period)
    for reading in json.loads(parts[0]):
        target = next(targets, None)
        if target is None or reading["timestamp_nom"] != local_time.iso(target):
            raise ResultWrong(f"the JSON list has {reading} where {target} belongs")
        amounts = [text.split()[0] for text in list(reading.values())[3:]]
        if [int(a.replace(".", "")) for a in amounts] != [
            100 * value for value in _values_at(target)
        ]:
            raise ResultWrong(f"the JSON list has {reading}")
    return _count(period, targets)


def _values_at(target: Any) -> list[int]:
    return [register.value for register in registers_at(METERS[0], target)]


def _targets(period: Period) -> Iterator[Any]:
    """The boundaries of `(begin, end]`, ascending."""
    count = (period.end - period.begin) // REGISTRATION_PERIOD
    return (period.begin + n * REGISTRATION_PERIOD for n in range(1, count + 1))


def _count(period: Period, left: Iterator[Any]) -> int:
    """The number of values of the period; raises ResultWrong when rows are missing."""
    if (missing := next(left, None)) is not None:
        raise ResultWrong(f"the file ends before {missing}")
    return (period.end - period.begin) // REGISTRATION_PERIOD * _REGISTERS

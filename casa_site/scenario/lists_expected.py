"""Expectations of lists: records, placeholders, and that they hold the truth."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from casa_site.scenario.finding import Finding
from casa_site.scenario.installation import Installation
from hardware.record import registers_of
from hardware.status_word import is_placeholder, ptb_status
from meters.models import OriginalRecord
from tariffs.calendar import Period
from tariffs.list_row import ListRow
from tariffs.models import EvaluationProfile
from tariffs.selectors import period_rows

Given = dict[str, Any]
Row = OriginalRecord | ListRow
_FATAL = 4
_COURSES = frozenset({6, 7})
"""Use cases whose records are what one meter counted."""


def original_list(site: Installation, wanted: dict[str, Given]) -> Iterator[Finding]:
    """Of each meter; what is no placeholder must be what the meter had counted."""
    for meter, of_it in wanted.items():
        stored = OriginalRecord.objects.filter(meter=meter)
        records = list(stored.order_by("target_time"))
        yield from _compared(site, meter, records, of_it)
        if of_it.get("truth", True):
            yield _truth(site, meter, meter, records)


def derived_list(site: Installation, wanted: dict[str, Given]) -> Iterator[Finding]:
    """Of each profile; of TAF6 and TAF7 as of the original list."""
    for name, of_it in wanted.items():
        profile = EvaluationProfile.objects.filter(pk=name).first()
        if profile is None:
            yield Finding(f"list {name}", "a profile", "is not there", False)
            continue
        since = site.time.begin - timedelta(seconds=1)
        records = list(period_rows(profile, Period(since, site.time.now)))
        yield from _compared(site, name, records, of_it)
        meters = {one.meter_id for one in profile.inputs.all()}
        is_course = profile.taf in _COURSES and len(meters) == 1
        if of_it.get("truth", is_course):
            yield _truth(site, name, meters.pop(), records)


def _compared(
    site: Installation, name: str, records: Sequence[Row], wanted: Given
) -> Iterator[Finding]:
    what = f"list {name}"
    if "records" in wanted:
        yield Finding.of(f"{what}, records", wanted["records"], len(records))
    for key, holds in (
        ("placeholders", is_placeholder),
        ("fatal", lambda status: ptb_status(status) == _FATAL),
    ):
        if key in wanted:
            times = [r.target_time for r in records if holds(r.status)]
            expected = [_instant(site, one) for one in wanted[key]]
            yield Finding.of(f"{what}, {key}", _spans(expected), _spans(times))
    for obis, value in wanted.get("last", {}).items():
        values = registers_of(records[-1].registers) if records else ()
        found = {one.obis.logical_name: one.value for one in values}
        yield Finding.of(f"{what}, last {obis}", value, found.get(obis))


def _truth(
    site: Installation, name: str, meter: str, records: Sequence[Row]
) -> Finding:
    """Whether each record that was captured holds what the meter had counted."""
    wrong = []
    captured = [one for one in records if not is_placeholder(one.status)]
    for record in captured:
        truth = {r.obis: r for r in site.lines.truth(meter, record.capture_time)}
        stored = registers_of(record.registers)
        if any(truth.get(one.obis) != one for one in stored):
            wrong.append(record.target_time)
    came = f"wrong at {_spans(wrong)}" if wrong else "as counted"
    what = f"list {name}, {len(captured)} values"
    return Finding(what, "as counted", came, not wrong)


def _instant(site: Installation, at: timedelta | datetime) -> datetime:
    return site.time.begin + at if isinstance(at, timedelta) else at


def _spans(times: Sequence[datetime]) -> str:
    """Quarter hours in words, those in a row as one span."""
    grid = enumerate(sorted(times))
    step = timedelta(minutes=15)
    rows = [
        [at for _, at in same]
        for _, same in groupby(grid, lambda e: e[1] - e[0] * step)
    ]
    words = [f"{row[0]:%d.%m. %H:%M}" + _until(row) for row in rows]
    return ", ".join(words) or "none"


def _until(row: Sequence[datetime]) -> str:
    return f" - {row[-1]:%d.%m. %H:%M}" if len(row) > 1 else ""

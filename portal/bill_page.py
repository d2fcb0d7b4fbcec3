"""What the page "Rechnung nachvollziehen" shows of a check, in words and numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha3_256

from django.utils.translation import gettext as _

from portal import formats
from portal.bill_charts import (
    Amounts,
    ListCharts,
    booking_text,
    days_of,
    list_charts,
)
from portal.formats import record_time
from portal.local_time import just_after
from tariffs.bill_check import BillCheck
from tariffs.calendar import Period
from tariffs.stages import ERROR_STAGE
from tariffs.trudi.calculation import Result
from tariffs.trudi.comparison import Comparison
from tariffs.trudi.findings import Finding, shortened
from tariffs.trudi.labels import obis_label
from tariffs.trudi.model import ReadingList
from tariffs.trudi.registers import C, Register, total_registers

MOST_UNSPLIT = 20


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """A register: computed, what the gateway says, and what lies between.

    `stated` and `difference` are empty where the gateway has no such register; then
    `matches` is None.
    """

    obis: str
    name: str
    stage: str
    computed: str
    unit: str
    stated: str = ""
    difference: str = ""
    matches: bool | None = None
    first_difference: str = ""


@dataclass(frozen=True, slots=True)
class UnsplitRow:
    """Energy that no stage got, and when."""

    span: str
    amount: str


@dataclass(frozen=True, slots=True)
class DayChoice:
    """A day that can be looked at."""

    value: str
    text: str


@dataclass(frozen=True, slots=True)
class BillPage:
    """All of the page below the form."""

    contract: str
    period: str
    tariff_name: str
    taf: int | None
    checksum: str
    findings: Sequence[Finding]
    failure: str
    verdict: str
    rows: Sequence[RegisterRow]
    compared_with: Sequence[str]
    notes: Sequence[str]
    unsplit: Sequence[UnsplitRow]
    more_unsplit: int
    days: Sequence[DayChoice]
    day: str
    charts: Sequence[ListCharts]


def bill_page(check: BillCheck, tariff: bytes, wanted: date | None) -> BillPage:
    """The page of a check; `wanted` is the day to look at, else the last one."""
    analysis = check.tariff.analysis if check.tariff else None
    days = _days(check.result)
    day = wanted if wanted in days else (days[-1] if days else None)
    unsplit = list(_unsplit(check.result)) if check.result else []
    return BillPage(
        contract=check.profile.id,
        period=period_text(check.period or check.chosen),
        tariff_name=analysis.tariff_id if analysis else "",
        taf=analysis.tariff_use_case if analysis else None,
        checksum=sha3_256(tariff).hexdigest(),
        findings=shortened(check.findings),
        failure=check.failure.message if check.failure else "",
        verdict=_verdict(check),
        rows=list(_register_rows(check)),
        compared_with=check.compared_with,
        notes=list(_notes(check)),
        unsplit=unsplit[:MOST_UNSPLIT],
        more_unsplit=max(0, len(unsplit) - MOST_UNSPLIT),
        days=[DayChoice(one.isoformat(), formats.long_date(one)) for one in days],
        day=day.isoformat() if day else "",
        charts=_charts(check, day) if day else [],
    )


def period_text(period: Period) -> str:
    """As the manual prints periods, open at the begin (D13)."""
    begin = record_time(just_after(period.begin))
    return _("%(begin)s bis %(end)s") % {
        "begin": begin,
        "end": record_time(period.end),
    }


def _verdict(check: BillCheck) -> str:
    """One word: refused, failed, differs, matches, or computed without comparison."""
    if check.findings:
        return "refused"
    if check.result is None:
        return "failed"
    if not check.comparisons:
        return "computed"
    return "matches" if check.matches else "differs"


def _days(result: Result | None) -> list[date]:
    if result is None:
        return []
    found = {day for _values, booked in result.bookings for day in days_of(booked)}
    return sorted(found)


# --- registers ----------------------------------------------------------------------


def _register_rows(check: BillCheck) -> Iterator[RegisterRow]:
    if check.result is None:
        return
    stated = {each.obis: each for each in check.comparisons}
    names = stage_names(check)
    for register in total_registers(check.result.registers):
        values = _list_of(check.result, register)
        amounts = Amounts.of(values) if values else Amounts(0, 0, 0)
        yield _register_row(register, amounts, stated.get(register.obis), names)


def _register_row(
    register: Register,
    amounts: Amounts,
    comparison: Comparison | None,
    names: dict[int, str],
) -> RegisterRow:
    stage = register.tariff_id
    row = RegisterRow(
        obis=str(register.obis),
        name=obis_label(register.obis),
        stage=names.get(stage, "") if stage else "",
        computed=amounts.text(register.amount),
        unit=amounts.unit,
    )
    return _compared(row, amounts, comparison) if comparison else row


def _compared(
    row: RegisterRow, amounts: Amounts, comparison: Comparison
) -> RegisterRow:
    """The row with the gateway's value beside the computed one."""
    last = comparison.last
    if last is None:
        return row
    of_gateway = _kind_of(comparison) or amounts
    return replace(
        row,
        stated=of_gateway.text(last.stated),
        difference=of_gateway.text(last.stated - last.computed),
        matches=comparison.matches,
        first_difference=_first_difference(comparison, of_gateway),
    )


def _kind_of(comparison: Comparison) -> Amounts | None:
    kind = comparison.kind
    if kind is None or kind.uom is None or kind.multiplier is None:
        return None
    return Amounts(kind.uom, kind.multiplier, kind.scaler)


def _first_difference(comparison: Comparison, amounts: Amounts) -> str:
    row = comparison.first_difference
    if row is None:
        return ""
    text = _(
        "Erste abweichende Zeile: %(time)s. Im Gateway %(stated)s %(unit)s seit Beginn "
        "des Zeitraums, berechnet %(computed)s %(unit)s."
    )
    return text % {
        "time": record_time(row.time.utc),
        "stated": amounts.text(row.stated),
        "computed": amounts.text(row.computed),
        "unit": amounts.unit,
    }


def stage_names(check: BillCheck) -> dict[int, str]:
    """What the tariff calls its stages."""
    analysis = check.tariff.analysis if check.tariff else None
    stages = analysis.stages if analysis else []
    return {one.number: one.description for one in stages if one.description}


def _list_of(result: Result, register: Register) -> ReadingList | None:
    for values, _booked in result.bookings:
        if values.obis and values.obis.groups[C] == register.obis.groups[C]:
            return values
    return None


# --- notes and charts ---------------------------------------------------------------


def _notes(check: BillCheck) -> Iterator[str]:
    if check.has_other_period:
        text = _(
            "Die Tarifdatei gilt für einen anderen Zeitraum als den gewählten "
            "(%(chosen)s). Gerechnet ist der Zeitraum der Tarifdatei."
        )
        yield text % {"chosen": period_text(check.chosen)}
    if check.result and check.period and not check.findings:
        yield from _shortened_note(check.result, check.period)
    if check.subtracts:
        yield _(
            "Dieser Vertrag zieht einen Zähler ab. Die Nachrechnung zählt alle Zähler "
            "zusammen, deshalb stehen hier keine Register des Gateways daneben."
        )
    if check.result and any(
        booking.amount < 0
        for _values, booked in check.result.bookings
        for booking in booked
    ):
        yield _("Der Zählerstand sinkt im Zeitraum. Bitte fragen Sie den Betreiber.")


def _shortened_note(result: Result, period: Period) -> Iterator[str]:
    begin, end = result.begin, result.end
    if (begin.utc, end.utc) != period:
        text = _("Messwerte gibt es nur von %(begin)s bis %(end)s.")
        values = {"begin": record_time(begin.utc), "end": record_time(end.utc)}
        yield text % values


def _unsplit(result: Result) -> Iterator[UnsplitRow]:
    for values, booked in result.bookings:
        amounts = Amounts.of(values)
        for booking in booked:
            if booking.stage == ERROR_STAGE:
                amount = f"{amounts.text(booking.amount)} {amounts.unit}"
                yield UnsplitRow(booking_text(booking), amount)


def _charts(check: BillCheck, day: date) -> list[ListCharts]:
    assert check.result is not None  # there is a day
    names = stage_names(check)
    return [
        list_charts(index, values, booked, day, names)
        for index, (values, booked) in enumerate(check.result.bookings)
        if booked
    ]

"""The file for TRuDI of a profile and a closed billing period (trudi-xml.md 2).

Original lists from begin to end of the period, both included; for TAF1 and TAF2 the
registers of the profile, which count since its start, at the end of the period; log
and certificate. Ids are in upper case (decisions D8, D9).

A signature covers a whole record, so in a file of TAF1 or TAF2 a meter's record is
with all its registers, also where the profile names fewer: it is the consumer's own
file. Those of TAF6 and TAF7 have the profile's list, since TRuDI computes a bill from
all lists that are in one; TAF6's has the day starts that are still offered.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from hardware.device_id import canonical_meter_id
from hardware.gateway import Gateway
from hardware.obis import Obis
from hardware.readings import RegisterValue
from hardware.record import registers_of
from hardware.status_word import ptb_status
from logbooks.certificates import certificate_by_ski, signature_certificate
from logbooks.selectors import LogLine, consumer_log
from meters.models import Meter
from tariffs import originals
from tariffs.calendar import GRID, Period
from tariffs.derived import own_rows
from tariffs.inputs import input_of
from tariffs.list_row import ListRow
from tariffs.models import DerivedRecord, EvaluationProfile, ProfileInput
from tariffs.schedule import first_instant, inputs_of, last_instant
from tariffs.selectors import period_rows
from tariffs.taf7 import may_list
from tariffs.tariff_spec import tariff_of
from tariffs.trudi.export import written
from tariffs.trudi.model import (
    AnalysisProfile,
    Certificate,
    IntervalBlock,
    LogEntry,
    Reading,
    ReadingList,
    ReadingType,
    Smgw,
    UsagePoint,
)
from tariffs.trudi.model_rules import SIGNATURE_CERTIFICATE
from tariffs.trudi.moments import Moment
from tariffs.trudi.registers import C
from tariffs.trudi.units import uom_of
from tariffs.trudi_tariff import analysis_of, interval_of

COURSES = frozenset({6, 7})
"""The use cases whose file has original lists only."""

WITH_FILE = frozenset({1, 2}) | COURSES
_CERTIFICATE_ID = 1
_LOG_BEYOND = timedelta(days=1)
"""Entries on the sending of the values come after the period."""

_KINDS = {1: 0, 7: 1, 8: 2, 9: 2, 6: 5, 5: 6, 4: 5}
"""Medium of a meter -> ServiceCategory."""

_LEVELS = {"INFO": 1, "WARNING": 2, "ERROR": 3, "FATAL": 4}
_LARGEST = 2**47
_LONGEST_TEXT = 8192


class NotClosed(Exception):
    """The period is not evaluated to its end yet."""


class _Kind(NamedTuple):
    """What the values of one list have in common."""

    obis: Obis
    scaler: int
    unit: int


def has_file(profile: EvaluationProfile, period: Period) -> bool:
    """Whether there is a file: a use case of TRuDI, evaluated to the period's end."""
    done = profile.evaluated_to
    return (
        profile.taf in WITH_FILE
        and done is not None
        and done >= _covered(profile, period).end
    )


def trudi_file(
    gateway: Gateway, profile: EvaluationProfile, period: Period
) -> Iterator[str]:
    """The file in pieces; raises NotClosed."""
    if not has_file(profile, period):
        raise NotClosed(profile.id)
    return written(usage_point(gateway, profile, period))


def usage_point(
    gateway: Gateway,
    profile: EvaluationProfile,
    period: Period,
    *,
    every_row: bool = False,
) -> UsagePoint:
    """What the file says; `every_row`: with all values of the registers.

    TRuDI shows the first value of a register's list, so the file has one only: that
    at the end of the period.
    """
    covered = _covered(profile, period)
    meters = list({each.meter_id: each.meter for each in inputs_of(profile)}.values())
    rows = {meter.id: list(_originals(profile, meter.id, covered)) for meter in meters}
    own = _derived(profile, covered)
    listed = own if every_row else own[-1:]
    ski = _signer([*own, *(row for of_meter in rows.values() for row in of_meter)])
    lists = [
        values
        for meter in meters
        for values in _original_lists(profile, meter, rows[meter.id], covered, ski)
    ]
    return UsagePoint(
        usage_point_id=profile.metering_point,
        tariff_name=profile.id,
        has_service_category=True,
        kind=_KINDS.get(meters[0].medium, 0),
        has_customer=True,
        customer_id=profile.consumer_id,
        has_invoicing_party=True,
        invoicing_party_id=profile.supplier_id,
        smgw=Smgw(gateway.huid.upper(), [_CERTIFICATE_ID]),
        certificates=[_certificate(ski)],
        log=_log(profile.consumer_id, covered),
        analysis=_analysis(profile, lists, own, covered),
        lists=[*lists, *_derived_lists(profile, meters[0], listed, covered, ski)],
    )


def has_tariff_file(profile: EvaluationProfile) -> bool:
    """Whether the profile has a tariff that a supplier's file can hold."""
    return profile.taf == 2 and bool(profile.tariff)


def tariff_file(
    gateway: Gateway, profile: EvaluationProfile, period: Period
) -> Iterator[str]:
    """The tariff of a TAF2 profile, unrolled over a period, as a supplier writes it.

    So a consumer can hold what the gateway was told against what his supplier sent.
    """
    spec = tariff_of(profile.tariff or {})
    inputs = inputs_of(profile)
    totals = sorted({_obis(one.obis) for one in inputs})
    covered = _covered(profile, period)
    return written(
        UsagePoint(
            usage_point_id=profile.metering_point,
            tariff_name=profile.id,
            has_service_category=True,
            kind=_KINDS.get(inputs[0].meter.medium, 0),
            has_customer=True,
            customer_id=profile.consumer_id,
            has_invoicing_party=True,
            invoicing_party_id=profile.supplier_id,
            smgw=Smgw(gateway.huid.upper(), []),
            analysis=analysis_of(profile, spec, totals, covered),
        )
    )


def meter_id_of(meter: Meter) -> str:
    """A meter's id in the file: its server id, or its id where that says another."""
    try:
        is_same = canonical_meter_id(meter.server_id) == meter.id
    except ValueError:
        is_same = False
    return (meter.server_id if is_same else meter.id).upper()


def input_lists(
    profile: EvaluationProfile, lists: Iterable[ReadingList]
) -> list[ReadingList]:
    """Those original lists that are inputs of the profile."""
    named = {_source(one) for one in inputs_of(profile)}
    return [each for each in lists if (each.meter_id, each.obis) in named]


def added_inputs(profile: EvaluationProfile) -> set[tuple[str, Obis | None]] | None:
    """The inputs as the file names them; None when one is taken off."""
    inputs = inputs_of(profile)
    if any(one.sign != 1 for one in inputs):
        return None
    return {_source(one) for one in inputs}


def _source(given: ProfileInput) -> tuple[str, Obis | None]:
    return meter_id_of(given.meter), _obis(given.obis)


def _covered(profile: EvaluationProfile, period: Period) -> Period:
    """The part of a period that is on the grid of the profile's validity."""
    last = last_instant(profile)
    return Period(
        max(period.begin, first_instant(profile)),
        min(period.end, last) if last else period.end,
    )


def _originals(
    profile: EvaluationProfile, meter: str, covered: Period
) -> Iterator[ListRow]:
    """The meter's records, begin and end included."""
    span = Period(covered.begin - GRID, covered.end)
    if profile.taf in COURSES:
        return period_rows(profile, span)
    rows = originals.rows(meter, *span)
    allowed = {one.meter: one.unsecured_allowed for one in input_of(profile)}[meter]
    return (row for row in rows if may_list(row, unsecured_allowed=allowed))


def _derived(profile: EvaluationProfile, covered: Period) -> list[ListRow]:
    """The profile's records, begin and end included; courses have no registers."""
    if profile.taf in COURSES:
        return []
    return list(
        own_rows(
            DerivedRecord.objects.filter(profile=profile, target_time__range=covered)
        )
    )


def _signer(rows: Iterable[ListRow]) -> str:
    """The key of the newest record; the file holds one certificate only."""
    newest = max(rows, key=lambda row: row.target_time, default=None)
    return newest.signer_ski if newest else ""


def _certificate(ski: str) -> Certificate:
    stored = certificate_by_ski(ski) if ski else signature_certificate()
    return Certificate(_CERTIFICATE_ID, SIGNATURE_CERTIFICATE, bytes(stored.der))


def _log(consumer: str, covered: Period) -> list[LogEntry]:
    lines = consumer_log(consumer, begin=covered.begin, end=covered.end + _LOG_BEYOND)
    return [_log_entry(line) for line in reversed(lines)]


def _log_entry(line: LogLine) -> LogEntry:
    return LogEntry(
        record_number=line.number,
        has_event=True,
        level=_LEVELS[line.level],
        text=line.text[:_LONGEST_TEXT],
        outcome=int(line.event_sub_id != 0),
        timestamp=Moment.at(line.recorded_at.replace(microsecond=0)),
    )


# --- lists --------------------------------------------------------------------------


def _original_lists(
    profile: EvaluationProfile,
    meter: Meter,
    rows: Sequence[ListRow],
    covered: Period,
    ski: str,
) -> Iterator[ReadingList]:
    """One list per register; the block ends behind the last capture (rule C9)."""
    if not rows:
        return
    block = Period(
        min(covered.begin, *(row.capture_time for row in rows)),
        max(covered.end, *(row.capture_time for row in rows)),
    )
    period_s = _measurement_period_s(profile)
    for kind, readings in _by_kind(rows, ski).items():
        yield _list(profile, meter, kind, readings, block, meter_id_of(meter), period_s)


def _measurement_period_s(profile: EvaluationProfile) -> int:
    """Of an original list; 0, which is left out, for days, as two are not 24 hours."""
    if profile.taf == 6:
        return 0
    return (
        profile.registration_period_s if profile.taf == 7 else int(GRID.total_seconds())
    )


def _derived_lists(
    profile: EvaluationProfile,
    meter: Meter,
    rows: Sequence[ListRow],
    covered: Period,
    ski: str,
) -> Iterator[ReadingList]:
    """One list per register of the profile, all over the same time (rule C7)."""
    for kind, readings in _by_kind(rows, ski).items():
        yield _list(profile, meter, kind, readings, covered, profile.id, 0)


def _list(
    profile: EvaluationProfile,
    meter: Meter,
    kind: _Kind,
    readings: list[Reading],
    block: Period,
    owner: str,
    period_s: int,
) -> ReadingList:
    code = kind.obis.groups.hex().upper()
    return ReadingList(
        meter_ids=[meter_id_of(meter)],
        reading_id=f"{profile.metering_point}.{owner}.{code}",
        reading_type=ReadingType(
            multiplier=0,
            uom=uom_of(kind.unit),
            scaler=kind.scaler,
            obis_code=code,
            qualified_logical_name=f"{code}.{owner}.sm",
            measurement_period=period_s,
        ),
        blocks=[IntervalBlock(interval_of(block), readings)],
    )


def _by_kind(rows: Sequence[ListRow], ski: str) -> dict[_Kind, list[Reading]]:
    """The readings of each register, ascending.

    A record of which a register cannot be written has no signature in the file, and
    neither has one of another key than that of the file's certificate.
    """
    found: dict[_Kind, list[Reading]] = {}
    for row in rows:
        registers = registers_of(row.registers)
        fitting = [one for one in registers if _fits(one)]
        is_whole = len(fitting) == len(registers) and row.signer_ski == ski
        signature = bytes(row.signature).hex().upper() if is_whole else ""
        capture = Moment.at(row.capture_time.replace(microsecond=0))
        target, status = Moment.at(row.target_time), row.status
        for one in fitting:
            kind = _Kind(one.obis, one.scaler, one.unit)
            found.setdefault(kind, []).append(
                Reading(
                    *(one.value, capture, 0, target, status),
                    *(ptb_status(status), signature),
                )
            )
    return dict(sorted(found.items()))


def _fits(register: RegisterValue) -> bool:
    """Whether TRuDI knows its unit, and the file can hold its value."""
    return uom_of(register.unit) is not None and abs(register.value) < _LARGEST


# --- the tariff ---------------------------------------------------------------------


def _analysis(
    profile: EvaluationProfile,
    lists: Sequence[ReadingList],
    own: Sequence[ListRow],
    covered: Period,
) -> AnalysisProfile | None:
    """The tariff with its calendar, where a file alone can be recomputed by it.

    TRuDI adds all lists of a direction as raw integers. So there is none when an input
    is taken off, when scalers differ, or when the file holds a list of a direction
    that is no input.
    """
    if profile.taf != 2 or not profile.tariff or not own:
        return None
    spec = tariff_of(profile.tariff)
    inputs = inputs_of(profile)
    named = {(meter_id_of(one.meter), _obis(one.obis)) for one in inputs}
    totals = sorted({obis for _meter, obis in named})
    directions = {obis.groups[C] for obis in totals}
    counted = [one for one in lists if one.obis and one.obis.groups[C] in directions]
    scalers = {one.reading_type.scaler for one in counted if one.reading_type}
    scalers |= {one.scaler for row in own for one in registers_of(row.registers)}
    is_plain = (
        spec.trudi_compat
        and all(one.sign == 1 for one in inputs)
        and {(one.meter_id, one.obis) for one in counted} == named
        and len(scalers) == 1
    )
    return analysis_of(profile, spec, totals, covered) if is_plain else None


def _obis(name: str) -> Obis:
    return Obis(bytes.fromhex(name))

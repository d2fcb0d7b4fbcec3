"""What must be in a gateway's file beyond the schema (rules M1 to M9)."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from tariffs.trudi.findings import Finding
from tariffs.trudi.model import (
    Certificate,
    IntervalBlock,
    LogEntry,
    Reading,
    ReadingList,
    ReadingType,
    UsagePoint,
    is_hex,
)

KINDS = frozenset({0, 1, 2, 4, 5, 6, 7, 8})
"""ServiceCategory; 3 and 9 of the schema are refused."""

MULTIPLIERS = frozenset({-6, -3, 0, 1, 2, 3, 6, 9})
UNITS = frozenset(
    {0, 5, 29, 31, 33, 38, 42, 61, 63, 65, 67, 69, 71, 72, 73, 106}
    | {119, 122, 125, 128, 129}
)
SIGNATURE_CERTIFICATE = 1
_CERTIFICATE_TYPES = frozenset({1, 2, 3})
_LEVELS = range(1, 6)
_OUTCOMES = frozenset({None, 0, 1, 2})
_PTB_STATES = range(5)

_FREE_BITS = 0x00007302_001FFF00
_FIXED_BITS = 0x00000005_00000004
"""Of the status word: which bits may be anything, and what the others must be."""


def model_findings(point: UsagePoint) -> Iterator[Finding]:
    """All that the model rules have against a gateway's file."""
    yield from common_findings(point)
    if not point.has_customer:
        yield Finding("M1", _missing("Customer"))
    if point.smgw is not None:
        if not point.smgw.smgw_id.strip():
            yield Finding("M2", _missing("smgwId"))
        if not point.smgw.cert_ids:
            yield Finding("M2", _missing("SMGW/certId"))
    if not point.certificates:
        yield Finding("M3", _missing("Certificate"))
    for values in point.lists:
        yield from _of_list(values)
    for entry in point.log:
        yield from _of_log_entry(entry)


def common_findings(point: UsagePoint) -> Iterator[Finding]:
    """What both files must have: the gateway's and the supplier's."""
    texts = {"usagePointId": point.usage_point_id, "tariffName": point.tariff_name}
    for name, text in texts.items():
        if not text.strip():
            yield Finding("M1", _missing(name))
    present = {
        "InvoicingParty": point.has_invoicing_party,
        "SMGW": point.smgw is not None,
        "ServiceCategory": point.has_service_category,
    }
    for name, is_there in present.items():
        if not is_there:
            yield Finding("M1", _missing(name))
    if point.has_service_category and point.kind not in KINDS:
        yield Finding("M1", _not_allowed("ServiceCategory/kind", point.kind))
    for certificate in point.certificates:
        yield from _of_certificate(certificate)


def _of_certificate(certificate: Certificate) -> Iterator[Finding]:
    if certificate.cert_type not in _CERTIFICATE_TYPES:
        yield Finding("M3", _not_allowed("certType", certificate.cert_type))
    if certificate.content is None:
        yield Finding("M3", _missing("certContent"))


def _of_list(values: ReadingList) -> Iterator[Finding]:
    if not values.reading_id.strip():
        yield Finding("M4", _missing("meterReadingId"))
    if not values.meter_ids:
        yield Finding("M4", _missing("Meter"))
    if values.reading_type is None:
        yield Finding("M4", _missing("ReadingType"))
    else:
        yield from _of_type(values.reading_type)
    for block in values.blocks:
        yield from _of_block(block)


def _of_type(kind: ReadingType) -> Iterator[Finding]:
    if not is_hex(kind.obis_code):
        yield Finding("M5", _not_allowed("ReadingType/obisCode", kind.obis_code))
    if not kind.qualified_logical_name:
        yield Finding("M5", _missing("qualifiedLogicalName"))
    if kind.multiplier not in MULTIPLIERS:
        yield Finding("M5", _not_allowed("powerOfTenMultiplier", kind.multiplier))
    if kind.uom not in UNITS:
        yield Finding("M5", _not_allowed("uom", kind.uom))


def _of_block(block: IntervalBlock) -> Iterator[Finding]:
    interval = block.interval
    if interval is None or interval.start is None or interval.duration is None:
        yield Finding("M6", _missing("IntervalBlock/interval"))
    if not block.readings:
        yield Finding("M6", _missing("IntervalReading"))
    for reading in block.readings:
        yield from _of_reading(reading)


def _of_reading(reading: Reading) -> Iterator[Finding]:
    if reading.capture is None or reading.duration is None:
        yield Finding("M7", _missing("IntervalReading/timePeriod"))
    if reading.value is None:
        yield Finding("M7", _missing("IntervalReading/value"))
    if reading.status_ptb is not None:
        if reading.status_fnn is None and reading.status_ptb not in _PTB_STATES:
            yield Finding("M8", _not_allowed("statusPTB", reading.status_ptb))
    elif reading.status_fnn is None:
        yield Finding("M7", _missing("statusFNN, statusPTB"))
    elif not has_fixed_bits(reading.status_fnn):
        yield Finding("M8", _not_allowed("statusFNN", f"{reading.status_fnn:016x}"))


def has_fixed_bits(status_word: int) -> bool:
    """Whether all bits of a status word that must be 0 or 1 are so (rule M8)."""
    return status_word & ~_FREE_BITS == _FIXED_BITS


def _of_log_entry(entry: LogEntry) -> Iterator[Finding]:
    if not entry.has_event:
        return
    if entry.level not in _LEVELS:
        yield Finding("M9", _not_allowed("LogEvent/level", entry.level))
    if entry.outcome not in _OUTCOMES:
        yield Finding("M9", _not_allowed("LogEvent/outcome", entry.outcome))


def _missing(name: str) -> str:
    return _("„%(name)s“ fehlt oder ist leer.") % {"name": name}


def _not_allowed(name: str, value: object) -> str:
    text = _("„%(name)s“ hat einen Wert, der nicht erlaubt ist: %(value)s.")
    return text % {"name": name, "value": "-" if value is None else value}

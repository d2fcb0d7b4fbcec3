"""A tree of elements to a usage point: what TRuDI's parser takes, and nothing else.

Only the elements that TRuDI knows are read; any other one is a finding of rule P1,
also where the schema would allow it.
"""

from functools import cmp_to_key
from itertools import count

from django.utils.translation import gettext as _
from lxml import etree

from tariffs.trudi.analysis_reader import read_analysis_profile
from tariffs.trudi.elements import INT8, INT16, INT64, UINT8, UINT16, UINT32
from tariffs.trudi.elements import ElementReader as Elements
from tariffs.trudi.findings import Finding
from tariffs.trudi.interval_reader import read_interval
from tariffs.trudi.model import (
    Certificate,
    IntervalBlock,
    LogEntry,
    Reading,
    ReadingList,
    ReadingType,
    Smgw,
    UsagePoint,
    is_hex,
)
from tariffs.trudi.moments import Moment, target_of
from tariffs.trudi.periods import measurement_period

_IGNORED = frozenset({"certId", "meterSig"})
"""Known to TRuDI within an IntervalReading, and never looked at."""


def read_usage_point(
    root: etree._Element, *, of_supplier: bool = False
) -> tuple[UsagePoint | None, list[Finding]]:
    """The usage point of a file and what the parser has against it (P0 to P7).

    Of several usage points the last one counts, as in TRuDI, and that is a finding.
    A supplier's file holds no log and no readings. None when there is no usage point.
    """
    elements = Elements()
    found: list[UsagePoint] = []
    for name, element in elements.children(root):
        if name == "UsagePoint":
            found.append(_usage_point(elements, element, of_supplier))
        else:
            elements.unsupported(name, element)
    if len(found) != 1:
        text = _("Die Datei muss genau ein Element „UsagePoint“ enthalten.")
        elements.note("P1", text)
    if not found:
        return None, elements.findings
    _sort(found[-1])
    _complete_targets(found[-1])
    return found[-1], elements.findings


def _usage_point(
    elements: Elements, parent: etree._Element, of_supplier: bool
) -> UsagePoint:
    point = UsagePoint()
    for name, element in elements.children(parent):
        if name == "MeterReading" and not of_supplier:
            point.lists.append(_reading_list(elements, element))
        elif name == "LogEntry" and not of_supplier:
            point.log.append(_log_entry(elements, element))
        elif name == "AnalysisProfile":
            point.analysis = read_analysis_profile(elements, element)
        elif not _read_head(elements, point, name, element):
            elements.unsupported(name, element)
    return point


def _read_head(
    elements: Elements, point: UsagePoint, name: str, element: etree._Element
) -> bool:
    """Who and where; False for an element that does not belong there."""
    match name:
        case "usagePointId":
            point.usage_point_id = element.text or ""
        case "tariffName":
            point.tariff_name = element.text or ""
        case "ServiceCategory":
            point.has_service_category = True
            point.kind = _kind(elements, element)
        case "Customer":
            point.has_customer = True
            point.customer_id = _only_text(elements, element, "customerId")
        case "InvoicingParty":
            point.has_invoicing_party = True
            point.invoicing_party_id = _only_text(elements, element, "invoicingPartyId")
        case "SMGW":
            point.smgw = _smgw(elements, element)
        case "Certificate":
            point.certificates.append(_certificate(elements, element))
        case _:
            return False
    return True


def _only_text(elements: Elements, parent: etree._Element, wanted: str) -> str:
    """The text of the only child an element may have."""
    text = ""
    for name, element in elements.children(parent):
        if name == wanted:
            text = element.text or ""
        else:
            elements.unsupported(name, element)
    return text


def _kind(elements: Elements, parent: etree._Element) -> int | None:
    kind = None
    for name, element in elements.children(parent):
        if name == "kind":
            kind = elements.integer(element, UINT16)
        else:
            elements.unsupported(name, element)
    return kind


def _smgw(elements: Elements, parent: etree._Element) -> Smgw:
    smgw = Smgw()
    for name, element in elements.children(parent):
        if name == "smgwId":
            smgw.smgw_id = element.text or ""
        elif name == "certId":
            if (cert_id := elements.integer(element, UINT8)) is not None:
                smgw.cert_ids.append(cert_id)
        else:
            elements.unsupported(name, element)
    return smgw


def _certificate(elements: Elements, parent: etree._Element) -> Certificate:
    certificate = Certificate()
    for name, element in elements.children(parent):
        if name == "certId":
            certificate.cert_id = elements.integer(element, UINT8)
        elif name == "certType":
            certificate.cert_type = elements.integer(element, UINT8)
        elif name == "parentCertId":
            elements.integer(element, UINT8)
        elif name == "certContent":
            certificate.content = _hex_bytes(elements, element)
        else:
            elements.unsupported(name, element)
    return certificate


def _hex_bytes(elements: Elements, element: etree._Element) -> bytes | None:
    text = element.text or ""
    if is_hex(text):
        return bytes.fromhex(text)
    elements.note("P2", _("„certContent“ ist kein Hex-Text gerader Länge."))
    return None


def _log_entry(elements: Elements, parent: etree._Element) -> LogEntry:
    number, events = None, []
    for name, element in elements.children(parent):
        if name == "recordNumber":
            number = elements.integer(element, UINT32)
        elif name == "LogEvent":
            events.append(element)
        else:
            elements.unsupported(name, element)
    if len(events) > 1:
        text = _("Zeile %(line)s: Mehr als ein „LogEvent“ in einem „LogEntry“.")
        elements.note("P4", text % {"line": parent.sourceline})
    if not events:
        return LogEntry(number, False, None, "", None, None)
    return _log_event(elements, events[0], number)


def _log_event(
    elements: Elements, parent: etree._Element, number: int | None
) -> LogEntry:
    level = outcome = timestamp = None
    text = ""
    for name, element in elements.children(parent):
        match name:
            case "level":
                level = elements.integer(element, UINT8)
            case "text":
                text = element.text or ""
            case "outcome":
                outcome = elements.integer(element, UINT8)
            case "timestamp":
                timestamp = elements.moment(element)
            case _:
                elements.unsupported(name, element)
    return LogEntry(number, True, level, text, outcome, timestamp)


# --- lists of values ----------------------------------------------------------------


def _reading_list(elements: Elements, parent: etree._Element) -> ReadingList:
    values = ReadingList()
    for name, element in elements.children(parent):
        match name:
            case "Meter":
                values.meter_ids.append(_only_text(elements, element, "meterId"))
            case "meterReadingId":
                values.reading_id = element.text or ""
            case "ReadingType":
                values.reading_type = _reading_type(elements, element)
            case "IntervalBlock":
                values.blocks.append(_interval_block(elements, element))
            case _:
                elements.unsupported(name, element)
    return values


def _reading_type(elements: Elements, parent: etree._Element) -> ReadingType:
    kind = ReadingType()
    for name, element in elements.children(parent):
        match name:
            case "powerOfTenMultiplier":
                kind.multiplier = elements.integer(element, INT16)
            case "uom":
                kind.uom = elements.integer(element, UINT16)
            case "scaler":
                kind.scaler = elements.integer(element, INT8) or 0
            case "obisCode":
                kind.obis_code = element.text or ""
            case "qualifiedLogicalName":
                kind.qualified_logical_name = element.text or ""
            case "measurementPeriod":
                kind.measurement_period = elements.integer(element, UINT32) or 0
            case _:
                elements.unsupported(name, element)
    return kind


def _interval_block(elements: Elements, parent: etree._Element) -> IntervalBlock:
    block = IntervalBlock()
    for name, element in elements.children(parent):
        if name == "IntervalReading":
            block.readings.append(_reading(elements, element))
        elif name == "interval":
            block.interval = read_interval(elements, element)
        else:
            elements.unsupported(name, element)
    return block


def _reading(elements: Elements, parent: etree._Element) -> Reading:
    value = target = capture = duration = fnn = ptb = None
    signature = ""
    for name, element in elements.children(parent):
        if name == "value":
            value = elements.integer(element, INT64)
        elif name == "timePeriod":
            period = read_interval(elements, element)
            capture, duration = period.start, period.duration
        elif name == "targetTime":
            target = elements.moment(element)
        elif name == "statusPTB":
            ptb = elements.integer(element, UINT8)
        elif name == "statusFNN":
            fnn = _status_word(elements, element)
        elif name == "signature":
            signature = element.text or ""
        elif name not in _IGNORED:
            elements.unsupported(name, element)
    return Reading(value, capture, duration, target, fnn, ptb, signature)


def _status_word(elements: Elements, element: etree._Element) -> int | None:
    text = element.text or ""
    if is_hex(text) and len(text) <= 16:
        return int(text, 16)
    note = _("Zeile %(line)s: „statusFNN“ ist kein Statuswort: „%(text)s“.")
    elements.note("P3", note % {"line": element.sourceline, "text": text[:40]})
    return None


# --- order and target times (P6, P7) ------------------------------------------------


def _sort(point: UsagePoint) -> None:
    for values in point.lists:
        values.blocks.sort(key=_block_start)
        for block in values.blocks:
            _sort_readings(block)
    positions = count()
    point.log.sort(key=lambda entry: (*_log_key(entry), next(positions)))


def _block_start(block: IntervalBlock) -> float:
    start = block.interval.start if block.interval else None
    return start.utc.timestamp() if start else 0.0


def _sort_readings(block: IntervalBlock) -> None:
    with_target = sum(reading.target is not None for reading in block.readings)
    if with_target == len(block.readings):
        block.readings.sort(key=lambda reading: _utc(reading.target))
    elif with_target == 0:
        block.readings.sort(key=lambda reading: _utc(reading.capture))
    else:
        block.readings.sort(key=cmp_to_key(_in_order))


def _in_order(one: Reading, other: Reading) -> int:
    if one.target and other.target:
        before, after = _utc(one.target), _utc(other.target)
    else:
        before, after = _utc(one.capture), _utc(other.capture)
    return (before > after) - (before < after)


def _utc(moment: Moment | None) -> float:
    return moment.utc.timestamp() if moment else 0.0


def _log_key(entry: LogEntry) -> tuple[bool, float]:
    """By number; entries without one come after them, by time."""
    if entry.record_number is not None:
        return False, entry.record_number
    return True, _utc(entry.timestamp)


def _complete_targets(point: UsagePoint) -> None:
    for values in point.originals:
        period = None
        for block in values.blocks:
            if all(reading.target for reading in block.readings):
                continue
            if period is None:
                period = measurement_period(values)
            block.readings[:] = [
                _with_target(reading, period) for reading in block.readings
            ]


def _with_target(reading: Reading, period_s: int) -> Reading:
    if reading.target or reading.capture is None:
        return reading
    return reading._replace(target=target_of(reading.capture, period_s))

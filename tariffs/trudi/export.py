"""A usage point to the text of its file: the mirror of `tariffs.trudi.reader`.

What comes out keeps the order of the schema and holds only elements that TRuDI knows.
The text is made in pieces, because the list of a month has thousands of readings.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from xml.sax.saxutils import escape

from hardware.status_word import hex_text
from tariffs.trudi.model import (
    AnalysisProfile,
    Certificate,
    DayProfile,
    Interval,
    IntervalBlock,
    LogEntry,
    Reading,
    ReadingList,
    ReadingType,
    UsagePoint,
)
from tariffs.trudi.moments import Moment

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<UsagePoints xmlns="http://vde.de/AR_2418-6.xsd" '
    'xmlns:espi="http://naesb.org/espi" xmlns:atom="http://www.w3.org/2005/Atom" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xsi:schemaLocation="http://vde.de/AR_2418-6.xsd AR_2418-6.xsd">\n<UsagePoint>\n'
)
_TAIL = "</UsagePoint>\n</UsagePoints>\n"
_AT_ONCE = 500
_NO_TEXT = {code: " " for code in range(32) if chr(code) not in "\t\n\r"}
_NO_TEXT |= {0xFFFE: " ", 0xFFFF: " "}
"""Characters that no XML file may hold."""


def written(point: UsagePoint) -> Iterator[str]:
    """The file in pieces; what is None in the point is left out."""
    yield _HEAD
    yield "".join(_head(point))
    if point.analysis:
        yield "".join(_analysis(point.analysis))
    yield "".join(_log_entry(entry) for entry in point.log)
    for values in point.lists:
        yield from _reading_list(values)
    yield _TAIL


def _tag(name: str, content: object) -> str:
    return f"<{name}>{content}</{name}>"


def _optional(name: str, content: object | None) -> str:
    return "" if content is None else _tag(name, content)


def _text(name: str, text: str) -> str:
    return _tag(name, escape(text.translate(_NO_TEXT)))


def _head(point: UsagePoint) -> Iterator[str]:
    yield _tag("espi:ServiceCategory", _tag("espi:kind", point.kind))
    yield _text("usagePointId", point.usage_point_id)
    yield _tag("Customer", _text("customerId", point.customer_id))
    yield _tag("InvoicingParty", _text("invoicingPartyId", point.invoicing_party_id))
    if point.smgw:
        ids = "".join(_tag("certId", one) for one in point.smgw.cert_ids)
        yield _tag("SMGW", ids + _text("smgwId", point.smgw.smgw_id))
    yield from map(_certificate, point.certificates)
    yield _text("tariffName", point.tariff_name) + "\n"


def _certificate(certificate: Certificate) -> str:
    content = (certificate.content or b"").hex().upper()
    return _tag(
        "Certificate",
        _tag("certId", certificate.cert_id)
        + _tag("certType", certificate.cert_type)
        + _tag("certContent", content),
    )


# --- the tariff ---------------------------------------------------------------------


def _analysis(profile: AnalysisProfile) -> Iterator[str]:
    yield "<AnalysisProfile>" + _tag("tariffUseCase", profile.tariff_use_case)
    yield _text("tariffId", profile.tariff_id)
    if profile.billing_period:
        yield _interval("billingPeriod", profile.billing_period)
    for stage in profile.stages:
        named = _text("description", stage.description) if stage.description else ""
        number = _tag("tariffNumber", stage.number)
        obis = _text("obisCode", stage.obis_code)
        yield _tag("TariffStage", number + named + obis)
    yield _optional("defaultTariffNumber", profile.default_stage)
    if profile.has_change_trigger:
        timed = "".join(_time_trigger(profile))
        yield _tag("TariffChangeTrigger", timed)
    yield "</AnalysisProfile>\n"


def _time_trigger(profile: AnalysisProfile) -> Iterator[str]:
    if not profile.has_time_trigger:
        return
    yield "<TimeTrigger>\n"
    yield from map(_day_profile, profile.day_profiles)
    for special in profile.special_days:
        on = special.on
        if on is not None:
            date = _tag("year", on.year) + _tag("month", on.month)
            date += _tag("day_of_month", on.day)
            day = _tag("specialDayDate", date) + _tag("dayId", special.day_id)
            yield _tag("SpecialDayProfile", day) + "\n"
    yield "</TimeTrigger>"


def _day_profile(profile: DayProfile) -> str:
    slots = "".join(
        _tag(
            "DayTimeProfile",
            _tag(
                "startTime",
                _tag("hour", slot.start.hour) + _tag("minute", slot.start.minute),
            )
            + _tag("tariffNumber", slot.stage),
        )
        for slot in profile.slots
        if slot.start is not None
    )
    return _tag("DayProfile", _tag("dayId", profile.day_id) + slots) + "\n"


# --- log and lists ------------------------------------------------------------------


def _log_entry(entry: LogEntry) -> str:
    event = (
        _optional("level", entry.level)
        + _text("text", entry.text)
        + _optional("outcome", entry.outcome)
        + (_tag("timestamp", _time(entry.timestamp)) if entry.timestamp else "")
    )
    number = _optional("recordNumber", entry.record_number)
    return _tag("LogEntry", number + _tag("LogEvent", event)) + "\n"


def _reading_list(values: ReadingList) -> Iterator[str]:
    yield "<MeterReading>" + "".join(
        _tag("Meter", _text("meterId", meter)) for meter in values.meter_ids
    )
    yield _text("meterReadingId", values.reading_id)
    if values.reading_type:
        yield _reading_type(values.reading_type)
    for block in values.blocks:
        yield from _block(block)
    yield "</MeterReading>\n"


def _reading_type(kind: ReadingType) -> str:
    content = (
        _optional("espi:powerOfTenMultiplier", kind.multiplier)
        + _optional("espi:uom", kind.uom)
        + _tag("scaler", kind.scaler)
        + _text("obisCode", kind.obis_code)
        + _text("qualifiedLogicalName", kind.qualified_logical_name)
    )
    if kind.measurement_period:
        content += _tag("measurementPeriod", kind.measurement_period)
    return _tag("ReadingType", content) + "\n"


def _block(block: IntervalBlock) -> Iterator[str]:
    yield "<IntervalBlock>"
    if block.interval:
        yield _interval("interval", block.interval) + "\n"
    readings = block.readings
    for start in range(0, len(readings), _AT_ONCE):
        yield _readings(readings[start : start + _AT_ONCE])
    yield "</IntervalBlock>\n"


def _readings(readings: Iterable[Reading]) -> str:
    return "".join(map(_reading, readings))


def _reading(reading: Reading) -> str:
    capture = _time(reading.capture) if reading.capture else ""
    target = _time(reading.target) if reading.target else ""
    period = _tag("duration", reading.duration) + _tag("start", capture)
    return (
        f"<IntervalReading><espi:value>{reading.value}</espi:value>"
        f"<timePeriod>{period}</timePeriod>"
        f"{_tag('targetTime', target) if target else ''}"
        f"{_tag('signature', reading.signature) if reading.signature else ''}"
        f"{_status(reading.status_fnn, reading.status_ptb)}</IntervalReading>\n"
    )


@lru_cache(maxsize=256)
def _status(fnn: int | None, ptb: int | None) -> str:
    """Few status words occur in a file, each very often."""
    word = None if fnn is None else hex_text(fnn).upper()
    return _optional("statusFNN", word) + _optional("statusPTB", ptb)


def _interval(name: str, interval: Interval) -> str:
    start = _time(interval.start) if interval.start else ""
    duration = _optional("duration", interval.duration)
    return _tag(name, duration + _tag("start", start))


@lru_cache(maxsize=8192)
def _time(moment: Moment) -> str:
    """Each quarter hour stands in the list of every register."""
    return moment.isoformat()

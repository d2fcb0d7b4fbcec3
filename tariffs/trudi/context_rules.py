"""What a gateway's file must be for its tariff use case (rules C1 to C9)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from django.utils.translation import gettext as _

from tariffs.trudi.certificates import parsed
from tariffs.trudi.findings import Finding
from tariffs.trudi.model import ReadingList, UsagePoint
from tariffs.trudi.moments import Moment

LONGEST_QUERY = timedelta(days=1096)
ERROR_REGISTER = 63
_FEWEST_LISTS = {1: ("C5", 2), 2: ("C6", 5)}


@dataclass(frozen=True, slots=True)
class Context:
    """What was asked of the gateway.

    `taf` is that of the contract; None when there is none. `has_billing_period`: one
    with an end was chosen, so its registers must be in the file.
    """

    taf: int | None
    start: Moment | None = None
    end: Moment | None = None
    has_billing_period: bool = False


def context_of(point: UsagePoint) -> Context:
    """The context that a file shows by itself, when nobody says what was asked.

    Only original lists: TAF7. With registers of the gateway: several of a day each
    are TAF6, an error register or several stages TAF2, else TAF1.
    """
    spans = [span for values in point.lists if (span := values.span)]
    start = min((span[0] for span in spans), default=None)
    end = max((span[1] for span in spans), default=None)
    if not point.derived:
        return Context(7, start, end)
    stages = {obis.groups[4] for each in point.derived if (obis := each.obis)}
    is_taf2 = ERROR_REGISTER in stages or len(stages) > 2
    if any(len(each.blocks) > 1 for each in point.derived):
        return Context(6, start, end)
    return Context(2 if is_taf2 else 1, start, end, has_billing_period=True)


def context_findings(point: UsagePoint, context: Context) -> Iterator[Finding]:
    """All that the context rules have against a file that passed the model rules."""
    if context.taf is not None:
        yield from _of_query(point, context)
    if context.taf == 2:
        yield from _of_register_durations(point)
    if context.taf == 7:
        for values in point.lists:
            yield from _of_taf7_list(values)
    yield from _of_certificate_ids(point)
    for values in point.lists:
        yield from _of_neighbouring_blocks(values)


def _of_query(point: UsagePoint, context: Context) -> Iterator[Finding]:
    if context.start and context.end and _is_too_long(context.start, context.end):
        yield Finding("C4", _("Der Zeitraum ist länger als drei Jahre."))
    if context.has_billing_period and context.taf in _FEWEST_LISTS:
        rule, fewest = _FEWEST_LISTS[context.taf]
        if len(point.lists) < fewest:
            text = _("TAF%(taf)d braucht mindestens %(fewest)d Listen (MeterReading).")
            yield Finding(rule, text % {"taf": context.taf, "fewest": fewest})


def _is_too_long(start: Moment, end: Moment) -> bool:
    return end.wall - start.wall > LONGEST_QUERY


def _of_register_durations(point: UsagePoint) -> Iterator[Finding]:
    spans = [span for values in point.derived if (span := values.span)]
    durations = {end.utc - start.utc for start, end in spans}
    if len(durations) > 1:
        yield Finding("C7", _("TAF2: Die Register umfassen verschieden lange Zeiten."))


def _of_taf7_list(values: ReadingList) -> Iterator[Finding]:
    if not values.is_original:
        text = _("TAF7: „%(list)s“ ist keine originäre Messwertliste.")
        yield Finding("C8", text % {"list": values.reading_id})
        return
    for block in values.blocks:
        interval = block.interval
        if interval is None or interval.start is None or interval.end is None:
            continue
        first, last = interval.start.utc, interval.end.utc
        for reading in block.readings:
            if reading.capture and not first <= reading.capture.utc <= last:
                text = _("TAF7: Ein Messwert liegt außerhalb seines Blocks: %(time)s.")
                time = reading.capture.isoformat()
                yield Finding("C9", text % {"time": time})


def _of_certificate_ids(point: UsagePoint) -> Iterator[Finding]:
    wanted = point.smgw.cert_ids if point.smgw else []
    present = [each.cert_id for each in point.certificates]
    if len(wanted) != len(present):
        yield Finding("C1", _("Es gibt nicht zu jeder „certId“ genau ein Zertifikat."))
    for cert_id in wanted:
        if len(wanted) == len(present) and cert_id not in present:
            text = _("Das Zertifikat %(cert_id)d des Gateways fehlt.")
            yield Finding("C1", text % {"cert_id": cert_id})
    for certificate in point.certificates:
        if certificate.content is not None and not _loads(certificate.content):
            text = _("Das Zertifikat %(cert_id)s ist nicht lesbar.")
            yield Finding("C2", text % {"cert_id": certificate.cert_id})


def _loads(content: bytes) -> bool:
    try:
        parsed(content)
    except ValueError:
        return False
    return True


def _of_neighbouring_blocks(values: ReadingList) -> Iterator[Finding]:
    for before, after in pairwise(values.blocks):
        end = before.interval.end if before.interval else None
        start = after.interval.start if after.interval else None
        if end is None or start is None or end.utc == start.utc:
            continue
        if end.utc < start.utc:
            text = _("Zwischen zwei Blöcken ist eine Lücke: %(end)s bis %(start)s.")
        else:
            text = _("Zwei Blöcke überschneiden sich: %(start)s bis %(end)s.")
        times = {"start": start.isoformat(), "end": end.isoformat()}
        yield Finding("C3", text % times)

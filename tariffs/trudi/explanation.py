"""What was verified, in sentences for the consumer (German, translated).

What matches, what does not, and the first row that differs.
"""

from collections.abc import Iterator

from cryptography.hazmat.primitives.hashes import SHA256
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hardware.obis import Obis
from tariffs.stages import ERROR_STAGE, Booking
from tariffs.trudi.calculation import Result
from tariffs.trudi.findings import shortened
from tariffs.trudi.labels import obis_label
from tariffs.trudi.model import ReadingList, ReadingType, UsagePoint
from tariffs.trudi.original_list import bounds, gap_count
from tariffs.trudi.periods import measurement_period
from tariffs.trudi.registers import C, total_registers
from tariffs.trudi.server_id import server_id
from tariffs.trudi.signatures import SignatureCheck
from tariffs.trudi.taf2 import calculate as calculate_taf2
from tariffs.trudi.units import display_unit, display_value
from tariffs.trudi.verification import Verification, difference_text

MOST_INTERVALS = 10


def explanation(found: Verification) -> Iterator[str]:
    """The lines of the report; an empty line between its parts."""
    if found.readings is not None:
        yield from _readings(found.readings, found.taf)
        yield ""
    yield from _rules(found)
    if found.is_asked_to_calculate:
        yield ""
        yield from _calculation(found)
    if found.comparisons:
        yield ""
        yield from _comparison(found)
    yield ""
    yield from _signatures(found.signatures)
    yield ""
    yield _verdict(found)


def _readings(point: UsagePoint, taf: int | None) -> Iterator[str]:
    text = _("Gateway %(smgw)s, Zählpunkt %(point)s, Tarif %(tariff)s, TAF%(taf)s")
    yield text % {
        "smgw": point.smgw.smgw_id if point.smgw else "-",
        "point": point.usage_point_id,
        "tariff": point.tariff_name,
        "taf": taf,
    }
    for values in point.lists:
        yield f"  {_list(values)}"


def _list(values: ReadingList) -> str:
    count = sum(1 for _reading in values.readings)
    head = f"{values.obis} {_owner(values)}"
    text = ngettext("%(head)s: %(count)d Wert", "%(head)s: %(count)d Werte", count)
    parts = [text % {"head": head, "count": count}]
    if span := bounds(values):
        times = {"begin": span[0].isoformat(), "end": span[1].isoformat()}
        parts.append(_("%(begin)s bis %(end)s") % times)
    if values.is_original:
        parts += _raster(values)
    return ", ".join(parts)


def _owner(values: ReadingList) -> str:
    if values.is_original:
        return _("des Zählers %(meter)s") % {"meter": server_id(values.meter_id).text}
    return _("berechnet für %(profile)s") % {"profile": values.owner or "-"}


def _raster(values: ReadingList) -> Iterator[str]:
    if period := measurement_period(values):
        yield _("alle %(period)d s") % {"period": period}
        gaps = gap_count(values)
        text = ngettext("%(gaps)d Lücke", "%(gaps)d Lücken", gaps)
        yield text % {"gaps": gaps} if gaps else _("ohne Lücken")


def _rules(found: Verification) -> Iterator[str]:
    if not found.findings:
        yield _("Regeln: Schema, Elemente und alle Regeln von TRuDI sind eingehalten.")
        return
    yield _("Regeln: Das stimmt nicht:")
    for finding in shortened(found.findings):
        yield f"  [{finding.rule}] {finding.message}"


# --- calculation --------------------------------------------------------------------


def _calculation(found: Verification) -> Iterator[str]:
    if found.failure:
        yield _("Berechnung: nicht möglich. %(reason)s") % {
            "reason": found.failure.message
        }
    if found.result is None:
        return
    text = _("Berechnung TAF%(taf)d von %(begin)s bis %(end)s:")
    yield text % {
        "taf": found.result.taf,
        "begin": found.result.begin.isoformat(),
        "end": found.result.end.isoformat(),
    }
    for register in total_registers(found.result.registers):
        kind = _type_of(found.result, register.obis)
        yield f"  {_amount(register.amount, kind):>24}  {register.obis}  " + (
            obis_label(register.obis)
        )
    yield from _unsplit(found.result)
    yield from _negative(found.result)
    yield from _extra_rules(found)


def _type_of(result: Result, obis: Obis) -> ReadingType | None:
    for values, _booked in result.bookings:
        if values.obis and values.obis.groups[C] == obis.groups[C]:
            return values.reading_type
    return None


def _amount(amount: int, kind: ReadingType | None) -> str:
    if kind is None or kind.uom is None or kind.multiplier is None:
        return str(amount)
    shown = display_value(amount, kind.uom, kind.multiplier, kind.scaler)
    return f"{shown} {display_unit(kind.uom, kind.multiplier)}"


def _unsplit(result: Result) -> Iterator[str]:
    """What went to the error register: a change of stage that has no reading."""
    found = [
        (booking, values.reading_type)
        for values, booked in result.bookings
        for booking in booked
        if booking.stage == ERROR_STAGE
    ]
    if not found:
        return
    yield _("Keiner Stufe zuzuordnen, weil Messwerte fehlen oder ungültig sind:")
    for booking, kind in found[:MOST_INTERVALS]:
        yield f"  {_span(booking)}: {_amount(booking.amount, kind)}"
    if more := len(found) - MOST_INTERVALS:
        text = ngettext(
            "  … und %(more)d weiterer Zeitraum",
            "  … und %(more)d weitere Zeiträume",
            more,
        )
        yield from [text % {"more": more}] if more > 0 else []


def _span(booking: Booking) -> str:
    return f"{booking.begin:%d.%m.%Y %H:%M} – {booking.end:%d.%m.%Y %H:%M}"


def _negative(result: Result) -> Iterator[str]:
    for _values, booked in result.bookings:
        for booking in booked:
            if booking.amount < 0:
                text = _("Achtung, der Zählerstand sinkt: %(span)s (%(amount)d).")
                yield text % {"span": _span(booking), "amount": booking.amount}
                return


def _extra_rules(found: Verification) -> Iterator[str]:
    """Says so when TRuDI's two extra rules (5.4a, 5.4b) change the result."""
    tariff = found.supplier.analysis if found.supplier else None
    if found.result is None or found.result.taf != 2 or tariff is None:
        return
    assert found.readings is not None  # there is a result
    plain = calculate_taf2(found.readings, tariff, trudi_compat=False)
    for ours, other in zip(found.result.registers, plain.registers, strict=True):
        if ours.amount != other.amount:
            text = _("Ohne die Sonderregeln von TRuDI wäre %(obis)s = %(amount)s.")
            kind = _type_of(found.result, ours.obis)
            yield text % {"obis": ours.obis, "amount": _amount(other.amount, kind)}


# --- comparison, signatures, verdict ------------------------------------------------


def _comparison(found: Verification) -> Iterator[str]:
    yield _("Register des Gateways neben den berechneten:")
    for comparison in found.comparisons:
        if comparison.first_difference:
            yield f"  {difference_text(comparison, comparison.first_difference)}"
            continue
        if comparison.earlier:
            text = _(
                "%(obis)s: zählt seit Beginn des Vertrages, davon %(earlier)s vor dem "
                "Zeitraum; prüfbar mit der Datei des Zeitraums davor (--before)"
            )
            earlier = _amount(comparison.earlier, comparison.kind)
            yield f"  {text % {'obis': comparison.obis, 'earlier': earlier}}"
            continue
        text = ngettext(
            "%(obis)s: stimmt überein (%(rows)d Wert)",
            "%(obis)s: stimmt überein (%(rows)d Werte)",
            comparison.rows,
        )
        yield f"  {text % {'obis': comparison.obis, 'rows': comparison.rows}}"


def _signatures(check: SignatureCheck) -> Iterator[str]:
    if check.checked:
        text = _("Signaturen: %(checked)d geprüft, %(good)d gut, %(bad)d schlecht.")
        yield text % {"checked": check.checked, "good": check.good, "bad": check.bad}
    else:
        yield _("Signaturen: keine geprüft.")
    if check.certificate is not None and check.checked:
        text = _("  Zertifikat %(subject)s, SHA-256 %(fingerprint)s")
        yield text % {
            "subject": check.certificate.subject.rfc4514_string(),
            "fingerprint": check.certificate.fingerprint(SHA256()).hex(),
        }
    if check.foreign:
        text = _("  %(count)d Werte mit einer Signatur anderer Form, nicht geprüft.")
        yield text % {"count": check.foreign}
    if check.unsigned and check.checked:
        yield _("  %(count)d Werte ohne Signatur.") % {"count": check.unsigned}


def _verdict(found: Verification) -> str:
    if not found.is_valid:
        return _("Ergebnis: STIMMT NICHT, siehe oben.")
    if not found.is_complete:
        return _("Ergebnis: Die Dateien sind in Ordnung, die Berechnung nicht möglich.")
    if found.is_asked_to_calculate:
        return _("Ergebnis: Die Dateien sind in Ordnung, die Register nachgerechnet.")
    return _("Ergebnis: Die Datei ist in Ordnung; ohne Tarif wird nichts berechnet.")

"""What must be in a supplier's file beyond the schema (rules S1 to S7)."""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from django.utils.translation import gettext as _

from tariffs.trudi.findings import Finding
from tariffs.trudi.model import AnalysisProfile, DayProfile, UsagePoint, is_hex
from tariffs.trudi.model_rules import common_findings

SLOT_MINUTES = 15
_USE_CASES = frozenset({1, 2, 6, 7})


def supplier_findings(point: UsagePoint) -> Iterator[Finding]:
    """All that the model rules have against a supplier's file."""
    for finding in common_findings(point):
        yield Finding("S1", finding.message)
    if point.analysis is None:
        yield Finding("S2", _("„AnalysisProfile“ fehlt."))
        return
    yield from _of_stages(point.analysis)
    yield from _of_calendar(point.analysis)
    yield from _of_billing_period(point.analysis)
    if point.analysis.tariff_use_case not in _USE_CASES:
        text = _("Der Anwendungsfall %(taf)s ist in einer Tarifdatei nicht erlaubt.")
        yield Finding("S5", text % {"taf": point.analysis.tariff_use_case})
    for profile in point.analysis.day_profiles:
        yield from _of_slots(profile)


def _of_stages(profile: AnalysisProfile) -> Iterator[Finding]:
    if not profile.stages:
        yield Finding("S2", _("Es gibt keine Tarifstufe (TariffStage)."))
    for stage in profile.stages:
        if not is_hex(stage.obis_code):
            text = _(
                "Kennziffer der Tarifstufe %(number)d ist kein Hex-Text: „%(obis)s“."
            )
            values = {"number": stage.number, "obis": stage.obis_code}
            yield Finding("S2", text % values)


def _of_calendar(profile: AnalysisProfile) -> Iterator[Finding]:
    if not profile.has_change_trigger or not profile.has_time_trigger:
        yield Finding("S3", _("„TariffChangeTrigger/TimeTrigger“ fehlt."))
        return
    if not profile.day_profiles:
        yield Finding("S3", _("Es gibt kein Tagesprofil (DayProfile)."))
    if not profile.special_days:
        yield Finding("S3", _("Kein Tag hat ein Tagesprofil (SpecialDayProfile)."))
    for day in profile.day_profiles:
        if not day.slots or any(slot.start is None for slot in day.slots):
            text = _("Dem Tagesprofil %(day_id)s fehlen Schaltzeiten.")
            yield Finding("S3", text % {"day_id": day.day_id})
    for special in profile.special_days:
        if special.on is None:
            text = _("Ein „SpecialDayProfile“ hat kein vollständiges Datum.")
            yield Finding("S7", text)


def _of_billing_period(profile: AnalysisProfile) -> Iterator[Finding]:
    period = profile.billing_period
    if period is None or period.start is None or period.end is None:
        yield Finding("S4", _("Der Abrechnungszeitraum fehlt oder ist unvollständig."))
    elif period.end.wall.date() <= period.start.wall.date():
        text = _("Der Abrechnungszeitraum umfasst keinen vollen Tag.")
        yield Finding("S4", text)


def _of_slots(profile: DayProfile) -> Iterator[Finding]:
    """Neighbours in file order must be a quarter hour apart; seconds do not count."""
    for before, after in pairwise(slot.start for slot in profile.slots):
        if before is None or after is None:
            continue
        passed = (after.hour - before.hour) * 60 + after.minute - before.minute
        if passed != SLOT_MINUTES:
            text = _(
                "Tagesprofil %(day_id)s: %(before)s bis %(after)s ist keine "
                "Viertelstunde."
            )
            values = {"day_id": profile.day_id, "before": before, "after": after}
            yield Finding("S6", text % values)


def is_at_midnight(wall: datetime) -> bool:
    """Whether a wall clock time is the start of a day."""
    return (wall.hour, wall.minute, wall.second, wall.microsecond) == (0, 0, 0, 0)

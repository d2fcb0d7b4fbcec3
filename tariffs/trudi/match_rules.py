"""What a supplier's file must be to belong to a gateway's file (rules X1 to X8)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils.translation import gettext as _

from tariffs.trudi.context_rules import ERROR_REGISTER
from tariffs.trudi.findings import Finding
from tariffs.trudi.model import AnalysisProfile, UsagePoint
from tariffs.trudi.supplier_rules import is_at_midnight

MOST_STAGES = 20
CALCULATED_USE_CASES = frozenset({1, 2})
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Contract:
    """The gateway's contract that was chosen for the calculation."""

    taf: int
    metering_point: str
    name: str


def match_findings(
    readings: UsagePoint, supplier: UsagePoint, contract: Contract | None = None
) -> Iterator[Finding]:
    """All that speaks against calculating these readings with this tariff.

    Both files have passed their model rules. Without a contract X8 is not asked.
    """
    yield from _of_identities(readings, supplier)
    profile = supplier.analysis
    if profile is None:
        return
    yield from _of_stage_numbers(profile)
    yield from _of_days(profile)
    if profile.tariff_use_case not in CALCULATED_USE_CASES:
        text = _("Für TAF%(taf)s gibt es keine Berechnung.")
        yield Finding("X7", text % {"taf": profile.tariff_use_case})
    if contract is not None:
        yield from _of_contract(contract, supplier, profile)


def _of_identities(readings: UsagePoint, supplier: UsagePoint) -> Iterator[Finding]:
    ours, theirs = _identity(readings), _identity(supplier)
    for name, value in ours.items():
        if value != theirs[name]:
            text = _(
                "„%(name)s“ ist im Gateway „%(ours)s“, beim Lieferanten „%(theirs)s“."
            )
            values = {"name": name, "ours": value, "theirs": theirs[name]}
            yield Finding("X1", text % values)


def _identity(point: UsagePoint) -> dict[str, str]:
    return {
        "usagePointId": point.usage_point_id,
        "invoicingPartyId": point.invoicing_party_id,
        "ServiceCategory/kind": str(point.kind),
        "tariffName": point.tariff_name,
        "smgwId": point.smgw.smgw_id.upper() if point.smgw else "",
    }


def _of_stage_numbers(profile: AnalysisProfile) -> Iterator[Finding]:
    counted = [
        stage
        for stage in profile.stages
        if not (stage.obis and stage.obis.groups[4] == ERROR_REGISTER)
    ]
    if len(counted) > MOST_STAGES:
        text = _("Mehr als %(most)d Tarifstufen sind nicht erlaubt.")
        yield Finding("X2", text % {"most": MOST_STAGES})
    numbers = {stage.number for stage in profile.stages}
    used = {slot.stage for day in profile.day_profiles for slot in day.slots}
    for number in sorted(used - numbers):
        text = _(
            "Ein Tagesprofil verwendet die Tarifstufe %(number)d, die es nicht gibt."
        )
        yield Finding("X5", text % {"number": number})


def _of_days(profile: AnalysisProfile) -> Iterator[Finding]:
    known = {day.day_id for day in profile.day_profiles}
    for day_id in {day.day_id for day in profile.special_days} - known:
        text = _("Ein Tag verweist auf das Tagesprofil %(day_id)s, das es nicht gibt.")
        yield Finding("X6", text % {"day_id": day_id})
    period = profile.billing_period
    if period is None or period.start is None or period.end is None:
        return
    begin, end = period.start.wall, period.end.wall
    dates = {day.on for day in profile.special_days if day.on}
    if not any(begin <= _midnight(day) <= end for day in dates):
        text = _("Kein Tag des Abrechnungszeitraums hat ein Tagesprofil.")
        yield Finding("X3", text)
    elif is_at_midnight(begin):
        for day in missing_days(dates, begin, end):
            text = _("Der %(day)s hat kein Tagesprofil.")
            yield Finding("X4", text % {"day": f"{day:%d.%m.%Y}"})


def missing_days(dates: set[date], begin: datetime, end: datetime) -> Iterator[date]:
    """The full days from `begin` to `end` (wall clock) that are not in `dates`."""
    day = begin.date()
    while _midnight(day) + _ONE_DAY <= end:
        if day not in dates:
            yield day
        day += _ONE_DAY


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _of_contract(
    contract: Contract, supplier: UsagePoint, profile: AnalysisProfile
) -> Iterator[Finding]:
    if contract.taf != 7:
        text = _("Der Vertrag im Gateway ist TAF%(taf)d, nötig ist TAF7.")
        yield Finding("X8", text % {"taf": contract.taf})
    if contract.metering_point != supplier.usage_point_id:
        text = _(
            "Der Vertrag gehört zum Zählpunkt „%(ours)s“, der Tarif zu „%(theirs)s“."
        )
        values = {"ours": contract.metering_point, "theirs": supplier.usage_point_id}
        yield Finding("X8", text % values)
    if contract.name != profile.tariff_id:
        text = _("Der Vertrag heißt „%(ours)s“, der Tarif „%(theirs)s“.")
        values = {"ours": contract.name, "theirs": profile.tariff_id}
        yield Finding("X8", text % values)

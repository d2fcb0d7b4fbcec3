"""A bill recomputed for the consumer: his own original list, his supplier's tariff.

The same as `./casa verify` does with two files, but the readings come from the lists
of this gateway, and its own registers stand beside what was computed. Nothing of the
supplier's file is kept.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from django.utils.translation import gettext as _

from hardware.gateway import Gateway
from tariffs.calendar import Period
from tariffs.models import EvaluationProfile
from tariffs.schedule import first_instant, inputs_of, last_instant
from tariffs.trudi.calculation import Result
from tariffs.trudi.comparison import Comparison, compare
from tariffs.trudi.context_rules import LONGEST_QUERY
from tariffs.trudi.findings import Finding
from tariffs.trudi.match_rules import Contract
from tariffs.trudi.model import UsagePoint
from tariffs.trudi.verification import Failure, Verification, verify_tariff
from tariffs.trudi.xml_file import load
from tariffs.trudi_file import added_inputs, has_file, input_lists, usage_point

LARGEST_TARIFF = 8 * 1024 * 1024
"""Bytes. A year in which no day is like another takes 6 MB."""

CHECKED = (1, 2, 7)
"""The use cases from whose list a bill can be recomputed."""

RULE = "B1"
"""The tariff's period is not one of the contract."""


@dataclass(slots=True)
class BillCheck:
    """What came out; `result` is None where there are findings or a failure.

    `compared_with` are the profiles whose registers are in `comparisons`; `subtracts`
    that the contract takes an input off, which the calculation does not know.
    """

    profile: EvaluationProfile
    chosen: Period
    findings: list[Finding] = field(default_factory=list)
    tariff: UsagePoint | None = None
    period: Period | None = None
    result: Result | None = None
    failure: Failure | None = None
    comparisons: list[Comparison] = field(default_factory=list)
    compared_with: list[str] = field(default_factory=list)
    subtracts: bool = False

    @property
    def has_other_period(self) -> bool:
        """Whether the tariff is of another period than the one that was chosen."""
        return self.period is not None and self.period != self.chosen

    @property
    def matches(self) -> bool:
        """Whether all registers of the gateway that were compared are right."""
        return all(each.matches for each in self.comparisons)


def check_bill(
    gateway: Gateway,
    profile: EvaluationProfile,
    chosen: Period,
    tariff: bytes,
    others: Sequence[EvaluationProfile] = (),
) -> BillCheck:
    """Recompute the period that the supplier's file names; raises FileUnreadable.

    `others` are the consumer's other profiles: for a TAF7 list the registers beside
    the result are those of his TAF1 or TAF2 over the same inputs.
    """
    check = BillCheck(profile, chosen)
    check.subtracts = any(one.sign != 1 for one in inputs_of(profile))
    root = load(tariff, largest=LARGEST_TARIFF)
    read = verify_tariff(None, root, None)
    _take(check, read)
    if check.findings or check.failure or check.tariff is None:
        return check
    check.findings += _period_findings(check)
    if check.findings or check.period is None:
        return check
    readings = _readings(gateway, profile, check.period)
    _take(check, verify_tariff(readings, root, _contract(profile)))
    if check.result is not None:
        _compare(gateway, check, [profile, *others])
    return check


def _take(check: BillCheck, found: Verification) -> None:
    """With findings there is no result to look at: the tariff is another one."""
    check.findings = found.findings
    check.tariff = found.supplier
    check.failure = found.failure
    check.result = None if found.findings else found.result


def _period_findings(check: BillCheck) -> Iterator[Finding]:
    """Sets the period; what is wrong with it (rules B1, C4)."""
    analysis = check.tariff.analysis if check.tariff else None
    interval = analysis.billing_period if analysis else None
    if interval is None or interval.start is None or interval.end is None:
        return  # rule S4 has said so
    begin, end = interval.start, interval.end
    period = Period(begin.utc, end.utc)
    if period.end - period.begin > LONGEST_QUERY:
        yield Finding("C4", _("Der Zeitraum ist länger als drei Jahre."))
    elif period.begin < first_instant(check.profile):
        text = _("Der Abrechnungszeitraum beginnt vor dem Vertrag: %(begin)s.")
        yield Finding(RULE, text % {"begin": begin.isoformat()})
    elif not has_file(check.profile, period) or _ends_before(check.profile, period):
        text = _("Bis %(end)s ist der Vertrag nicht ausgewertet.")
        yield Finding(RULE, text % {"end": end.isoformat()})
    else:
        check.period = period


def _ends_before(profile: EvaluationProfile, period: Period) -> bool:
    last = last_instant(profile)
    return last is not None and last < period.end


def _readings(
    gateway: Gateway, profile: EvaluationProfile, period: Period
) -> UsagePoint:
    """The original lists of the profile's inputs alone, as TAF1 wants them."""
    point = usage_point(gateway, profile, period)
    return replace(point, lists=input_lists(profile, point.originals))


def _contract(profile: EvaluationProfile) -> Contract | None:
    """TRuDI asks for a TAF7 contract; the lists of the others are as good here."""
    if profile.taf != 7:
        return None
    return Contract(7, profile.metering_point, profile.id)


def _compare(
    gateway: Gateway, check: BillCheck, profiles: Sequence[EvaluationProfile]
) -> None:
    """The registers of the profiles over just the lists that were booked."""
    result, period = check.result, check.period
    if result is None or period is None:
        return
    booked = {(values.meter_id, values.obis) for values, _booked in result.bookings}
    for profile in profiles:
        if profile.taf != result.taf or added_inputs(profile) != booked:
            continue
        if not has_file(profile, period) or period.begin < first_instant(profile):
            continue
        registers = usage_point(gateway, profile, period, every_row=True)
        found = compare(registers, result)
        if found:
            check.comparisons += found
            check.compared_with.append(profile.id)

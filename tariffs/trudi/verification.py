"""Everything that `./casa verify` checks, in the order of TRuDI.

Schema, parser, model rules, context rules, then the supplier's file, then the
calculation. TRuDI stops at the first step that finds something; here the later steps
run as far as they can, so that a reader sees all of it. What was found is the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from cryptography import x509
from django.utils.translation import gettext as _
from lxml import etree

from tariffs.trudi import taf1, taf2
from tariffs.trudi.calculation import CalculationFailed, Result
from tariffs.trudi.comparison import Comparison, Row, compare, compare_taf1
from tariffs.trudi.context_rules import Context, context_findings, context_of
from tariffs.trudi.findings import Finding
from tariffs.trudi.match_rules import Contract, match_findings
from tariffs.trudi.model import UsagePoint
from tariffs.trudi.model_rules import model_findings
from tariffs.trudi.moments import Moment
from tariffs.trudi.reader import read_usage_point
from tariffs.trudi.signatures import SignatureCheck, check_signatures
from tariffs.trudi.supplier_rules import supplier_findings
from tariffs.trudi.xml_file import load, schema_findings

UNKNOWN_DAY_ID = "supplier_parse_unknown_day_id"
UNREADABLE_TARIFF = "supplier_parse_failed"


class Failure(NamedTuple):
    """Why there is no result: `phase` is parse_supplier or calculate."""

    code: str
    phase: str
    message: str


@dataclass(slots=True)
class Verification:
    """What was found; the points are None where a file could not be taken apart.

    `is_asked_to_calculate`: there is a tariff, so a result is expected.
    """

    context: Context | None = None
    findings: list[Finding] = field(default_factory=list)
    readings: UsagePoint | None = None
    supplier: UsagePoint | None = None
    is_asked_to_calculate: bool = False
    result: Result | None = None
    failure: Failure | None = None
    comparisons: list[Comparison] = field(default_factory=list)
    signatures: SignatureCheck = field(default_factory=SignatureCheck)

    @property
    def is_valid(self) -> bool:
        """Whether every rule is kept, every register and every signature right."""
        return not self.findings

    @property
    def is_complete(self) -> bool:
        """Whether all is valid and, with a tariff, the registers were recomputed."""
        return self.is_valid and not (self.is_asked_to_calculate and not self.result)

    @property
    def taf(self) -> int | None:
        """The tariff use case that was calculated, else that of the file."""
        if self.supplier and self.supplier.analysis:
            return self.supplier.analysis.tariff_use_case
        return self.context.taf if self.context else None


def verify(
    readings: bytes,
    supplier: bytes | None = None,
    *,
    certificate: x509.Certificate | None = None,
    context: Context | None = None,
    contract: Contract | None = None,
    before: bytes | None = None,
    trudi_compat: bool = True,
) -> Verification:
    """Check a gateway's file, alone or with a supplier's; raises FileUnreadable.

    Without a context it is taken from the file. Without a supplier's file the tariff
    in the gateway's own is used when it has a calendar. `before` is the gateway's file
    of the period before: registers count since the start of the contract.
    """
    found = Verification()
    _check_readings(found, load(readings), context)
    if found.readings is not None:
        found.signatures = check_signatures(found.readings, certificate)
    if supplier is not None:
        found.is_asked_to_calculate = True
        _check_supplier(found, load(supplier), contract)
    elif found.readings is not None and _has_calendar(found.readings):
        found.is_asked_to_calculate = True
        found.supplier = found.readings
    _calculate(found, trudi_compat)
    earlier = read_usage_point(load(before))[0] if before is not None else None
    found.findings += _differences(found, earlier)
    return found


def verify_tariff(
    readings: UsagePoint | None, tariff: etree._Element, contract: Contract | None
) -> Verification:
    """A supplier's file with readings that are good already, or by itself.

    With readings it is held against them, and the bill is computed.
    """
    found = Verification(readings=readings, is_asked_to_calculate=True)
    _check_supplier(found, tariff, contract)
    _calculate(found, trudi_compat=True)
    return found


def _check_readings(
    found: Verification, root: etree._Element, context: Context | None
) -> None:
    found.findings += schema_findings(root)
    point, of_parser = read_usage_point(root)
    found.findings += of_parser
    found.readings = point
    if point is None:
        return
    found.context = context or context_of(point)
    of_model = list(model_findings(point))
    found.findings += of_model
    if not of_model and not of_parser:
        found.findings += context_findings(point, found.context)


def _check_supplier(
    found: Verification, root: etree._Element, contract: Contract | None
) -> None:
    """TRuDI does not hold a supplier's file against the schema."""
    point, of_parser = read_usage_point(root, of_supplier=True)
    found.findings += of_parser
    if of_parser or point is None:
        rules = {finding.rule for finding in of_parser}
        code = UNKNOWN_DAY_ID if rules == {"P5"} else UNREADABLE_TARIFF
        text = _("Die Tarifdatei ist nicht lesbar.")
        found.failure = Failure(code, "parse_supplier", text)
        return
    found.supplier = point
    of_model = list(supplier_findings(point))
    found.findings += of_model
    if not of_model and found.readings is not None:
        found.findings += match_findings(found.readings, point, contract)


def _has_calendar(point: UsagePoint) -> bool:
    return point.analysis is not None and bool(point.analysis.special_days)


def _calculate(found: Verification, trudi_compat: bool) -> None:
    tariff = found.supplier.analysis if found.supplier else None
    if found.readings is None or tariff is None:
        return
    try:
        if tariff.tariff_use_case == 1:
            found.result = taf1.calculate(found.readings, tariff)
        elif tariff.tariff_use_case == 2:
            found.result = taf2.calculate(
                found.readings, tariff, trudi_compat=trudi_compat
            )
    except CalculationFailed as reason:
        found.failure = Failure(reason.code, "calculate", str(reason))


def _differences(found: Verification, before: UsagePoint | None) -> Iterator[Finding]:
    """What is not right although the file keeps the rules (D1: registers, D2:
    signatures)."""
    if found.readings is not None:
        if found.result is not None:
            found.comparisons = compare(found.readings, found.result, before)
        elif found.context is not None and found.context.taf == 1:
            found.comparisons = compare_taf1(found.readings)
    for comparison in found.comparisons:
        if comparison.first_difference:
            yield Finding(
                "D1", difference_text(comparison, comparison.first_difference)
            )
    if found.signatures.first_bad:
        yield Finding("D2", _bad_signatures(found.signatures))


def difference_text(comparison: Comparison, row: Row) -> str:
    """The first row of a register that is not what its readings give."""
    text = _(
        "Register %(obis)s: erste abweichende Zeile %(time)s, im Gateway %(stated)d, "
        "berechnet %(computed)d."
    )
    return text % {
        "obis": comparison.obis,
        "time": row.time.isoformat(),
        "stated": row.stated,
        "computed": row.computed,
    }


def _bad_signatures(check: SignatureCheck) -> str:
    record = check.first_bad
    text = _("%(bad)d Signaturen stimmen nicht; die erste: %(subject)s, %(time)s.")
    return text % {
        "bad": check.bad,
        "subject": record.subject if record else "",
        "time": Moment.at(record.target).isoformat() if record else "",
    }

"""Each rule beyond the schema, broken in a file that is otherwise right."""

import re

import pytest

from tariffs.trudi.context_rules import Context
from tariffs.trudi.match_rules import Contract
from tariffs.trudi.moments import Moment
from tariffs.trudi.report import document
from tariffs.trudi.verification import verify
from tests.tariffs.trudi.published import CARRIED

TAF7 = (CARRIED / "taf7_readings.xml").read_text()
TAF1 = (CARRIED / "taf1_result.xml").read_text()
TAF2 = (CARRIED / "taf2_result.xml").read_text()
SUPPLIER = (CARRIED / "supplier_taf2.xml").read_text()
CERTIFICATE = r"<Certificate>.*?</Certificate>"
READING = r"<IntervalReading>.*?</IntervalReading>"
FIRST_FNN = "<statusFNN>0000000500000004</statusFNN><statusPTB>0</statusPTB>"
LOG_EVENT = "<LogEvent><level>1</level><text>x</text></LogEvent>"


def rules(
    readings: str,
    supplier: str | None = None,
    context: Context | None = None,
    contract: Contract | None = None,
) -> set[str]:
    """The names of the rules that are broken."""
    found = verify(
        readings.encode(),
        None if supplier is None else supplier.encode(),
        context=context,
        contract=contract,
    )
    return {finding.rule for finding in found.findings}


def edited(text: str, pattern: str, new: str, count: int = 1) -> str:
    """The text with what the pattern finds replaced; it must be there."""
    changed, times = re.subn(pattern, lambda _: new, text, count=count, flags=re.S)
    assert times
    return changed


def test_the_files_are_right_before_they_are_changed() -> None:
    assert rules(TAF7, SUPPLIER) == set()
    assert rules(TAF1) == set()
    assert rules(TAF2) == set()


@pytest.mark.req("R58")
@pytest.mark.parametrize(
    ("pattern", "new", "expected"),
    [
        ("<smgwId>EEMH0012345678</smgwId>", "<smgwId>EEMH0012345678</smgwId>"
         "<Manufacturer>x</Manufacturer>", {"P1"}),
        ("</obisCode>", "</obisCode><description>x</description>", {"XSD", "P1"}),
        ("<certContent>..", "<certContent>x", {"XSD", "P2", "M3"}),
        ("<statusFNN>0000000500000004", "<statusFNN>000000050000000G", {"P3"}),
        ("<LogEvent>", f"{LOG_EVENT}<LogEvent>", {"P4"}),
        ("<espi:value>1000000", "<espi:value>many", {"XSD", "P0", "M7"}),
        ("<usagePointId>.*?</usagePointId>", "<usagePointId> </usagePointId>", {"M1"}),
        ("<tariffName>.*?</tariffName>", "", {"M1"}),
        ("<Customer>.*?</Customer>", "", {"M1"}),
        ("<InvoicingParty>.*?</InvoicingParty>", "", {"M1"}),
        ("<espi:kind>0", "<espi:kind>3", {"M1"}),
        ("<espi:kind>0", "<espi:kind>9", {"M1"}),
        ("<smgwId>.*?</smgwId>", "<smgwId></smgwId>", {"M2"}),
        ("<SMGW><certId>1</certId>", "<SMGW>", {"M2"}),
        (CERTIFICATE, "", {"M3"}),
        ("<certType>1", "<certType>4", {"M3"}),
        ("<meterReadingId>.*?</meterReadingId>", "<meterReadingId/>", {"M4"}),
        ("<obisCode>0100010800FF", "<obisCode>1-0:1.8.0", {"M5"}),
        ("<espi:powerOfTenMultiplier>0", "<espi:powerOfTenMultiplier>-2", {"M5"}),
        ("<espi:uom>72", "<espi:uom>80", {"M5"}),
        (f"(?:\\s*{READING})+", "", {"M6"}),
        (FIRST_FNN, "", {"M7"}),
        (FIRST_FNN, "<statusFNN>0000000400000004</statusFNN>", {"M8"}),
        (FIRST_FNN, "<statusFNN>8000000500000004</statusFNN>", {"M8"}),
        (FIRST_FNN, "<statusPTB>5</statusPTB>", {"M8"}),
        (FIRST_FNN, "<statusFNN>00000005001C0004</statusFNN>", set()),
        (FIRST_FNN, "<statusPTB>4</statusPTB>", set()),
        ("<level>1", "<level>6", {"M9"}),
        ("<outcome>0", "<outcome>3", {"M9"}),
        ("<outcome>0</outcome>", "", set()),
        ("<SMGW><certId>1", "<SMGW><certId>2</certId><certId>1", {"C1"}),
        ("<SMGW><certId>1", "<SMGW><certId>2", {"C1"}),
        ("<certContent>.*?<", "<certContent>00112233<", {"C2"}),
        ("<duration>86400", "<duration>86399", {"C9"}),
    ],
)  # fmt: skip
def test_a_broken_rule_is_named(pattern: str, new: str, expected: set[str]) -> None:
    """R58: what is handed out must pass every rule that TRuDI's adapter has."""
    assert rules(edited(TAF7, pattern, new)) == expected


def test_a_list_whose_owner_is_written_otherwise_is_not_original() -> None:
    """Character by character: another case of the meter id is another owner."""
    found = verify(edited(TAF7, r"614E\.sm", "614e.sm").encode())
    assert found.readings is not None
    assert found.readings.originals == []
    assert rules(edited(TAF7, r"614E\.sm", "614e.sm"), context=Context(7)) == {"C8"}


@pytest.mark.parametrize(
    ("new_start", "expected"),
    [
        ("2024-06-01T12:00:00+02:00", set()),
        ("2024-06-01T12:00:01+02:00", {"C3"}),
        ("2024-06-01T11:59:59+02:00", {"C3", "C9"}),
    ],
)
def test_blocks_abut_exactly(new_start: str, expected: set[str]) -> None:
    """A second block at noon, its readings moved there."""
    at = r"(?=<IntervalReading><espi:value>1000490)"
    block = (
        "</IntervalBlock><IntervalBlock><interval><duration>43200</duration>"
        f"<start>{new_start}</start></interval>"
    )
    text = edited(TAF7, "<duration>86400", "<duration>43200")
    assert rules(edited(text, at, block)) == expected


def test_a_query_of_more_than_three_years_is_too_long() -> None:
    start = Moment.parse("2021-06-01T00:00:00+02:00")
    for end, expected in {"2024-06-01": set(), "2024-06-02": {"C4"}}.items():
        context = Context(7, start, Moment.parse(f"{end}T00:00:00+02:00"))
        assert rules(TAF7, context=context) == expected


def test_a_finished_period_has_its_registers() -> None:
    one_list = edited(
        TAF1, r"(?<=</MeterReading>)\s*<MeterReading>.*</MeterReading>", ""
    )
    assert rules(one_list, context=Context(1, has_billing_period=True)) == {"C5"}
    assert rules(one_list, context=Context(1)) == set()
    fewer = TAF2[: TAF2.rindex("<MeterReading>")] + "</UsagePoint></UsagePoints>"
    assert rules(fewer, context=Context(2, has_billing_period=True)) == {"C6"}


def test_all_registers_of_taf2_span_the_same_time() -> None:
    at = TAF2.rindex("<duration>86400")
    shorter = TAF2[:at] + TAF2[at:].replace("<duration>86400", "<duration>85500", 1)
    assert rules(shorter) == {"C7"}


def test_a_taf7_file_holds_original_lists_only() -> None:
    assert rules(TAF2, context=Context(7)) == {"C8"}


@pytest.mark.parametrize(
    ("pattern", "new", "expected"),
    [
        ("<SMGW>.*?</SMGW>", "", {"S1"}),
        ("<TariffStage>.*</TariffStage>", "", {"S2"}),
        ("<obisCode>0100010801FF", "<obisCode>1-0:1.8.1", {"S2"}),
        ("<TariffChangeTrigger>.*</TariffChangeTrigger>", "", {"S3"}),
        ("<TimeTrigger>.*</TimeTrigger>", "", {"S3"}),
        ("<SpecialDayProfile>.*</SpecialDayProfile>", "", {"S3"}),
        ("<DayTimeProfile>.*</DayTimeProfile>", "", {"S3"}),
        ("<duration>86400", "<duration>86399", {"S4"}),
        ("<billingPeriod>.*</billingPeriod>", "", {"S4"}),
        ("<tariffUseCase>2", "<tariffUseCase>9", {"S5"}),
        ("<hour>6</hour><minute>0</minute>", "<hour>6</hour><minute>1</minute>",
         {"S6"}),
        ("<day_of_month>1</day_of_month>", "", {"S7"}),
        ("<dayId>1</dayId>(?=</Spec)", "<dayId>2</dayId>", {"P5"}),
        ("<dayId>1</dayId>", "<dayId>1</dayId><dayId>2</dayId>", {"P5"}),
        ("<year>2024", "<year>many", {"P0"}),
        ("<TimeTrigger>", "<TimeTrigger><WeekProfile/>", {"P1"}),
        ("<usagePointId>DE", "<usagePointId>FR", {"X1"}),
        ("<invoicingPartyId>9", "<invoicingPartyId>8", {"X1"}),
        ("<tariffName>TAF7", "<tariffName>taf7", {"X1"}),
        ("<smgwId>EEMH", "<smgwId>eemh", set()),
        ("<smgwId>EEMH", "<smgwId>EEMA", {"X1"}),
        ("<espi:kind>0", "<espi:kind>1", {"X1"}),
        ("<day_of_month>1</day_of_month>", "<day_of_month>4</day_of_month>", {"X3"}),
        ("<tariffNumber>2</tariffNumber></DayT", "<tariffNumber>7</tariffNumber></DayT",
         {"X5"}),
        ("<tariffUseCase>2", "<tariffUseCase>7", {"X7"}),
    ],
)  # fmt: skip
def test_a_tariff_file_that_breaks_a_rule_is_refused(
    pattern: str, new: str, expected: set[str]
) -> None:
    assert rules(TAF7, edited(SUPPLIER, pattern, new)) == expected


def test_every_day_of_a_period_from_midnight_has_a_profile() -> None:
    longer = edited(SUPPLIER, "<duration>86400", "<duration>259200")
    assert rules(TAF7, longer) == {"X4"}
    later = edited(longer, "T00:00:00", "T00:15:00")
    first = edited(later, "<day_of_month>1", "<day_of_month>2")
    assert rules(TAF7, first) == set()


def test_at_most_twenty_stages_beside_the_error_register() -> None:
    def stages(count: int) -> str:
        more = [
            f"<TariffStage><tariffNumber>{number}</tariffNumber>"
            f"<obisCode>01000108{number:02X}FF</obisCode></TariffStage>"
            for number in range(3, count + 1)
        ]
        error = "<TariffStage><tariffNumber>63</tariffNumber>"
        more.append(f"{error}<obisCode>010001083FFF</obisCode></TariffStage>")
        return edited(SUPPLIER, "(?=<defaultTariffNumber>)", "".join(more))

    assert rules(TAF7, stages(20)) == set()
    assert rules(TAF7, stages(21)) == {"X2"}


def test_the_contract_that_was_chosen_fits_the_tariff() -> None:
    point = "DE0001234567890000000000000000001"
    for contract, expected in {
        Contract(7, point, "TAF7-DEMO"): set(),
        Contract(1, point, "TAF7-DEMO"): {"X8"},
        Contract(7, "DE2", "TAF7-DEMO"): {"X8"},
        Contract(7, point, "other"): {"X8"},
    }.items():
        assert rules(TAF7, SUPPLIER, contract=contract) == expected


@pytest.mark.parametrize(
    ("pattern", "new"),
    [
        (f"({CERTIFICATE})", TAF7[TAF7.index("<Cert") : TAF7.index("</Cert")]
         + "</Certificate><Certificate><certId>2</certId><certType>1</certType>"
         "<certContent>00</certContent></Certificate>"),
        ("<interval><duration>86400</duration><start>2024-06-01T00:00:00[+]02:00"
         "</start>", "<interval><start>2024-06-01T00:00:00+02:00</start>"
         "<duration>86400</duration>"),
        (FIRST_FNN, "<statusPTB>0</statusPTB><statusFNN>0000000500000004</statusFNN>"),
    ],
)  # fmt: skip
def test_what_the_schema_rejects_is_named(pattern: str, new: str) -> None:
    assert "XSD" in rules(edited(TAF7, pattern, new))


def test_one_mistake_in_every_reading_is_told_shortly() -> None:
    broken = TAF7.replace(FIRST_FNN, "<statusPTB>7</statusPTB>")
    errors = document(verify(broken.encode()))["errors"]
    assert len(errors) == 21
    assert errors[-1] == {"rule": "M8", "message": "… und 77 weitere Stellen"}

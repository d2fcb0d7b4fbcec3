"""Registers that the gateway computed, beside those computed from its readings."""

import re

import pytest

from tariffs.trudi.verification import Verification, verify
from tests.tariffs.trudi.published import CARRIED

TAF2 = (CARRIED / "taf2_result.xml").read_text()
TAF1 = (CARRIED / "taf1_result.xml").read_text()
SUPPLIER = (
    (CARRIED / "supplier_taf2.xml").read_text().replace(">TAF7-DEMO<", ">TAF2-DEMO<")
)


def recomputed(readings: str) -> Verification:
    return verify(readings.encode(), SUPPLIER.encode())


def with_register(obis: str, readings: str) -> str:
    """The TAF2 file with other readings in a register of the gateway."""
    pattern = rf"({obis}\.TAF2-DEMO\.sm.*?</interval>).*?(?=</IntervalBlock>)"
    text, times = re.subn(pattern, rf"\g<1>{readings}", TAF2, count=1, flags=re.S)
    assert times == 1
    return text


def reading(time: str, value: int) -> str:
    return (
        f"<IntervalReading><espi:value>{value}</espi:value><timePeriod><duration>0"
        f"</duration><start>{time}+02:00</start></timePeriod><statusPTB>0</statusPTB>"
        "</IntervalReading>"
    )


@pytest.mark.req("R42")
def test_the_registers_of_the_gateway_match_the_readings() -> None:
    """R42: stages and error register add up to the total of the counter."""
    found = recomputed(TAF2)
    assert found.findings == []
    assert found.is_complete
    assert [
        (str(each.obis), each.rows, each.matches) for each in found.comparisons
    ] == [
        ("1-0:1.8.0*255", 1, True),
        ("1-0:1.8.1*255", 1, True),
        ("1-0:1.8.2*255", 1, True),
        ("1-0:1.8.63*255", 1, True),
    ]


def test_a_register_that_differs_is_told_with_its_first_row() -> None:
    found = recomputed(
        with_register("0100010801FF", reading("2024-06-02T00:00:00", 601))
    )
    assert [finding.rule for finding in found.findings] == ["D1"]
    row = found.comparisons[1].first_difference
    assert row is not None
    assert (row.time.isoformat(), row.stated, row.computed) == (
        *("2024-06-02T00:00:00+02:00", 601, 600),
    )
    assert not found.is_complete


def test_a_running_total_is_compared_at_each_of_its_rows() -> None:
    """Stage 1 is active from 6 to 21 o'clock, 40 units an hour."""
    rows = {"01T00:00:00": 5000, "01T06:00:00": 5000, "01T21:00:00": 5600}
    rows["02T00:00:00"] = 5600
    texts = [reading(f"2024-06-{time}", value) for time, value in rows.items()]
    found = recomputed(with_register("0100010801FF", "".join(texts)))
    assert found.findings == []
    assert found.comparisons[1].rows == 3
    texts[2] = reading("2024-06-01T21:00:00", 5599)
    texts[3] = reading("2024-06-02T00:00:00", 5000)
    found = recomputed(with_register("0100010801FF", "".join(texts)))
    row = found.comparisons[1].first_difference
    assert row is not None
    assert (row.time.isoformat(), row.stated, row.computed) == (
        *("2024-06-01T21:00:00+02:00", 599, 600),
    )


def test_a_taf1_file_is_compared_without_a_tariff() -> None:
    assert verify(TAF1.encode()).findings == []
    at = TAF1.rindex("<espi:value>28800")
    for value, rules in {1028800: [], 28801: ["D1"]}.items():
        changed = TAF1[:at] + TAF1[at:].replace("28800", str(value), 1)
        found = verify(changed.encode())
        assert [finding.rule for finding in found.findings] == rules

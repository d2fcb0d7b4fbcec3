"""A bill recomputed from the gateway's own lists by a supplier's tariff."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.gateway import Gateway
from logbooks.certificates import ensure_signature_certificate
from tariffs import selectors
from tariffs.bill_check import BillCheck, check_bill
from tariffs.calendar import BERLIN, Period, day_start
from tariffs.models import EvaluationProfile
from tariffs.profile_spec import InputSpec
from tariffs.quarter_hours import spans
from tariffs.services import evaluate_due
from tariffs.stages import ERROR_STAGE, bookings, timeline, totals
from tariffs.switch_calendar import StageRule
from tariffs.tariff_spec import DefaultRule, Stage, TariffSpec
from tariffs.trudi.verification import verify
from tariffs.trudi.xml_file import FileUnreadable
from tariffs.trudi_file import tariff_file, trudi_file
from tests.tariffs.builders import (
    EXPORT,
    IMPORT,
    QUARTER,
    a_meter,
    a_profile,
    course,
    store,
    utc,
)

OCTOBER, NOVEMBER = utc("2025-09-30 22:00"), utc("2025-10-31 23:00")
BEGIN = utc("2025-10-24 22:00")
"""The contracts begin a day before the clock change."""

NOW = NOVEMBER + timedelta(days=2)
DAY = timedelta(days=1)
POINT = "DE0001234567890000000000000000001"
NIGHT = TariffSpec(
    (Stage(1, "HT"), Stage(2, "NT")),
    (StageRule(2, begin=time(22), end=time(6)), DefaultRule(1)),
)
QUARTERS = 7 * 96 + 4
NIGHT_QUARTERS = 7 * 8 * 4 + 4
"""In the night of the clock change one hour comes twice."""

WEEK = Period(BEGIN, NOVEMBER)


@pytest.fixture
def signing(gateway: Gateway, db: None) -> Gateway:
    ensure_signature_certificate(gateway, OCTOBER - timedelta(days=1))
    return gateway


@pytest.fixture
def contract(signing: Gateway) -> Callable[..., EvaluationProfile]:
    """Makes a contract of the meter, which counts 10 in each quarter hour."""
    meter = a_meter(signing)

    def make(
        taf: int,
        values: dict[datetime, int] | None = None,
        begin: datetime = BEGIN,
    ) -> EvaluationProfile:
        if values is not None:
            store(signing, meter, values, obis=(IMPORT, EXPORT))
        return a_profile(
            signing,
            InputSpec(meter.id, IMPORT),
            taf=taf,
            id=f"taf{taf}",
            now=begin,
            valid_from=begin,
            metering_point=POINT,
            tariff=NIGHT if taf == 2 else None,
        )

    return make


def all_values() -> dict[datetime, int]:
    return course(BEGIN, NOW)


def evaluated(gateway: Gateway, profile: EvaluationProfile) -> EvaluationProfile:
    evaluate_due(gateway, now=NOW)
    found = selectors.profile_of("hks2", profile.id)
    assert found is not None
    return found


def tariff_of_taf2(gateway: Gateway, taf2: EvaluationProfile, name: str) -> bytes:
    """The gateway's own tariff as a supplier's file for a contract of that name."""
    text = "".join(tariff_file(gateway, taf2, WEEK))
    return text.replace(">taf2<", f">{name}<").encode()


def amounts(check: BillCheck) -> dict[int, int]:
    assert check.result is not None, (check.findings, check.failure)
    return {each.tariff_id: each.amount for each in check.result.registers}


def test_the_own_tariff_gives_the_gateway_s_registers(
    signing: Gateway, contract: Callable[..., EvaluationProfile]
) -> None:
    taf2 = evaluated(signing, contract(2, all_values()))
    check = check_bill(signing, taf2, WEEK, tariff_of_taf2(signing, taf2, "taf2"))
    assert amounts(check) == {
        1: 10 * (QUARTERS - NIGHT_QUARTERS),
        2: 10 * NIGHT_QUARTERS,
        ERROR_STAGE: 0,
    }
    assert (len(check.comparisons), check.matches) == (4, True)
    assert check.compared_with == ["taf2"]
    last = {str(each.obis): each.last for each in check.comparisons}
    assert last["1-0:1.8.2*255"] is not None
    assert last["1-0:1.8.2*255"].stated == 10 * NIGHT_QUARTERS


def test_the_list_of_a_taf7_contract_stands_beside_the_registers_of_its_taf2(
    signing: Gateway, contract: Callable[..., EvaluationProfile]
) -> None:
    """Also where the meter counts a register that no contract names."""
    taf2, taf7 = contract(2, all_values()), contract(7)
    taf2, taf7 = evaluated(signing, taf2), evaluated(signing, taf7)
    tariff = tariff_of_taf2(signing, taf2, "taf7")
    check = check_bill(signing, taf7, WEEK, tariff, [taf2])
    assert amounts(check)[2] == 10 * NIGHT_QUARTERS
    assert (check.compared_with, check.matches) == (["taf2"], True)


def test_a_tariff_with_another_switch_differs_from_the_first_row_on(
    signing: Gateway, contract: Callable[..., EvaluationProfile]
) -> None:
    """The supplier's night ends a quarter hour later than the gateway's."""
    taf2 = evaluated(signing, contract(2, all_values()))
    slot = "<hour>6</hour><minute>0</minute></startTime><tariffNumber>{}</tariffNumber>"
    tariff = tariff_of_taf2(signing, taf2, "taf2").decode()
    later = tariff.replace(slot.format(1), slot.format(2)).encode()
    check = check_bill(signing, taf2, WEEK, later)
    wrong = {
        str(c.obis): c.first_difference for c in check.comparisons if not c.matches
    }
    assert set(wrong) == {"1-0:1.8.1*255", "1-0:1.8.2*255"}
    row = wrong["1-0:1.8.2*255"]
    assert row is not None
    # The first record after the shifted switch is that of 22:00.
    assert row.time.isoformat() == "2025-10-25T22:00:00+02:00"
    assert (row.stated, row.computed) == (240, 250)
    assert amounts(check)[2] == 10 * (NIGHT_QUARTERS + 7)


def test_taf1_is_the_difference_of_the_month(
    signing: Gateway, contract: Callable[..., EvaluationProfile]
) -> None:
    """One stage over the whole month, beside the register of the TAF1 contract."""
    ends = {OCTOBER: 100, OCTOBER + DAY: 150, NOVEMBER: 900, NOW: 1000}
    taf2 = contract(2, ends, OCTOBER)
    taf1, taf7 = contract(1, None, OCTOBER), contract(7, None, OCTOBER)
    taf2, taf1, taf7 = (evaluated(signing, one) for one in (taf2, taf1, taf7))
    text = "".join(tariff_file(signing, taf2, Period(OCTOBER, NOVEMBER)))
    text = text.replace(">taf2<", ">taf7<")
    text = text.replace("<tariffUseCase>2<", "<tariffUseCase>1<")
    second = text.index("<TariffStage>", text.index("<TariffStage>") + 1)
    end = text.index("</TariffStage>", second) + len("</TariffStage>")
    text = text[:second] + text[end:]
    text = text.replace("<tariffNumber>2<", "<tariffNumber>1<")
    check = check_bill(signing, taf7, WEEK, text.encode(), [taf1, taf2])
    assert amounts(check) == {1: 800}
    assert check.has_other_period
    assert (check.compared_with, check.matches) == (["taf1"], True)


def test_a_missing_switch_goes_to_the_error_register_of_both(
    signing: Gateway, contract: Callable[..., EvaluationProfile]
) -> None:
    values = all_values()
    del values[day_start(date(2025, 10, 29), 0) + timedelta(hours=6)]
    taf2 = evaluated(signing, contract(2, values))
    check = check_bill(signing, taf2, WEEK, tariff_of_taf2(signing, taf2, "taf2"))
    assert amounts(check)[ERROR_STAGE] == 20
    assert check.matches


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (POINT, "DE0009999999990000000000000000009", "X1"),
        (">taf2<", ">other<", "X1"),
        ("<dayId>1</dayId></SpecialDay", "<dayId>9</dayId></SpecialDay", "P5"),
        ("<tariffUseCase>2<", "<tariffUseCase>7<", "X7"),
        (
            "<tariffNumber>2</tariffNumber><desc",
            "<tariffNumber>3</tariffNumber><desc",
            "X5",
        ),
        ("2025-10-25T00:00:00+02:00", "2025-10-24T00:00:00+02:00", "B1"),
        ("<duration>608400<", "<duration>6084000<", "B1"),
        ("<tariffName>", "<unknown/><tariffName>", "P1"),
    ],
)
def test_a_tariff_that_does_not_belong_is_refused_by_its_rule(
    signing: Gateway,
    contract: Callable[..., EvaluationProfile],
    old: str,
    new: str,
    rule: str,
) -> None:
    taf2 = evaluated(signing, contract(2, all_values()))
    tariff = tariff_of_taf2(signing, taf2, "taf2").decode()
    assert old in tariff
    check = check_bill(signing, taf2, WEEK, tariff.replace(old, new).encode())
    assert rule in {finding.rule for finding in check.findings}
    assert (check.result, check.comparisons) == (None, [])


@pytest.mark.parametrize("tariff", [b"", b"<a", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>"])
def test_what_is_no_xml_file_is_refused(
    signing: Gateway, contract: Callable[..., EvaluationProfile], tariff: bytes
) -> None:
    taf2 = evaluated(signing, contract(2, all_values()))
    with pytest.raises(FileUnreadable):
        check_bill(signing, taf2, WEEK, tariff)


@pytest.mark.req("R58")
def test_a_taf7_file_and_a_tariff_file_agree_in_verify(
    signing: Gateway, contract: Callable[..., EvaluationProfile]
) -> None:
    """R58: the files that a consumer takes away, checked on his own computer."""
    taf2, taf7 = contract(2, all_values()), contract(7)
    taf2, taf7 = evaluated(signing, taf2), evaluated(signing, taf7)
    readings = "".join(trudi_file(signing, taf7, WEEK)).encode()
    found = verify(readings, tariff_of_taf2(signing, taf2, "taf7"))
    assert found.findings == []
    assert found.is_complete
    assert found.signatures.good == QUARTERS + 1
    assert found.readings is not None
    assert [str(each.obis) for each in found.readings.lists] == ["1-0:1.8.0*255"]


# --- quarter hours ------------------------------------------------------------------

PLAN = [(time(n // 4, n % 4 * 15), 1 + (n // 9) % 3) for n in range(96)]


@given(
    st.sampled_from([(2026, 3, 28), (2026, 10, 24), (2026, 6, 1)]),
    st.sets(st.integers(0, 2 * 100), max_size=60),
    st.lists(st.integers(0, 50), min_size=220, max_size=220),
)
def test_spans_and_bookings_add_up_to_the_same(
    first: tuple[int, int, int], gone: set[int], steps: list[int]
) -> None:
    """Over both clock changes, with gaps; a second coming only with its first."""
    day = date(*first)
    days = [day, day + timedelta(days=1)]
    begin, end = day_start(day, 0), day_start(day + timedelta(days=2), 0)
    instants = [begin + n * QUARTER for n in range((end - begin) // QUARTER + 1)]
    values, count = {}, 0
    for index, at in enumerate(instants):
        count += steps[index]
        is_second = at.astimezone(BERLIN).fold == 1
        has_first = at - timedelta(hours=1) in values
        if index not in gone and (not is_second or has_first):
            values[at] = count
    walls: dict[datetime, int] = {}
    for at, value in values.items():
        walls.setdefault(at.astimezone(BERLIN).replace(tzinfo=None, fold=0), value)
    bounds = (
        datetime.combine(days[0], time()),
        datetime.combine(days[1], time(23, 59)),
    )
    booked = bookings(timeline([(one, PLAN) for one in days], *bounds), walls)
    found = list(spans(values, booked))
    sums: dict[int, int] = {}
    for span in found:
        sums[span.stage] = sums.get(span.stage, 0) + span.amount
    nonzero = {stage: amount for stage, amount in totals(booked).items() if amount}
    assert {stage: amount for stage, amount in sums.items() if amount} == nonzero
    assert all(one.end == two.begin for one, two in pairwise(found))

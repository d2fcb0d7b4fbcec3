"""Files for TRuDI: written, read again, and accepted by our own check of them."""

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from lxml import etree

from hardware.gateway import Gateway
from hardware.status_word import METER_BASIC, NOT_FOR_BILLING, combined
from logbooks.certificates import ensure_signature_certificate
from meters.models import Meter
from tariffs import selectors
from tariffs.calendar import day_start
from tariffs.models import EvaluationProfile
from tariffs.profile_spec import InputSpec
from tariffs.services import evaluate_due
from tariffs.stages import ERROR_STAGE
from tariffs.switch_calendar import StageRule
from tariffs.taf2 import is_first_coming
from tariffs.tariff_spec import DefaultRule, ListedSwitch, Stage, TariffSpec
from tariffs.trudi.export import written
from tariffs.trudi.reader import read_usage_point
from tariffs.trudi.verification import Verification, verify
from tariffs.trudi.xml_file import load
from tariffs.trudi_file import NotClosed, has_file, trudi_file, usage_point
from tests.tariffs.builders import (
    EXPORT,
    GAP,
    IMPORT,
    QUARTER,
    a_meter,
    a_profile,
    course,
    store,
    utc,
)
from tests.tariffs.trudi.published import CARRIED

FEBRUARY, MARCH = utc("2026-01-31 23:00"), utc("2026-02-28 23:00")
BEGIN = FEBRUARY + timedelta(days=20)
END = MARCH + timedelta(days=2)
DAY = timedelta(days=1)
POINT = "DE0001234567890000000000000000001"
WEEKEND = TariffSpec(
    (Stage(1, "Werktag"), Stage(2, "Wochenende")),
    (StageRule(2, frozenset({6, 7})), DefaultRule(1)),
)

READABLE = sorted(CARRIED.glob("*.xml"))


@pytest.mark.parametrize("path", READABLE, ids=lambda path: path.stem)
def test_what_is_read_and_written_again_says_the_same(path: Any) -> None:
    """For the published examples; the writer is the mirror of the reader."""
    is_supplier = path.stem.startswith("supplier")
    point, findings = read_usage_point(load(path.read_bytes()), of_supplier=is_supplier)
    if point is None or findings or (point.smgw and not point.has_customer):
        pytest.skip("not a gateway's file, or not a good one")
    again, findings = read_usage_point(load("".join(written(point)).encode()))
    assert findings == []
    assert again == point


@pytest.fixture
def signing(gateway: Gateway, db: None) -> Gateway:
    ensure_signature_certificate(gateway, BEGIN)
    return gateway


def a_contract(
    gateway: Gateway, taf: int, *inputs: tuple[Meter, str], **rest: Any
) -> EvaluationProfile:
    given: dict[str, Any] = {
        "now": BEGIN,
        "valid_from": BEGIN,
        "metering_point": POINT,
        "tariff": WEEKEND if taf == 2 else None,
        "id": f"taf{taf}",
    }
    specs = [InputSpec(meter.id, obis) for meter, obis in inputs]
    return a_profile(gateway, *specs, taf=taf, **{**given, **rest})


def the_file(
    gateway: Gateway,
    profile: EvaluationProfile,
    now: datetime = END,
    *,
    number: int = 1,
    every_row: bool = False,
) -> bytes:
    """The file of the first billing period, or of the one with that number."""
    evaluate_due(gateway, now=now)
    profile = selectors.profile_of(profile.consumer_id, profile.id) or profile
    period = selectors.periods(profile, now)[-number]
    if every_row:
        point = usage_point(gateway, profile, period, every_row=True)
        return "".join(written(point)).encode()
    return "".join(trudi_file(gateway, profile, period)).encode()


def checked(gateway: Gateway, profile: EvaluationProfile) -> Verification:
    found = verify(the_file(gateway, profile))
    assert found.findings == []
    assert found.is_complete
    assert found.taf == profile.taf
    assert found.signatures.checked == found.signatures.good > 0
    assert (found.signatures.foreign, found.signatures.unsigned) == (0, 0)
    return found


def amounts(found: Verification) -> dict[int, int]:
    assert found.result is not None
    return {each.tariff_id: each.amount for each in found.result.registers}


@pytest.mark.req("R58")
def test_a_taf2_file_is_recomputed_to_the_gateway_s_registers(signing: Gateway) -> None:
    """R58: from the file alone; two meters, four registers and 8 days with a
    weekend."""
    house, pump = a_meter(signing), a_meter(signing, 2)
    store(signing, house, course(BEGIN, END), obis=(IMPORT, EXPORT))
    store(signing, pump, course(BEGIN, END, step=3), obis=(IMPORT,))
    profile = a_contract(signing, 2, (house, IMPORT), (pump, IMPORT))
    found = checked(signing, profile)
    assert amounts(found) == {1: 5 * 96 * 13, 2: 3 * 96 * 13, ERROR_STAGE: 0}
    assert {str(each.obis): each.rows for each in found.comparisons} == {
        "1-0:1.8.0*255": 1,
        "1-0:1.8.1*255": 1,
        "1-0:1.8.2*255": 1,
        "1-0:1.8.63*255": 1,
    }


@pytest.mark.parametrize("taf", [1, 2])
def test_a_register_has_one_value_at_the_end_of_the_period(
    signing: Gateway, taf: int
) -> None:
    """TRuDI shows the first value of the first block: it must be the one billed."""
    meter = a_meter(signing)
    store(signing, meter, course(BEGIN, END))
    found = checked(signing, a_contract(signing, taf, (meter, IMPORT)))
    assert found.readings is not None
    for values in found.readings.derived:
        (reading,) = values.readings
        assert reading.target is not None
        assert reading.target.utc == MARCH


def test_a_later_period_is_compared_with_the_file_before_it(signing: Gateway) -> None:
    """Registers count since the start of the contract. Alone, only what they had
    counted before is told; a register that was changed is found by the others."""
    meter = a_meter(signing)
    first_day, later = date(2026, 2, 21), day_start(date(2026, 4, 5), 0)
    days = [day_start(first_day + n * DAY, 0) for n in range(43)]
    store(signing, meter, {at: 1000 + 7 * n for n, at in enumerate(days)})
    profile = a_contract(signing, 2, (meter, IMPORT))
    first = the_file(signing, profile, later, number=1)
    second = the_file(signing, profile, later, number=2)
    alone = verify(second)
    assert alone.findings == []
    counted = {str(c.obis): c.earlier for c in alone.comparisons if c.earlier}
    assert counted.keys() == {"1-0:1.8.0*255", "1-0:1.8.1*255", "1-0:1.8.2*255"}
    both = verify(second, before=first)
    assert both.findings == []
    assert [each.earlier for each in both.comparisons] == [0, 0, 0, 0]
    assert all(each.matches for each in both.comparisons)
    total = alone.comparisons[0].last
    assert total is not None
    value = f"<espi:value>{total.stated}<".encode()
    changed = second.replace(value, value.replace(b"<espi:value>", b"<espi:value>1"))
    assert {each.rule for each in verify(changed).findings} == {"D1", "D2"}
    assert {each.rule for each in verify(changed, before=first).findings} == (
        {"D1", "D2"}
    )


def test_both_directions_have_stages_of_their_own(signing: Gateway) -> None:
    meter = a_meter(signing)
    store(signing, meter, course(BEGIN, END), obis=(IMPORT, EXPORT))
    found = checked(signing, a_contract(signing, 2, (meter, IMPORT), (meter, EXPORT)))
    assert len(found.comparisons) == 8
    assert all(each.matches for each in found.comparisons)


def test_a_changed_register_is_found(signing: Gateway) -> None:
    meter = a_meter(signing)
    store(signing, meter, course(BEGIN, END))
    text = the_file(signing, a_contract(signing, 2, (meter, IMPORT)))
    value = str(3 * 96 * 10).encode()
    changed = text.replace(b"<espi:value>" + value, b"<espi:value>" + value + b"0")
    assert {each.rule for each in verify(changed).findings} == {"D1", "D2"}


@pytest.mark.req("R58")
def test_a_taf1_file_has_the_register_and_its_readings(signing: Gateway) -> None:
    """R58: the register is the counter, at the begin and the end of the period."""
    meter = a_meter(signing)
    store(signing, meter, course(BEGIN, END), obis=(IMPORT, EXPORT))
    found = checked(signing, a_contract(signing, 1, (meter, IMPORT)))
    assert [(each.rows, each.matches) for each in found.comparisons] == [(1, True)]


@pytest.mark.req("R58")
@pytest.mark.parametrize("period_s", [900, 3600, 86400])
def test_a_taf7_file_has_original_lists_only(signing: Gateway, period_s: int) -> None:
    """R58: whole records, so that their signatures hold; begin and end included."""
    meter = a_meter(signing)
    store(signing, meter, course(BEGIN, END), obis=(IMPORT, EXPORT))
    profile = a_contract(signing, 7, (meter, IMPORT), registration_period_s=period_s)
    found = checked(signing, profile)
    assert found.readings is not None
    assert found.readings.derived == []
    assert found.signatures.good == 8 * 86400 // period_s + 1
    first = found.readings.lists[0]
    assert first.meter_id == "0A01454D480000000001"
    assert first.reading_type and first.reading_type.measurement_period == period_s


@pytest.mark.req("R45", "R58")
def test_a_taf6_file_has_the_day_starts_that_are_offered(signing: Gateway) -> None:
    """R45, R58: original values of the beginnings of days, signed, and nothing else."""
    meter = a_meter(signing)
    store(signing, meter, course(BEGIN, END), obis=(IMPORT, EXPORT))
    profile = a_contract(signing, 6, (meter, IMPORT))
    found = verify(the_file(signing, profile))
    assert found.findings == []
    assert found.is_complete
    assert found.signatures.good == 9
    assert (found.signatures.foreign, found.signatures.unsigned) == (0, 0)
    assert found.readings is not None
    assert found.readings.derived == []
    first = found.readings.lists[0]
    assert first.meter_id == "0A01454D480000000001"
    assert first.reading_type and not first.reading_type.measurement_period
    times = [each.target.utc for each in first.readings if each.target]
    assert times == [BEGIN + n * DAY for n in range(9)]


def test_a_taf6_file_leaves_out_what_is_older_than_42_days(signing: Gateway) -> None:
    """Across the change of the clock: days are local ones."""
    begin, now = utc("2026-02-28 23:00"), utc("2026-04-21 00:00")
    meter = a_meter(signing)
    starts = [day_start(date(2026, 3, 1) + n * DAY, 0) for n in range(51)]
    store(signing, meter, {at: n for n, at in enumerate(starts)})
    profile = a_contract(signing, 6, (meter, IMPORT), valid_from=begin, now=begin)
    found = verify(the_file(signing, profile, now))
    assert found.findings == []
    assert found.readings is not None
    (values,) = found.readings.lists
    times = [each.target.utc for each in values.readings if each.target]
    assert times == [day_start(date(2026, 3, 9) + n * DAY, 0) for n in range(24)]


def test_ids_are_in_upper_case_and_the_log_is_in_it(signing: Gateway) -> None:
    meter = a_meter(signing)
    store(signing, meter, course(BEGIN, END))
    profile = a_contract(signing, 7, (meter, IMPORT))
    root = etree.fromstring(the_file(signing, profile))
    spaces = {"v": "http://vde.de/AR_2418-6.xsd"}
    assert root.findtext(".//v:smgwId", None, spaces) == "EEMH0009264154"
    assert root.findtext(".//v:customerId", None, spaces) == "hks2"
    texts = [each.text for each in root.iterfind(".//v:LogEvent/v:text", spaces)]
    assert "Das Auswerteprofil taf7 wurde angelegt." in texts


def test_values_that_are_not_for_billing_stay_out(signing: Gateway) -> None:
    meter = a_meter(signing, source="sml_push")
    mark = combined(NOT_FOR_BILLING, METER_BASIC)
    store(signing, meter, course(BEGIN, END), status=mark)
    profile = a_contract(signing, 7, (meter, IMPORT))
    found = verify(the_file(signing, profile))
    assert found.findings == []
    assert found.readings is not None
    assert found.readings.lists == []


def test_there_is_no_file_before_the_period_is_evaluated(signing: Gateway) -> None:
    meter = a_meter(signing)
    store(signing, meter, course(BEGIN, MARCH - QUARTER))
    profile = a_contract(signing, 2, (meter, IMPORT))
    now = MARCH + QUARTER
    evaluate_due(signing, now=now)
    profile = selectors.profile_of("hks2", profile.id) or profile
    for period in selectors.periods(profile, now):
        assert not has_file(profile, period)
        with pytest.raises(NotClosed):
            trudi_file(signing, profile, period)


def test_inputs_that_are_taken_off_give_no_calendar(signing: Gateway) -> None:
    """TRuDI could only add them; the registers are in the file, unchecked."""
    house, sub = a_meter(signing), a_meter(signing, 2)
    for meter, step in ((house, 10), (sub, 3)):
        store(signing, meter, course(BEGIN, END, step=step))
    given = [InputSpec(house.id, IMPORT), InputSpec(sub.id, IMPORT, -1)]
    profile = a_profile(
        signing, *given, taf=2, id="taf2", now=BEGIN, valid_from=BEGIN, tariff=WEEKEND
    )
    found = verify(the_file(signing, profile))
    assert (found.findings, found.result) == ([], None)
    assert found.readings is not None
    assert len(found.readings.derived) == 4


# --- agreement over random calendars and gaps ---------------------------------------

CLOCK_CHANGES = [date(2026, 2, 1), date(2026, 3, 1), date(2026, 10, 1)]
"""Months whose last days are looked at: a usual one, and both with a clock change."""


def a_random_tariff(random: Random, begin: datetime, end: datetime) -> TariffSpec:
    """Two to four stages, as rules or as a list of switches."""
    stages = tuple(Stage(n) for n in range(1, random.randint(2, 4) + 1))
    if random.random() < 0.5:
        times = sorted(random.sample(range(1, 96), len(stages) - 1))
        walls = [time(n // 4, n % 4 * 15) for n in times]
        bounds = [*pairwise(walls), (walls[-1], time())]
        days = frozenset(random.sample(range(1, 8), random.randint(3, 7)))
        rules = [
            StageRule(stage.number, days, *bound)
            for stage, bound in zip(stages[1:], bounds, strict=True)
        ]
        return TariffSpec(stages, (*rules, DefaultRule(1)))
    count = (end - begin) // QUARTER
    at = {0, *random.sample(range(1, count), 9)}
    instants = [begin + n * QUARTER for n in sorted(at)]
    return TariffSpec(
        stages,
        switches=tuple(
            ListedSwitch(instant, random.choice(stages).number)
            for instant in instants
            if is_first_coming(instant)
        ),
    )


@pytest.mark.req("R42")
@pytest.mark.parametrize("month", CLOCK_CHANGES, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_gateway_and_check_agree_over_random_tariffs_and_gaps(
    signing: Gateway, month: date, seed: int
) -> None:
    """R42, R58: registers, placeholders and holes as stored, recomputed from the
    file, equal row by row."""
    random = Random(f"{month} {seed}")
    begin, end = _last_days(month)
    values = course(begin, end, step=random.randint(1, 50))
    kinds = _gaps(random, list(values))
    meter = a_meter(signing)
    for status, kind in ((None, "v"), (GAP, "p")):
        part = {at: value for at, value in values.items() if kinds[at] == kind}
        more = {} if status is None else {"status": status}
        store(signing, meter, part, obis=(IMPORT, EXPORT), **more)
    store(signing, meter, {end + 8 * DAY: 10**9}, obis=(IMPORT, EXPORT))
    tariff = a_random_tariff(random, begin, end)
    inputs = [(meter, IMPORT)] + [(meter, EXPORT)] * random.randint(0, 1)
    profile = a_contract(
        signing, 2, *inputs, tariff=tariff, now=begin, valid_from=begin
    )
    text = the_file(signing, profile, end + 10 * DAY, every_row=True)
    found = verify(text)
    assert found.findings == []
    assert found.signatures.good == found.signatures.checked
    stages = len(tariff.stages) + 2
    assert len(found.comparisons) == stages * len(inputs)
    assert all(each.matches and each.rows for each in found.comparisons)
    assert found.result is not None
    booked = sum(each.amount for each in found.result.registers)
    assert booked == len(inputs) * (values[end] - values[begin])


def _last_days(month: date) -> tuple[datetime, datetime]:
    """The last seven days of a month, which hold a clock change in spring and
    autumn."""
    following = date(month.year, month.month + 1, 1)
    return day_start(following - timedelta(days=7), 0), day_start(following, 0)


def _gaps(random: Random, instants: list[datetime]) -> dict[datetime, str]:
    """v: a value, p: a placeholder, m: nothing; the ends have values.

    A second coming of an hour has one only with the first: TRuDI counts backwards
    else.
    """
    kinds = {at: random.choice("vvvvvvmp") for at in instants}
    for _ in range(3):
        start = random.randrange(1, len(instants) - 1)
        for at in instants[start : start + random.randint(1, 150)]:
            kinds[at] = "m"
    for at in instants:
        if not is_first_coming(at) and kinds[at - 4 * QUARTER] != "v":
            kinds[at] = "m"
    return kinds | {instants[0]: "v", instants[-1]: "v"}

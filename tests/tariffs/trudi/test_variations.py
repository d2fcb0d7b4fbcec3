"""A day of TAF7 and its tariff, written otherwise: what comes out is reasoned from the
rules of the application rule and of TRuDI's calculation, case by case.

The day has 40 units an hour: stage 1 from 06:00 to 21:00, stage 2 in the night.
"""

import re
from collections.abc import Callable

import pytest

from tariffs.trudi.verification import Verification, verify
from tests.tariffs.trudi.published import CARRIED

READINGS = (CARRIED / "taf7_readings.xml").read_text()
TARIFF = (CARRIED / "supplier_taf2.xml").read_text()
METER, OTHER = "0A01454D480000BC614E", "0A01454D480000BC614F"
WHOLE, LATE_START = (600, 360, 0), (600, 350, 0)
UNSPLIT = (590, 350, 20)
"""06:00 is missing: the quarter hours around it go to the error register."""

Change = Callable[[str], str]


def reading(at: str) -> str:
    """The pattern of the reading of a time of day."""
    day = "2" if at == "24:00" else "1"
    clock = "00:00" if at == "24:00" else at
    target = rf"<targetTime>2024-06-0{day}T{clock}:00\+02:00</targetTime>"
    return (
        rf"<IntervalReading>(?:(?!</IntervalReading>).)*?{target}.*?</IntervalReading>"
    )


def sub(pattern: str, new: str, count: int = 0) -> Change:
    """Replaces what must be there."""

    def change(text: str) -> str:
        changed, times = re.subn(pattern, new, text, count=count, flags=re.S)
        assert times, pattern
        return changed

    return change


def at(time: str, pattern: str, new: str) -> Change:
    """Replaces within the reading of a time."""

    def change(text: str) -> str:
        found = re.search(reading(time), text, re.S)
        assert found, time
        return text.replace(found[0], sub(pattern, new)(found[0]))

    return change


def both(*changes: Change) -> Change:
    def change(text: str) -> str:
        for one in changes:
            text = one(text)
        return text

    return change


def without(*times: str) -> Change:
    return both(*(sub(reading(time), "") for time in times))


def backwards(text: str) -> str:
    """The readings in the opposite order."""
    found = re.findall(r"<IntervalReading>.*?</IntervalReading>", text, re.S)
    head, tail = text[: text.index(found[0])], text[text.rindex("</IntervalBlock>") :]
    return head + "".join(reversed(found)) + tail


def two_blocks(time: str, *, shared_in_second: bool) -> Change:
    """A block up to a time and one from it on."""

    def change(text: str) -> str:
        hour = int(time[:2])
        match = re.search(reading(time), text, re.S)
        assert match
        cut = match.start() if shared_in_second else match.end()
        text = (
            f"{text[:cut]}</IntervalBlock><IntervalBlock><interval><duration>"
            f"{(24 - hour) * 3600}</duration><start>2024-06-01T{time}:00+02:00</start>"
            f"</interval>{text[cut:]}"
        )
        return text.replace(
            "<duration>86400</duration>", f"<duration>{hour * 3600}</duration>", 1
        )

    return change


def another_list(meter: str, obis: str) -> Change:
    """The list once more, of another register or meter."""

    def change(text: str) -> str:
        found = re.search(r"<MeterReading>.*</MeterReading>", text, re.S)
        assert found
        more = found[0].replace(METER, meter).replace("0100010800FF", obis)
        return text.replace(found[0], found[0] + more)

    return change


def same(text: str) -> str:
    return text


def computed(change: Change, of_tariff: Change = same) -> Verification:
    return verify(change(READINGS).encode(), of_tariff(TARIFF).encode())


AMOUNTS: dict[str, tuple[Change, tuple[int, int, int]]] = {
    "unchanged": (same, WHOLE),
    "watt": (sub("<espi:uom>72", "<espi:uom>38"), WHOLE),
    "cubic metres": (sub("<espi:uom>72", "<espi:uom>42"), WHOLE),
    "kilo": (sub("Multiplier>0<", "Multiplier>3<"), WHOLE),
    "micro": (sub("Multiplier>0<", "Multiplier>-6<"), WHOLE),
    "scaler 3": (sub("<scaler>-1", "<scaler>3"), WHOLE),
    "scaler -128": (sub("<scaler>-1", "<scaler>-128"), WHOLE),
    "no scaler": (sub("<scaler>-1</scaler>", ""), WHOLE),
    "no period": (sub("<measurementPeriod>900</measurementPeriod>", ""), WHOLE),
    "no targets": (sub("<targetTime>.*?</targetTime>", ""), WHOLE),
    "neither": (
        both(
            sub("<targetTime>.*?</targetTime>", ""),
            sub("<measurementPeriod>900</measurementPeriod>", ""),
        ),
        WHOLE,
    ),
    "only FNN": (sub("<statusPTB>0</statusPTB>", ""), WHOLE),
    "only PTB": (sub("<statusFNN>0000000500000004</statusFNN>", ""), WHOLE),
    "padded FNN": (sub("<statusFNN>0000000500000004", "<statusFNN>0500000004"), WHOLE),
    "lower case code": (sub("0100010800FF", "0100010800ff"), WHOLE),
    "a meter's text id": (sub(METER, "1EMH0012345678"), WHOLE),
    "UTC": (sub(r"T(22):(\d\d):(\d\d)\+02:00", r"T20:\2:\3Z"), WHOLE),
    "backwards": (backwards, WHOLE),
    "a warning at the switch": (at("06:00", "PTB>0", "PTB>1"), WHOLE),
    "a substitute at the switch": (at("06:00", "PTB>0", "PTB>2"), WHOLE),
    "critical at the switch": (at("06:00", "PTB>0", "PTB>3"), UNSPLIT),
    "fatal at the switch": (at("06:00", "PTB>0", "PTB>4"), UNSPLIT),
    "FNN fatal, PTB good": (
        at("06:00", "0000000500000004", "0000010500100504"),
        UNSPLIT,
    ),
    "FNN time invalid": (at("06:00", "0000000500", "0000020500"), UNSPLIT),
    "meter fatal": (at("06:00", "0500000004", "0500020004"), UNSPLIT),
    "no switch reading": (without("06:00"), UNSPLIT),
    "off the grid": (at("06:00", "T06:00:00(?=.02:00</target)", "T06:00:10"), UNSPLIT),
    "half a second off": (
        at("06:00", "T06:00:00(?=.02:00</target)", "T06:00:00.5"),
        UNSPLIT,
    ),
    "captured 9 s late without target": (
        at("06:00", r"T06:00:\d\d(.*)<targetTime>.*?</targetTime>", r"T06:00:09\1"),
        WHOLE,
    ),
    "captured 10 s late without target": (
        at("06:00", r"T06:00:\d\d(.*)<targetTime>.*?</targetTime>", r"T06:00:10\1"),
        UNSPLIT,
    ),
    "captured 9 s early without target": (
        at("06:00", r"T06:00:\d\d(.*)<targetTime>.*?</targetTime>", r"T05:59:51\1"),
        WHOLE,
    ),
    "a gap within a stage": (without("10:00", "10:15", "10:30", "11:00"), WHOLE),
    "a gap over both switches": (
        without(
            *(f"{h:02d}:{m}" for h in range(6, 22) for m in ("00", "15", "30", "45"))
        ),
        # 05:45 to 22:00 is one interval.
        (0, 230 + 80, 650),
    ),
    "no first reading": (without("00:00"), LATE_START),
    "a fatal first reading": (at("00:00", "PTB>0", "PTB>4"), LATE_START),
    "no last reading": (without("24:00"), LATE_START),
    "a critical last reading": (at("24:00", "PTB>0", "PTB>3"), LATE_START),
    "the switch in both blocks": (
        both(
            two_blocks("06:00", shared_in_second=False),
            lambda text: text.replace(
                "T06:00:00+02:00</start></interval>",
                "T06:00:00+02:00</start></interval>"
                + (re.search(reading("06:00"), READINGS, re.S) or [""])[0],
            ),
        ),
        WHOLE,
    ),
    "the switch in the first block": (
        two_blocks("06:00", shared_in_second=False),
        WHOLE,
    ),
    "the switch in the second block only": (
        two_blocks("06:00", shared_in_second=True),
        UNSPLIT,
    ),
    "a list that no stage counts": (another_list(METER, "0100020800FF"), WHOLE),
    "two meters": (another_list(OTHER, "0100010800FF"), (1200, 720, 0)),
}


@pytest.mark.req("R42")
@pytest.mark.parametrize(("change", "amounts"), AMOUNTS.values(), ids=AMOUNTS)
def test_a_list_written_otherwise_gives(
    change: Change, amounts: tuple[int, int, int]
) -> None:
    """R42: amounts are raw integers; only usable values on the grid count."""
    found = computed(change)
    assert found.result is not None, found.findings
    assert tuple(each.amount for each in found.result.registers) == amounts
    rules = {finding.rule for finding in found.findings}
    # Captures that were moved lie outside of a block that was cut there.
    assert rules <= {"C9"}, found.findings


def slot(hour: int, minute: int, stage: str = r"\d") -> str:
    return (
        rf"<DayTimeProfile><startTime><hour>{hour}</hour><minute>{minute}</minute>"
        rf"</startTime><tariffNumber>{stage}</tariffNumber></DayTimeProfile>\s*"
    )


SPECIAL = r"<SpecialDayProfile>.*?</SpecialDayProfile>"
STAGE_63 = (
    "<TariffStage><tariffNumber>9</tariffNumber><obisCode>010001083FFF</obisCode>"
    "</TariffStage>"
)
TARIFFS: dict[str, tuple[Change, tuple[int, int, int]]] = {
    "an error register of its own": (
        sub("<defaultTariffNumber>", f"{STAGE_63}<defaultTariffNumber>"),
        WHOLE,
    ),
    "no first slot": (sub(slot(0, 0), "", 1), LATE_START),
    "another stage at 23:45": (
        sub(
            "(<hour>23</hour><minute>45</minute></startTime><tariffNumber>)2", r"\g<1>1"
        ),
        WHOLE,
    ),
    "another stage at 23:30": (
        sub(
            "(<hour>23</hour><minute>30</minute></startTime><tariffNumber>)2", r"\g<1>1"
        ),
        (620, 340, 0),
    ),
    "the day twice": (sub(f"({SPECIAL})", r"\1\1"), WHOLE),
    "the gateway in lower case": (sub("EEMH", "eemh"), WHOLE),
    "seconds in the slots": (
        sub(
            "<hour>6</hour><minute>0</minute>",
            "<hour>6</hour><minute>0</minute><second>0</second>",
        ),
        WHOLE,
    ),
    "another default": (sub("(<defaultTariffNumber>)2", r"\g<1>1"), WHOLE),
}


@pytest.mark.parametrize(("change", "amounts"), TARIFFS.values(), ids=TARIFFS)
def test_a_tariff_written_otherwise_gives(
    change: Change, amounts: tuple[int, int, int]
) -> None:
    found = computed(same, change)
    assert found.findings == []
    assert found.result is not None
    assert tuple(each.amount for each in found.result.registers) == amounts


BROKEN: dict[str, tuple[Change, Change, str]] = {
    "an unknown unit": (sub("<espi:uom>72", "<espi:uom>3"), same, "M5"),
    "an unknown prefix": (sub("Multiplier>0<", "Multiplier>-2<"), same, "M5"),
    "no unit": (sub("<espi:uom>72</espi:uom>", ""), same, "M5"),
    "a code as text": (
        sub("<obisCode>0100010800FF", "<obisCode>1-0:1.8.0"),
        same,
        "M5",
    ),
    "fixed bits": (
        both(sub("<statusPTB>0</statusPTB>", ""), sub("0500000004", "0500000005")),
        same,
        "M8",
    ),
    "PTB 5": (
        at("06:00", "<statusFNN>.*<statusPTB>0", "<statusPTB>5"),
        same,
        "M8",
    ),
    "no status": (at("06:00", "<statusFNN>.*</statusPTB>", ""), same, "M7"),
    "a short block": (sub("<duration>86400<", "<duration>43200<", 1), same, "C9"),
    "a derived list": (sub(f"({METER}).sm", "PROFILE.sm"), same, "X7|C8|C6|C5|calc"),
    "a missing slot": (same, sub(slot(12, 0), "", 1), "S6"),
    "another day": (same, sub("(<day_of_month>)1<", r"\g<1>3<"), "X3"),
    "less than a day": (same, sub("<duration>86400<", "<duration>64800<"), "S4"),
    "the gateway with .sm": (same, sub("(<smgwId>[^<]*)", r"\1.sm"), "X1"),
    "a stage of a slot": (
        same,
        sub("(<tariffNumber>)2(</tariffNumber></Day)", r"\g<1>7\2"),
        "X5",
    ),
    "a season": (same, sub(SPECIAL, r"<SeasonProfile/>\g<0>"), "P1"),
    "TAF 3": (same, sub("UseCase>2", "UseCase>3"), "S5"),
}


@pytest.mark.parametrize(("change", "of_tariff", "rule"), BROKEN.values(), ids=BROKEN)
def test_what_breaks_a_rule_is_named(
    change: Change, of_tariff: Change, rule: str
) -> None:
    found = computed(change, of_tariff)
    told = {finding.rule for finding in found.findings}
    if found.failure:
        told.add("calc")
    assert told & set(rule.split("|")), (told, found.failure)
    assert not found.is_complete

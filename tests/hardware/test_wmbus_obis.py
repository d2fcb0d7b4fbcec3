"""From records to registers: the OMS table, rules of a meter, what is left out."""

from datetime import datetime

import pytest

from hardware.obis import Obis
from hardware.readings import RegisterValue
from hardware.wmbus_encode import date_time_record, integer_record
from hardware.wmbus_obis import (
    OMS_RULES,
    UNITS,
    profile_registers_of,
    registers_of,
    rule_of,
)
from hardware.wmbus_profile import expanded
from hardware.wmbus_records import read_records

ELECTRICITY, GAS, HEAT, WATER = 2, 3, 4, 7


def registers(medium: int, *records: str) -> list[tuple[str, int, int, int]]:
    """OBIS, value, scaler and unit of what records in hex give."""
    found = read_records(bytes.fromhex("".join(records)))
    assert found.truncated is None
    return [
        (str(r.obis), r.value, r.scaler, r.unit)
        for r in registers_of(found.records, medium).registers
    ]


@pytest.mark.req("R9")
@pytest.mark.parametrize(
    ("medium", "record", "register"),
    [
        (ELECTRICITY, "0403 01000000", ("1-0:1.8.0*255", 1, 0, 30)),
        (ELECTRICITY, "8410 03 01000000", ("1-0:1.8.1*255", 1, 0, 30)),
        (ELECTRICITY, "8440 03 01000000", ("1-1:1.8.0*255", 1, 0, 30)),
        (ELECTRICITY, "04863B 01000000", ("1-0:1.8.0*255", 1, 3, 30)),
        (ELECTRICITY, "04863C 01000000", ("1-0:2.8.0*255", 1, 3, 30)),
        (ELECTRICITY, "042B 01000000", ("1-0:1.7.0*255", 1, 0, 27)),
        (ELECTRICITY, "04AB3C 01000000", ("1-0:2.7.0*255", 1, 0, 27)),
        (ELECTRICITY, "04ABFC0C F6FFFFFF", ("1-0:16.7.0*255", -10, 0, 27)),
        (ELECTRICITY, "0AFDC8FC02 6224", ("1-0:52.7.0*255", 2462, -1, 35)),
        (ELECTRICITY, "02FDD9FC03 0100", ("1-0:71.7.0*255", 1, -3, 33)),
        (ELECTRICITY, "02FB2D 8613", ("1-0:14.7.0*255", 4998, -2, 44)),
        (GAS, "0C14 27048502", ("7-0:3.0.0*255", 2850427, -2, 13)),
        (GAS, "0C943A 27048502", ("7-0:3.0.0*255", 2850427, -2, 13)),
        (GAS, "0C933E 84278406", ("7-0:3.2.0*255", 6842784, -3, 13)),
        (HEAT, "0406 D00E0000", ("6-0:1.0.0*255", 3792, 3, 30)),
        (HEAT, "040E 01000000", ("6-0:1.0.0*255", 1, 6, 25)),
        (HEAT, "4406 D00E0000", ("6-0:1.2.0*255", 3792, 3, 30)),
        (HEAT, "0413 01000000", ("6-0:2.0.0*255", 1, -3, 13)),
        (HEAT, "042D 01000000", ("6-0:8.0.0*255", 1, 2, 27)),
        (HEAT, "023B 0100", ("6-0:9.0.0*255", 1, -3, 15)),
        (HEAT, "0259 E719", ("6-0:10.0.0*255", 6631, -2, 9)),
        (HEAT, "025D 0514", ("6-0:11.0.0*255", 5125, -2, 9)),
        (0x0A, "0406 D00E0000", ("5-0:1.0.0*255", 3792, 3, 30)),
        (WATER, "0413 89E20100", ("8-0:1.0.0*255", 123529, -3, 13)),
        (0x16, "0413 89E20100", ("8-0:1.0.0*255", 123529, -3, 13)),
        (0x06, "0413 89E20100", ("9-0:1.0.0*255", 123529, -3, 13)),
        (WATER, "0144 01", ("8-0:2.0.0*255", 60, -3, 15)),
        (0x08, "0B6E 341200", ("4-0:1.0.0*255", 1234, 0, 255)),
        (0x08, "4B6E 341200", ("4-0:1.2.0*255", 1234, 0, 255)),
    ],
)
def test_each_medium_has_its_codes(
    medium: int, record: str, register: tuple[str, int, int, int]
) -> None:
    """R9: electricity, gas, water and heat."""
    assert registers(medium, record) == [register]


@pytest.mark.parametrize(
    "record",
    [
        "1403 01000000",
        "3403 01000000",
        "4403 01000000",
        "0403 00000080",
        "0C03 0A000000",
        "048315 01000000",
        "0483FF01 01000000",
        "0413 01000000",
        "0483FC01 01000000",
        "0003",
    ],
)
def test_other_records_of_a_meter_give_no_register(record: str) -> None:
    assert registers(ELECTRICITY, record) == []


def test_a_tariff_above_255_has_no_code() -> None:
    assert registers(ELECTRICITY, "848080808010 03 01000000") == []


def test_an_unused_total_is_implausible_and_no_register() -> None:
    records = read_records(bytes.fromhex("0413FFFFFFFF023B0100")).records
    found = registers_of(records, WATER)
    assert [str(register.obis) for register in found.registers] == ["8-0:2.0.0*255"]
    assert found.implausible == (Obis.parse("8-0:1.0.0*255"),)


def test_a_negative_power_is_a_value() -> None:
    assert registers(ELECTRICITY, "042B FFFFFFFF")[0][1] == -1


def test_registers_ascend_and_the_first_record_of_a_code_counts() -> None:
    assert registers(ELECTRICITY, "042B05000000", "040301000000", "0406 09000000") == [
        ("1-0:1.7.0*255", 5, 0, 27),
        ("1-0:1.8.0*255", 1, 0, 30),
    ]


def test_numbers_that_no_counter_reaches_are_left_out() -> None:
    assert registers(WATER, "0513 0000803F") == [("8-0:1.0.0*255", 1, -3, 13)]
    assert registers(WATER, "0513 FFFF7F7F") == []
    assert registers(WATER, "0513 CDCCCC3D") == []


def test_the_rules_of_a_meter_win_over_the_table() -> None:
    converted = rule_of({"dib": "04", "vib": "13", "obis": "7-0:3.1.0*255"})
    records = read_records(
        integer_record("0413", 5) + integer_record("4413", 4)
    ).records
    for rules in ((converted, *OMS_RULES), [converted, *OMS_RULES]):
        found = registers_of(records, GAS, rules).registers
        assert found == (RegisterValue(Obis.parse("7-0:3.1.0*255"), 5, -3, 13),)


@pytest.mark.parametrize(
    "document",
    [
        {"dib": "04", "vib": "13"},
        {"dib": "0x", "vib": "13", "obis": "7-0:3.1.0"},
        {"dib": "04", "vib": "13", "obis": "gas"},
    ],
)
def test_a_malformed_rule_is_refused(document: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        rule_of(document)


def test_the_values_of_a_load_profile_are_those_of_the_register() -> None:
    base = datetime(2026, 1, 1)  # noqa: DTZ001 (a meter has no zone)
    records = (
        date_time_record(base, storage=1)
        + integer_record("4413", 1000)
        + bytes.fromhex("4D931F 06 52 0F 0500 0700")
        + bytes.fromhex("4D83BC1F 04 52 0F 0100")
    )
    found = read_records(records)
    assert found.truncated is None
    by_time = profile_registers_of(expanded(found.records), WATER)
    volume = Obis.parse("8-0:1.0.0*255")
    assert {str(at): registers for at, registers in by_time.items()} == {
        "2026-01-01T00:15": (RegisterValue(volume, 1005, -3, 13),),
        "2026-01-01T00:30": (RegisterValue(volume, 1012, -3, 13),),
    }


def test_every_unit_of_a_rule_is_known() -> None:
    assert {"Wh", "J", "m3", "W", "m3/h", "°C", "V", "A", "Hz", ""} <= UNITS.keys()
    with pytest.raises(ValueError, match="255"):
        Obis.parse("1-0:1.8.256")

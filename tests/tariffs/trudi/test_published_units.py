"""The small published cases: times, periods, status words, ids, labels, registers."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from hardware.obis import Obis
from hardware.status_word import ptb_status
from tariffs.trudi.labels import obis_label
from tariffs.trudi.model import Reading, TariffStage
from tariffs.trudi.moments import Moment, aligned, period_start
from tariffs.trudi.periods import matching_period, period_of_readings
from tariffs.trudi.registers import (
    Register,
    registers_of_profile,
    total_registers,
    valid_day_profiles,
)
from tariffs.trudi.server_id import server_id
from tariffs.trudi.units import display_unit, display_value
from tests.tariffs.trudi.published import cases

Told = Any


def align_timestamp(told: Told) -> str:
    return aligned(datetime.fromisoformat(told["time"]), told["period_s"]).isoformat()


def matching_measurement_period(told: Told) -> int:
    return matching_period(told["span_s"])


def measurement_period(told: Told) -> int:
    readings = [
        Reading(0, Moment.parse(capture), 0, None, None, status, "")
        for capture, status in zip(told["captures"], told["status_ptb"], strict=True)
    ]
    return period_of_readings(readings)


def interval_end(told: Told) -> str:
    if told["clock"] == "utc":
        start = datetime.fromisoformat(told["start"])
        return (start + timedelta(seconds=told["duration_s"])).isoformat()
    return Moment.parse(told["start"]).plus(told["duration_s"]).wall.isoformat()


def previous_period_start(told: Told) -> str:
    wall = Moment.parse(told["time"]).wall
    start = period_start(wall, told["period_s"])
    return Moment.parse(start.isoformat()).isoformat()


def fnn_to_ptb(told: Told) -> int:
    return ptb_status(int(told, 16))


def obis_parse(told: Told) -> Told:
    try:
        obis = Obis.parse(told)
    except ValueError:
        return {"error": True}
    return {"abcdef": list(obis.groups), "text": str(obis)}


def label(told: Told) -> str:
    return obis_label(Obis.parse(told))


def unit(told: Told) -> str:
    return display_unit(told["uom"], told["multiplier"])


def value(told: Told) -> str:
    return display_value(told["value"], told["uom"], told["multiplier"], told["scaler"])


def stages_of(told: Told) -> list[TariffStage]:
    return [TariffStage(each["number"], each["obis"]) for each in told["stages"]]


def registers(told: Told) -> Told:
    return [
        {"tariff_id": each.tariff_id, "obis": each.obis.groups.hex().upper()}
        for each in registers_of_profile(told["taf"], stages_of(told))
    ]


def day_profiles(told: Told) -> Told:
    profiles = {int(day): used for day, used in told["profiles"].items()}
    try:
        return valid_day_profiles(Obis.parse(told["obis"]), stages_of(told), profiles)
    except ValueError:
        return "error"


def totals(told: Told) -> Told:
    found = total_registers(
        Register(each.get("tariff_id", 0), Obis.parse(each["obis"]), each["amount"])
        for each in told["registers"]
    )
    return [{"obis": str(each.obis), "amount": each.amount} for each in found]


ASKED = {
    "align_timestamp": align_timestamp,
    "matching_measurement_period": matching_measurement_period,
    "measurement_period": measurement_period,
    "interval_end": interval_end,
    "previous_period_start": previous_period_start,
    "fnn_to_ptb": fnn_to_ptb,
    "obis_parse": obis_parse,
    "obis_label": label,
    "display_unit": unit,
    "display_value": value,
    "registers_of_profile": registers,
    "valid_day_profiles": day_profiles,
    "total_registers": totals,
}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{case['kind']}-{number}")
        for number, case in enumerate(cases("unit_cases"))
    ],
)
def test_a_small_case_gives_what_trudi_gives(shared: Path, case: Told) -> None:
    with translation.override("de"):
        if case["kind"] != "server_id":
            assert ASKED[case["kind"]](case["input"]) == case["expected"]
            return
    found = server_id(case["input"])
    for name, wanted in case["expected"].items():
        assert getattr(found, "kind" if name == "type" else name) == wanted

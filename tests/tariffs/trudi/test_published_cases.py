"""Every case that is published with TRuDI, through `casa verify` or what it calls."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from casa_site import verify as verify_command
from tariffs.trudi.context_rules import Context
from tariffs.trudi.model import ReadingList
from tariffs.trudi.moments import Moment
from tariffs.trudi.original_list import Item, bounds, gap_count, items
from tariffs.trudi.periods import measurement_period
from tariffs.trudi.verification import verify
from tests.tariffs.trudi.published import FOLDER, cases, reading_list, usage_point

Case = dict[str, Any]


def by_id(found: list[Case]) -> list[Any]:
    return [pytest.param(case, id=case["id"]) for case in found]


@pytest.mark.req("R58")
@pytest.mark.parametrize("case", by_id(cases("tariff_cases")))
def test_a_bill_is_recomputed_as_trudi_does(
    shared: Path, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """R58: TAF1 and TAF2 amounts and periods, and the kinds of failure."""
    folder = shared / "testdata" / "trudi" / "cases"
    status = verify_command.main(
        [
            *(str(folder / case["readings"]), "--json"),
            *("--supplier", str(folder / case["supplier"])),
        ]
    )
    told, expected = json.loads(capsys.readouterr().out), case["expected"]
    if exception := expected.get("exception"):
        assert status == 1
        assert told["exception"] == {
            "code": exception["code"],
            "phase": exception["phase"],
        }
        return
    assert told["exception"] is None
    assert (told["begin"], told["end"]) == (expected["begin"], expected["end"])
    assert told["taf"] == case["taf"]
    assert len(told["registers"]) == expected["register_count"]
    for register in expected["registers"]:
        index = register.pop("index")
        assert told["registers"][index] == register


@pytest.mark.parametrize(
    "case",
    by_id([c for c in cases("model_cases") if c["kind"] == "parse_and_validate"]),
)
def test_a_file_of_a_gateway_passes_all_rules(shared: Path, case: Case) -> None:
    told = case["context"]
    context = Context(
        taf=told["taf"],
        start=Moment.parse(told["start"]),
        end=Moment.parse(told["end"]),
        has_billing_period=told["billing_period_set"],
    )
    content = (FOLDER / "cases" / case["file"]).read_bytes()
    for found in (verify(content, context=context), verify(content)):
        assert found.findings == []
        assert found.readings is not None
        assert_lists(found.readings.lists, case["expected"])


def assert_lists(lists: list[ReadingList], expected: Case) -> None:
    assert len(lists) == expected.get("meter_reading_count", len(lists))
    for index, count in expected.get("interval_block_counts", {}).items():
        assert len(lists[int(index)].blocks) == count
    for index, count in expected.get("reading_count", {}).items():
        assert len(list(lists[int(index)].readings)) == count
    kind = lists[0].reading_type
    assert kind is not None
    assert kind.uom == expected.get("uom", kind.uom)
    for index, readings in expected["readings"].items():
        for wanted in readings:
            assert_reading(lists[int(index)], wanted)


def assert_reading(values: ReadingList, wanted: Case) -> None:
    reading = values.blocks[0].readings[wanted["index"]]
    assert reading.target and reading.capture
    assert reading.target.isoformat() == wanted["target_time"]
    assert reading.capture.isoformat() == wanted["capture_time"]
    assert reading.value == wanted["value"]


@pytest.mark.parametrize(
    "case",
    by_id([c for c in cases("model_cases") if c["kind"] == "original_value_list"]),
)
def test_gaps_of_an_original_list_are_found_and_filled(
    shared: Path, case: Case
) -> None:
    values = reading_list(FOLDER / "cases" / case["file"], case["meter_reading"])
    expected = case["expected"]
    assert str(values.obis) == expected["obis"]
    if "measurement_period" in expected:
        assert measurement_period(values) == expected["measurement_period"]
    assert gap_count(values) == expected["gap_count"]
    found = bounds(values)
    assert found
    assert [each.isoformat() for each in found] == [expected["start"], expected["end"]]
    for query in expected["queries"]:
        told = items(values, instant(query["start"]), instant(query["end"]))
        assert_items(told, query)


def assert_items(told: list[Item], query: Case) -> None:
    if "item_count" in query:
        assert len(told) == query["item_count"]
    for item, wanted in zip(told, query.get("items", told), strict=True):
        if isinstance(wanted, dict):
            assert item.time.isoformat() == wanted["time"]
            if "has_value" in wanted:
                assert (item.reading is not None) == wanted["has_value"]


def instant(text: str | None) -> datetime | None:
    return Moment.parse(text).utc.astimezone(UTC) if text else None


@pytest.mark.parametrize(
    "case",
    by_id([c for c in cases("model_cases") if c["kind"] in {"classify", "parse"}]),
)
def test_lists_and_tariffs_are_told_apart(shared: Path, case: Case) -> None:
    point = usage_point(FOLDER / "cases" / case["file"])
    expected = case["expected"]
    for index, is_original in expected.get("is_original_value_list", {}).items():
        assert point.lists[int(index)].is_original == is_original
    for index, period in expected.get("measurement_period", {}).items():
        assert measurement_period(point.lists[int(index)]) == period
    if "has_analysis_profile" in expected:
        assert (point.analysis is not None) == expected["has_analysis_profile"]


@pytest.mark.req("R58")
@pytest.mark.parametrize(
    "name", sorted(path.name for path in (FOLDER / "examples").glob("*.xml"))
)
def test_examples_keep_the_schema_and_all_rules(shared: Path, name: str) -> None:
    """R58: the form of the files, for TAF1, TAF2, TAF6, TAF7 and the supplier."""
    examples = FOLDER / "examples"
    if name.startswith("supplier"):
        readings = {
            "supplier_taf1.xml": "taf7_readings_june.xml",
            "supplier_taf2.xml": "taf7_readings.xml",
        }[name]
        found = verify(
            (examples / readings).read_bytes(), (examples / name).read_bytes()
        )
    else:
        found = verify((examples / name).read_bytes())
    assert found.findings == []
    assert found.is_complete

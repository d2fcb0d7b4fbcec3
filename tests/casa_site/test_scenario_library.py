"""Every scenario of the library comes out as its file says."""

import json
import re
from pathlib import Path

import pytest

from casa_site.scenario.library import files
from casa_site.scenario.report import lines_of
from casa_site.scenario.runner import run
from casa_site.scenario.schema import load
from hardware.gateway import Gateway

TEXTS = Path("requirements.md"), Path("fault_codes.json")
SCENARIOS = [load(path) for path in files()]


def _parameters() -> list[object]:
    """With its requirements as marks; long ones are slow."""
    made = []
    for one in SCENARIOS:
        requirements = [word for word in one.covers if word.startswith("R")]
        marks = [pytest.mark.req(*requirements)] if requirements else []
        marks += [pytest.mark.slow] if one.is_slow else []
        made.append(pytest.param(one, id=one.path.stem, marks=marks))
    return made


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("scenario", _parameters())
def test_everything_comes_as_the_file_expects(scenario, gateway: Gateway) -> None:
    """Of the requirements that the file names: what its `about` and steps say."""
    report = run(scenario, gateway)
    told = "\n".join(line for one in report.results for line in lines_of(one))
    if not report.is_met:
        pytest.fail(told)
    assert any(one.findings for one in report.results)


def test_the_library_covers_25_requirements_or_fault_codes() -> None:
    covered = {word for one in SCENARIOS for word in one.covers}
    assert len(SCENARIOS) >= 25
    assert len({one.covers[0] for one in SCENARIOS}) >= 25
    assert len(covered) >= 25


def test_each_file_names_what_there_is(shared: Path) -> None:
    """Requirements and codes exist in the reference texts."""
    reference = shared / "reference"
    rows = (reference / "requirements.md").read_text()
    known = set(re.findall(r"^\| (R\d+) \|", rows, re.M))
    known |= {str(one["code"]) for one in _codes(reference / "fault_codes.json")}
    for one in SCENARIOS:
        assert set(one.covers) <= known, one.path
        assert one.about, one.path


def _codes(path: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(path.read_text())
    return found

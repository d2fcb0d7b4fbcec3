"""TAF2 recomputed for 4 meters and 6 stages, beside an oracle that shares no code."""

import pytest

from casa_site.bench.tariffs import _by_oracle, _readings, _tariff
from tariffs.trudi import taf2

TWO_YEARS = 731


@pytest.mark.req("R42")
@pytest.mark.parametrize("days", [100, pytest.param(TWO_YEARS, marks=pytest.mark.slow)])
def test_an_independent_oracle_agrees(days: int) -> None:
    """R42: gaps, bad values and both clock changes; the whole 24 months are slow."""
    tariff, point = _tariff(days), _readings(days)
    result = taf2.calculate(point, tariff)
    found = {each.tariff_id: each.amount for each in result.registers}
    assert found == _by_oracle(point, tariff)
    assert all(found.values())
    differences = 0
    for one in point.lists:
        usable = [r.value or 0 for r in one.readings if (r.status_ptb or 0) < 3]
        differences += usable[-1] - usable[0]
    assert sum(found.values()) == differences

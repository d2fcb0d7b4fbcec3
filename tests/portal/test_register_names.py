"""Plain names of registers, in German and English."""

import pytest
from django.utils.translation import override

from hardware.obis import Obis
from portal.register_names import register_name
from tariffs.quantities import (
    ANGLES,
    CURRENTS,
    FREQUENCY,
    MAXIMUM,
    MEAN,
    MINIMUM,
    POWERS,
    VOLTAGES,
    aggregated,
    fed_in,
)


@pytest.mark.req("R123")
@pytest.mark.parametrize(
    ("code", "german", "english"),
    [
        ("0100200500ff", "Spannung L1, Mittelwert", "Voltage L1, mean"),
        ("0100100300ff", "Leistung, kleinster Wert", "Power, lowest value"),
        ("0100020600ff", "Einspeiseleistung, größter Wert", None),
        ("01000e0500ff", "Frequenz, Mittelwert", "Frequency, mean"),
        ("0100160700ff", "Einspeiseleistung L1", None),
        ("0100100700ff", "Leistung jetzt", "Power now"),
        ("0100630500ff", "", ""),
    ],
)
def test_aggregates_are_called_by_quantity_and_kind(
    code: str, german: str, english: str | None
) -> None:
    """R123: beside the code, in the language of the page."""
    obis = Obis(bytes.fromhex(code))
    assert register_name(obis) == german
    with override("en"):
        assert english is None or register_name(obis) == english


def test_every_aggregate_that_a_contract_can_have_has_names_of_its_own() -> None:
    """A translation that is missing would show as the German text."""
    measured = [Obis.parse(code) for code in (*POWERS, FREQUENCY, *VOLTAGES, *CURRENTS)]
    measured += [fed_in(Obis.parse(code)) for code in POWERS]
    measured.append(Obis.parse(ANGLES[0]))
    codes = [aggregated(m, kind) for m in measured for kind in (MINIMUM, MEAN, MAXIMUM)]
    german = [register_name(code) for code in codes]
    assert "" not in german
    assert len(set(german)) == len(codes)
    with override("en"):
        english = [register_name(code) for code in codes]
    assert not set(german) & set(english)

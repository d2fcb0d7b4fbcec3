"""Files with anything missing or senseless: told, never a crash."""

import pytest
from lxml import etree

from tariffs.trudi.explanation import explanation
from tariffs.trudi.report import document
from tariffs.trudi.verification import verify
from tests.tariffs.trudi.published import CARRIED

READINGS = (CARRIED / "taf2_result.xml").read_bytes()
SUPPLIER = (CARRIED / "supplier_taf2.xml").read_bytes()
SENSELESS = ["", "18446744073709551616"]


def names(content: bytes) -> list[str]:
    """The local names of a file's elements below the root."""
    root = etree.fromstring(content)
    return sorted({str(etree.QName(each).localname) for each in root.iterdescendants()})


def changed(content: bytes, name: str, text: str | None) -> bytes:
    """The file without these elements, or with this text in them."""
    root = etree.fromstring(content)
    for element in list(root.iterfind(f".//{{*}}{name}")):
        if text is not None:
            element.text = text
        elif (parent := element.getparent()) is not None:
            parent.remove(element)
    return etree.tostring(root)


def assert_told(readings: bytes, supplier: bytes) -> None:
    found = verify(readings, supplier)
    assert document(found)["valid"] == (not found.findings)
    assert list(explanation(found))[-1].startswith("Ergebnis: ")


@pytest.mark.parametrize("text", [None, *SENSELESS])
@pytest.mark.parametrize("name", names(READINGS))
def test_a_file_of_readings_without_sense_is_told(name: str, text: str | None) -> None:
    assert_told(changed(READINGS, name, text), SUPPLIER)


@pytest.mark.parametrize("text", [None, *SENSELESS])
@pytest.mark.parametrize("name", names(SUPPLIER))
def test_a_tariff_without_sense_is_told(name: str, text: str | None) -> None:
    assert_told(READINGS, changed(SUPPLIER, name, text))

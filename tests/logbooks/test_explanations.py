"""Every fault code is explained, in German and English."""

import pytest

from logbooks.catalogue import fault, fault_codes
from logbooks.explanations import explanation, explanations


@pytest.mark.req("R143")
@pytest.mark.parametrize("language", ["de", "en"])
def test_every_fault_code_has_cause_effect_and_who_acts(language: str) -> None:
    """R143: 300 codes, none left out."""
    assert len(fault_codes()) == 300
    for code in fault_codes():
        found = explanation(code, language)  # type: ignore[arg-type]
        assert code in found.codes
        assert all([found.cause, found.effect, found.who, found.remedy])


def test_codes_with_different_remedies_have_different_texts() -> None:
    for language in ("de", "en"):
        groups = explanations(language)  # type: ignore[arg-type]
        causes = [group.cause for group in groups]
        assert len(set(causes)) == len(causes)
    assert len(explanations()) > 100


def test_english_is_not_german() -> None:
    for code in fault_codes():
        german, english = explanation(code), explanation(code, "en")
        assert german.cause != english.cause
        assert german.remedy != english.remedy


@pytest.mark.req("R137")
def test_who_reads_of_a_locking_code_learns_that_the_device_is_locked() -> None:
    """R137: the 83 codes say so, the others do not."""
    for code in fault_codes():
        says_so = "locked" in explanation(code, "en").effect
        assert says_so == fault(code).soft_lockdown, code

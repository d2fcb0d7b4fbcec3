"""A contract with tariff stages on the pages, in JSON, and as a file for TRuDI."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.test import Client

from hardware.gateway import Gateway
from tariffs.profile_spec import InputSpec
from tariffs.services import evaluate_due
from tariffs.switch_calendar import StageRule
from tariffs.tariff_spec import DefaultRule, Stage, TariffSpec
from tariffs.trudi.verification import verify
from tests.portal.conftest import NOW
from tests.portal.installation import IMPORT, months_before
from tests.portal.test_pages import get
from tests.tariffs.builders import a_profile

LogIn = Callable[..., Client]
WEEKEND = TariffSpec(
    (Stage(1, "Werktag"), Stage(2, "Wochenende")),
    (StageRule(2, frozenset({6, 7})), DefaultRule(1)),
)
ONE_STAGE = TariffSpec((Stage(1), Stage(2)), (DefaultRule(1),))


@pytest.fixture
def contract(han: Gateway) -> Iterator[Callable[[TariffSpec], None]]:
    """Makes `hks2-taf2`, evaluated from the records of the installation."""

    def make(tariff: TariffSpec) -> None:
        a_profile(
            han,
            InputSpec("1emh0000000001", IMPORT),
            taf=2,
            id="hks2-taf2",
            now=NOW,
            valid_from=months_before(NOW, 2),
            metering_point="DE0001234567890000000000000000001",
            tariff=tariff,
        )
        evaluate_due(han, now=NOW + timedelta(days=1))

    yield make


@pytest.mark.req("R123")
def test_stages_have_their_names_and_errors_a_column(
    logged_in: LogIn, contract: Callable[[TariffSpec], None]
) -> None:
    """R123: between the firsts of two months nothing is known, so it is unsplit."""
    contract(WEEKEND)
    page = get(logged_in("hks2"), "/messwertliste/hks2-taf2/1/")
    for words in ("Bezug Stufe 1 (Werktag)", "Bezug Stufe 2 (Wochenende)"):
        assert words in page
    assert "Fehlerregister" in page
    assert "TRuDI-Datei" in page


def test_an_error_register_that_never_counted_is_not_shown(
    logged_in: LogIn, contract: Callable[[TariffSpec], None]
) -> None:
    contract(ONE_STAGE)
    browser = logged_in("hks2")
    page = get(browser, "/messwertliste/hks2-taf2/1/")
    assert "Bezug Stufe 1" in page
    assert "Fehlerregister" not in page
    assert "TRuDI-Datei" not in get(browser, "/messwertliste/hks2-taf2/0/")


@pytest.mark.req("R58")
@pytest.mark.parametrize("profile", ["hks2-taf1", "hks2-taf2", "hks2-taf7"])
def test_the_file_for_trudi_of_a_closed_period_is_valid(
    logged_in: LogIn, contract: Callable[[TariffSpec], None], profile: str
) -> None:
    """R58: accepted by our check of schema and rules, all signatures good."""
    contract(WEEKEND)
    browser = logged_in("hks2")
    answer = browser.get(f"/messwertliste/{profile}/1/trudi/")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/xml; charset=utf-8"
    assert answer["Content-Disposition"].endswith('.xml"')
    found = verify(b"".join(answer.streaming_content))  # type: ignore[attr-defined]
    assert found.findings == []
    assert found.signatures.good == found.signatures.checked >= 2
    assert browser.get(f"/messwertliste/{profile}/0/trudi/").status_code == 404


@pytest.mark.req("R45", "R58")
def test_the_file_of_what_is_read_on_demand_is_offered_without_a_bill(
    logged_in: LogIn, han: Gateway
) -> None:
    """R45, R58: the same button; TAF6 has no bill that could be checked."""
    a_profile(
        han,
        InputSpec("1emh0000000001", IMPORT),
        taf=6,
        id="hks2-taf6",
        now=NOW,
        valid_from=months_before(NOW, 2),
    )
    evaluate_due(han, now=NOW + timedelta(days=1))
    browser = logged_in("hks2")
    page = get(browser, "/messwertliste/hks2-taf6/1/")
    assert "TRuDI-Datei" in page
    assert "/rechnung/?zeitraum" not in page
    assert "1 Tag" in page
    assert "ist der Beginn des Tages" in page
    answer = browser.get("/messwertliste/hks2-taf6/1/trudi/")
    assert answer.status_code == 200
    found = verify(b"".join(answer.streaming_content))  # type: ignore[attr-defined]
    assert found.findings == []
    assert found.signatures.good == found.signatures.checked >= 1
    assert browser.get("/messwertliste/hks2-taf6/0/trudi/").status_code == 404

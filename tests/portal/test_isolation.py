"""A consumer sees his own things only; others' do not even seem to exist (R93)."""

from collections.abc import Callable

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.portal.installation import METERS, PROFILES

HUID = "eemh0009264154"
KEY = "2026-06-22T13:00:00Z"
FOREIGN_METER, NO_METER = "1emh0000000003", "1emh0000000009"
PAGES = [
    "/messwertliste/{profile}/",
    "/messwertliste/{profile}/0/",
    "/messwertliste/{profile}/0/csv/",
    "/messwertliste/{profile}/0/csv/?format=iso",
    "/messwertliste/{profile}/0/json/",
    "/messwertliste/{profile}/1/trudi/",
    f"/messwertliste/{{profile}}/wert/{KEY}/",
    f"/messwertliste/{{profile}}/wert/{KEY}/text/",
    f"/messwertliste/{{profile}}/wert/{KEY}/signatur/",
    f"/messwertliste/{{profile}}/wert/{KEY}/zertifikat/",
    f"/json/metering/derived/{{profile}}.{HUID}.sm",
    f"/json/metering/derived/{{profile}}.{HUID}.sm/billingperiods",
    f"/json/metering/derived/{{profile}}.{HUID}.sm/billingperiods/0",
    f"/json/metering/derived/{{profile}}.{HUID}.sm/daily",
]
LIVE_PATHS = ["/live/?zaehler={meter}", "/live/heute/?zaehler={meter}"]
METER_PATHS = [
    *LIVE_PATHS,
    "/verbrauch/?zaehler={meter}",
    "/verbrauch/csv/?zaehler={meter}",
    "/verbrauch/json/?zaehler={meter}",
    "/json/metering/origin/{meter}",
    "/json/metering/origin/{meter}/0",
    "/json/metering/origin/{meter}/extended",
    f"/json/metering/origin/{{meter}}/record/{KEY}",
]
OWN = [
    "/",
    "/verbrauch/",
    "/verbrauch/csv/",
    "/verbrauch/json/",
    "/datenempfaenger/",
    "/datenempfaenger/csv/",
    "/datenempfaenger/json/",
    "/log/",
    "/log/csv/",
    "/selbsttest/",
    "/messwertliste/",
    "/rechnung/",
    "/einstellungen/preise/",
    "/json/systeminformations",
    "/json/metering/origin",
    "/json/metering/derived",
    "/json/conlogbook/0",
    "/json/realtimedata",
    "/smart-home/",
]
"""Paths without an id in them: what they show is the consumer's own."""

MORE_PAGES = {
    "/messwertliste/{profile}/1/tarif/",
    "/messwertliste/{profile}/1/kosten/",
    "/messwertliste/{profile}/1/kosten/csv/",
    "/einstellungen/preise/{profile}/",
}
"""The installation has no TAF2 and no prices: `test_bill_page`, `test_cost_pages`."""

OPEN = {
    "/anmelden/",
    "/anmelden/zertifikat/",
    "/abmelden/",
    "/sprache/",
    "/sitzung/",
    "/sitzung/verlaengern/",
    "/signatur-zertifikat/",
}
NOT_PERSONAL = {
    "/hilfe/",
    "/hilfe/fehler/",
    "/json/certificate/signature",
    "/mehr/",
}


def body(answer: HttpResponse) -> bytes:
    return answer.getvalue()  # type: ignore[no-any-return]


@pytest.mark.req("R93")
@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("profile", PROFILES["nachbar"])
def test_anothers_profile_is_like_one_that_does_not_exist(
    logged_in: Callable[..., Client], path: str, profile: str
) -> None:
    """R93: 404 with the same body in HTML, CSV and JSON; its owner gets it."""
    client = logged_in("hks2")
    foreign = client.get(path.format(profile=profile))
    missing = client.get(path.format(profile="missing"))
    assert foreign.status_code == missing.status_code == 404
    assert body(foreign) == body(missing)
    assert foreign.headers == missing.headers
    if profile.endswith("taf7"):
        own = logged_in("nachbar").get(path.format(profile=profile))
        assert own.status_code == 200


@pytest.mark.req("R93")
@pytest.mark.parametrize("path", METER_PATHS)
@pytest.mark.parametrize(
    ("foreign_id", "missing_id"),
    [(FOREIGN_METER, NO_METER), ("0a01454d480000000003", "0A01454D480000000009")],
)
def test_anothers_meter_is_like_one_that_does_not_exist(
    logged_in: Callable[..., Client], path: str, foreign_id: str, missing_id: str
) -> None:
    """R93: as above, in every form of a meter's id."""
    client = logged_in("hks2")
    foreign = client.get(path.format(meter=foreign_id))
    missing = client.get(path.format(meter=missing_id))
    assert foreign.status_code == missing.status_code == 404
    assert body(foreign) == body(missing)
    assert foreign.headers == missing.headers
    assert logged_in("nachbar").get(path.format(meter=foreign_id)).status_code == 200


@pytest.mark.req("R93")
@pytest.mark.parametrize("path", OWN)
@pytest.mark.parametrize("user", PROFILES)
def test_pages_without_an_id_show_nothing_of_others(
    logged_in: Callable[..., Client], path: str, user: str
) -> None:
    """R93: neither ids nor names of the others anywhere."""
    answer = logged_in(user).get(path)
    assert answer.status_code == 200
    text = body(answer).decode()
    others = [other for other in PROFILES if other != user]
    strange = [id_ for other in others for id_ in (other, *PROFILES[other])]
    strange += [meter for meter, owner in METERS.items() if owner != user]
    assert not [id_ for id_ in strange if id_ in text]


@pytest.mark.req("R97")
@pytest.mark.parametrize("path", [*PAGES, *METER_PATHS, *OWN])
def test_nothing_is_shown_without_login(browser: Client, path: str) -> None:
    """R97: pages lead to the login page, JSON paths answer with a challenge."""
    answer = browser.get(path.format(profile="hks2-taf7", meter="1emh0000000001"))
    if path.startswith("/json/") or path in LIVE_PATHS:
        assert answer.status_code == 401
    else:
        assert answer.status_code == 302
        assert answer["Location"].startswith("/anmelden/?next=")


def test_the_lists_above_hold_every_path() -> None:
    """A new path must be entered here, else this fails."""
    resolver = get_resolver("portal.urls")
    covered = {*PAGES, *MORE_PAGES, *METER_PATHS, *OWN, *OPEN, *NOT_PERSONAL}
    probes = [
        path.format(profile="p", meter=NO_METER).split("?")[0] for path in covered
    ]
    found = {_route(resolver.resolve(probe).route) for probe in probes}
    missing = set(_routes(resolver)) - found
    # Those below /smgw/ stand in `test_con_rest`.
    assert {r for r in missing if not r.startswith("smgw/")} == {_route("json/")}


def _routes(resolver: URLResolver, prefix: str = "") -> list[str]:
    routes = []
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            routes.append(_route(route))
        else:
            routes += _routes(pattern, route)
    return routes


def _route(route: str) -> str:
    return route.replace("^", "")

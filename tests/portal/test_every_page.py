"""The pages that the browser tests look at are all the pages there are."""

import pytest
from django.test import Client
from django.urls import Resolver404, URLPattern, resolve

from hardware.gateway import Gateway
from portal.urls import urlpatterns
from tests.portal.every_page import LOGIN_PAGE, NO_PAGES, PAGES
from tests.portal.test_bill_page import LogIn, contract
from tests.portal.test_cost_pages import give

__all__ = ["contract"]

WITHOUT_PARAMETERS = sorted(
    str(pattern.pattern)
    for pattern in urlpatterns
    if isinstance(pattern, URLPattern)
    and pattern.name in NO_PAGES
    and "<" not in str(pattern.pattern)
)


def name_of(path: str) -> str | None:
    """The name of the route behind a path; None behind none."""
    try:
        return resolve(path.partition("?")[0]).url_name
    except Resolver404:
        return None


def test_every_route_is_a_page_that_is_looked_at_or_said_to_be_none() -> None:
    names = {one.name for one in urlpatterns if isinstance(one, URLPattern)}
    looked_at = {name_of(path) for path in (*PAGES, LOGIN_PAGE)} - {None}
    assert not looked_at & NO_PAGES.keys()
    assert looked_at | NO_PAGES.keys() == names


@pytest.mark.parametrize("path", WITHOUT_PARAMETERS)
def test_what_is_said_to_be_no_page_is_none(logged_in: LogIn, path: str) -> None:
    """No whole HTML page comes from there."""
    answer = logged_in().get(f"/{path}", {"zaehler": "1emh0000000001"})
    assert b"<!doctype html>" not in answer.getvalue()[:200]


def test_every_page_that_is_looked_at_is_there(
    logged_in: LogIn, contract: Gateway
) -> None:
    """Else axe would look at the page of an error; two are meant to be one."""
    client: Client = logged_in()
    assert give(client).status_code == 303
    wrong = {"/nichts/": 404, "/log/?von=2026-06-22&bis=2026-06-21": 400}
    for path in PAGES:
        answer = client.get(path)
        assert answer.status_code == wrong.get(path, 200), path
        assert answer["Content-Type"].startswith("text/html"), path

"""The HAN JSON interface as an HTTP server: errors, methods, headers, logins."""

import json
from collections.abc import Callable

import pytest
from django.test import Client

from tests.portal.digest_client import answer_to, challenge_of
from tests.portal.han_client import METER, MISSING, PATHS, body, fetch
from tests.portal.installation import METERS, PASSWORDS


@pytest.mark.parametrize("path", MISSING)
def test_what_does_not_exist_is_a_404_without_json(browser: Client, path: str) -> None:
    answer = fetch(browser, path)
    assert answer.status_code == 404
    assert body(answer) == b"404 Not Found\n"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_only_get_and_head_are_allowed(
    logged_in: Callable[..., Client], method: str
) -> None:
    for path in (PATHS[1], "/json/nothing"):
        answer = getattr(logged_in(), method)(path)
        assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
        assert not body(answer).startswith((b"{", b"["))


def test_the_portals_login_opens_its_json_links(
    logged_in: Callable[..., Client], browser: Client
) -> None:
    """A cookie is enough; a digest answer beside it decides."""
    client = logged_in()
    assert json.loads(body(client.get("/json/metering/origin"))) == [
        meter for meter, consumer in METERS.items() if consumer == "hks2"
    ]
    challenge = challenge_of(browser, PATHS[1])
    header = answer_to(challenge, "nachbar", PASSWORDS["nachbar"], PATHS[1])
    answer = client.get(PATHS[1], headers={"Authorization": header})
    assert json.loads(body(answer)) == ["1emh0000000003"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "text/html"},
        {"Accept": "image/png"},
        {"Content-Type": "application/json"},
        {"Host": "[fe80::1]:8443"},
        {"Host": "smgw.local"},
    ],
)
def test_headers_of_real_clients_do_no_harm(
    browser: Client, headers: dict[str, str]
) -> None:
    path = "/json/metering/origin"
    header = answer_to(challenge_of(browser, path), "hks2", PASSWORDS["hks2"], path)
    answer = browser.get(path, headers={"Authorization": header, **headers})
    assert answer.status_code == 200
    queried = f"{path}?format=xml"
    assert fetch(browser, queried).status_code == 200


def test_head_answers_without_a_body(browser: Client) -> None:
    path = f"/json/metering/origin/{METER}/0"
    challenge = challenge_of(browser, path)
    header = answer_to(challenge, "hks2", PASSWORDS["hks2"], path, method="HEAD")
    answer = browser.head(path, headers={"Authorization": header})
    assert (answer.status_code, body(answer)) == (200, b"")

"""What clients are told while the database cannot be used."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.db.utils import InterfaceError, OperationalError
from django.test import Client

from hardware.gateway import Gateway
from tests.portal.digest_client import answer_to, challenge_of
from tests.portal.han_client import PATHS
from tests.portal.installation import PASSWORDS

DETAIL = "connection to server at 192.0.2.5 failed: the disk is full"
PAGES = ["/", "/log/", "/messwertliste/", "/log/csv/", "/signatur-zertifikat/"]


@contextmanager
def outage(error: type[Exception] = OperationalError) -> Iterator[None]:
    """No statement reaches the database."""

    def refuse(*_: Any) -> None:
        raise error(DETAIL)

    with connection.execute_wrapper(refuse):
        yield


def a_client(gateway: Gateway, *, of: Client | None = None) -> Client:
    """A client that takes an error as an answer; with the cookies of another."""
    client = Client(raise_request_exception=False, **{"casa.gateway": gateway})
    if of is not None:
        client.cookies = of.cookies
    return client


@pytest.mark.req("R126")
@pytest.mark.parametrize("path", PAGES)
def test_pages_say_to_come_again_and_no_more(
    han: Gateway, logged_in: Callable[..., Client], path: str
) -> None:
    """R126: 503 with Retry-After; the cause is nobody's business."""
    client = a_client(han, of=logged_in())
    with outage():
        answer = client.get(path)
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert "Das hat nicht geklappt." in answer.content.decode()
    assert DETAIL not in answer.content.decode()
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
@pytest.mark.parametrize("path", PATHS[:5])
def test_the_json_interface_answers_503_with_a_text(
    han: Gateway, browser: Client, path: str, error: type[Exception]
) -> None:
    header = answer_to(challenge_of(browser, path), "hks2", PASSWORDS["hks2"], path)
    client = a_client(han)
    with outage(error):
        answer = client.get(path, headers={"Authorization": header})
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert answer.content == b"503 Service Unavailable\n"
    assert answer["Content-Type"].startswith("text/plain")


def test_a_login_during_an_outage_is_no_wrong_password(han: Gateway) -> None:
    client = a_client(han)
    form = {"username": "hks2", "password": PASSWORDS["hks2"]}
    with outage():
        assert client.post("/anmelden/", form).status_code == 503
    assert client.post("/anmelden/", form).status_code == 303


def test_each_request_of_an_outage_is_one_line_in_the_technical_log(
    han: Gateway, logged_in: Callable[..., Client], caplog: pytest.LogCaptureFixture
) -> None:
    client = a_client(han, of=logged_in())
    caplog.clear()
    with outage(), caplog.at_level(logging.WARNING):
        client.get("/")
    assert not [record for record in caplog.records if record.exc_info]
    assert [
        record.getMessage()
        for record in caplog.records
        if DETAIL in record.msg % record.args
    ] == [f"no answer without the database: {DETAIL}"]

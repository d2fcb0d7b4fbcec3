"""Fixtures of the portal: an installation, and browsers that use it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from django.db import transaction
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from hardware.gateway import Gateway, open_gateway
from tests.portal.installation import PASSWORDS, install

NOW = datetime(2026, 6, 22, 13, 7, 52, tzinfo=UTC)
"""15:07:52 in Berlin."""


@pytest.fixture(scope="session")
def han_gateway(tmp_path_factory: pytest.TempPathFactory) -> Gateway:
    """A gateway with a fast signature curve, the same for all tests."""
    state: Path = tmp_path_factory.mktemp("han") / "state"
    return open_gateway(state, huid="eemh0009264154", signature_curve="secp256r1")


@pytest.fixture(scope="module")
def installed(
    han_gateway: Gateway, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Gateway]:
    """The rows of the installation, made once for the tests of a module.

    Each test runs in a savepoint of the transaction that is rolled back at the end.
    """
    with (
        django_db_blocker.unblock(),
        time_machine.travel(NOW, tick=False),
        transaction.atomic(),
    ):
        install(han_gateway, NOW)
        yield han_gateway
        transaction.set_rollback(True)


@pytest.fixture
def han(installed: Gateway, db: None) -> Iterator[Gateway]:
    """The installation at NOW; time stands still."""
    with time_machine.travel(NOW, tick=False):
        yield installed


@pytest.fixture
def browser(han: Gateway) -> Client:
    """A browser that nobody has logged in with."""
    return Client(**{"casa.gateway": han})


@pytest.fixture
def logged_in(han: Gateway) -> Callable[..., Client]:
    """Makes a browser in which a consumer has logged in by the form."""

    def log_in(user: str = "hks2") -> Client:
        client = Client(**{"casa.gateway": han})
        answer = client.post(
            "/anmelden/", {"username": user, "password": PASSWORDS[user]}
        )
        assert answer.status_code == 303, answer.content.decode()
        return client

    return log_in

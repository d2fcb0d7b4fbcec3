"""A node's connection: kept from task to task, given up when it broke."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from celery import signals
from celery.fixups.django import DjangoWorkerFixup  # type: ignore[attr-defined]
from django.db import connection, connections

from casa_site.celery import app

pytestmark = pytest.mark.django_db(transaction=True)


class ATask:
    """What Celery sends its signals for."""

    request = SimpleNamespace(is_eager=False)


@pytest.fixture(autouse=True)
def _celerys_own_part() -> Iterator[None]:
    """What closes connections in a worker, if nobody tells it not to."""
    part = DjangoWorkerFixup(app)
    for signal in (signals.task_prerun, signals.task_postrun):
        signal.connect(part.on_task_postrun, weak=False, dispatch_uid="test")
    yield
    for signal in (signals.task_prerun, signals.task_postrun):
        signal.disconnect(dispatch_uid="test")


def test_a_connection_outlives_a_task() -> None:
    connection.ensure_connection()
    opened = connection.connection
    signals.task_prerun.send(sender=ATask())
    signals.task_postrun.send(sender=ATask())
    assert connection.connection is opened


def test_a_broken_connection_is_given_up_after_the_task(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection.ensure_connection()
    monkeypatch.setattr(connections["default"], "is_usable", lambda: False)
    signals.task_postrun.send(sender=ATask())
    assert connection.connection is not None, "nothing failed, so nobody asks"
    connection.errors_occurred = True
    signals.task_postrun.send(sender=ATask())
    assert connection.connection is None

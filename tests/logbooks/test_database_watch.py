"""Whether somebody wrote: this connection, another one, or one before."""

from collections.abc import Callable
from threading import Thread

import pytest
from django.db import connection, connections

from logbooks.database_watch import DatabaseWatch
from logbooks.models import CheckPosition

pytestmark = pytest.mark.django_db(transaction=True)


def write() -> None:
    place, _made = CheckPosition.objects.get_or_create(name="watched")
    place.passes += 1
    place.save()


def elsewhere(work: Callable[[], object]) -> None:
    """In a thread, which has a connection of its own."""

    def worked() -> None:
        work()
        connections.close_all()

    thread = Thread(target=worked)
    thread.start()
    thread.join()


def is_quiet(watch: DatabaseWatch) -> bool:
    """PostgreSQL counts nothing: there it may always have changed."""
    return not watch.has_changed() or connection.vendor != "sqlite"


@pytest.mark.parametrize("where", [elsewhere, lambda work: work()])
def test_every_write_is_noticed_once(
    where: Callable[[Callable[[], object]], None],
) -> None:
    watch = DatabaseWatch()
    assert watch.has_changed(), "the first look has seen nothing yet"
    for _ in range(3):
        assert is_quiet(watch)
        where(write)
        assert watch.has_changed()


def test_reading_is_no_change() -> None:
    watch = DatabaseWatch()
    watch.has_changed()
    elsewhere(lambda: list(CheckPosition.objects.all()))
    assert list(CheckPosition.objects.all()) == []
    assert is_quiet(watch)


def test_what_was_written_while_there_was_no_connection_is_noticed() -> None:
    """Its counters begin anew and may happen to be the same."""
    watch = DatabaseWatch()
    watch.has_changed()
    connection.close()
    elsewhere(write)
    assert watch.has_changed()

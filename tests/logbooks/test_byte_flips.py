"""A single byte that was changed in the database file is found by the next check."""

from collections import Counter
from random import Random

import pytest
from django.apps import apps
from django.db import connection

from hardware.gateway import Gateway
from logbooks import cyclic_check, list_check
from logbooks.checks import Fault
from logbooks.configuration_seal import check_configuration, seal_changes
from logbooks.configuration_triggers import configuration_tables
from logbooks.log_lists import LOG_CODES
from logbooks.models import ConsumerLogEntry
from meters.list_rows import VALUE_FAULT
from tests.logbooks.byte_flips import Flip, NothingToFlip, flipped, without_triggers
from tests.portal.conftest import NOW
from tests.portal.installation import install

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        "connection.vendor != 'sqlite'", reason="flips bytes of an SQLite file"
    ),
]

LISTS = {
    "meters_originalrecord": {VALUE_FAULT},
    "tariffs_derivedrecord": {VALUE_FAULT},
    "logbooks_consumerlogentry": set(LOG_CODES.values()),
    "logbooks_systemlogentry": set(LOG_CODES.values()),
    "logbooks_calibrationlogentry": set(LOG_CODES.values()),
}
CONFIGURATION = ("meters_meter", "meters_consumer", "tariffs_evaluationprofile")


@pytest.fixture
def home(gateway: Gateway) -> Gateway:
    """The installation of the portal's tests, sealed."""
    install(gateway, NOW)
    seal_changes(gateway)
    return gateway


@pytest.mark.req("R23", "R146", "R87", "R150")
@pytest.mark.parametrize(
    "count",
    [300, pytest.param(10_000, marks=pytest.mark.faults)],
)
def test_every_flipped_byte_is_found_with_the_right_code(
    home: Gateway, count: int
) -> None:
    """R146: values, R87: log entries, R150: profiles; triggers off, one byte each."""
    tables = [*LISTS, *CONFIGURATION]
    random, done, missed = Random(146), Counter[str](), []
    with without_triggers(tables):
        while done.total() < count:
            table = random.choice(tables)
            try:
                with flipped(random, table, _columns(table)) as flip:
                    codes = {fault.code for fault in _check(home, flip)}
            except NothingToFlip:
                continue
            done[table] += 1
            if not codes or codes - _expected(table):
                missed.append((flip, codes))
    assert not missed, missed[:5]
    assert set(done) == set(tables)
    print(f"{done.total()} bytes flipped, all found: {dict(done)}")


@pytest.mark.req("R144")
def test_the_cyclic_check_logs_what_it_finds_once(home: Gateway) -> None:
    """R144: 19001/1 in every consumer's log, with the code; not again each round."""
    with without_triggers(["meters_originalrecord"]), connection.cursor() as cursor:
        cursor.execute("UPDATE meters_originalrecord SET status = status + 1")
    for _ in range(60):
        cyclic_check.check_next_slice(home, now=NOW)
    text = "2500350 Integritätscheck der Datenbank ist fehlgeschlagen"
    entries = ConsumerLogEntry.objects.filter(event_id=19001)
    assert [
        (entry.consumer_id, entry.event_sub_id, entry.arguments)
        for entry in entries.order_by("consumer_id")
    ] == [("hks2", 1, [text]), ("nachbar", 1, [text])]


def test_what_the_product_changes_is_no_finding(home: Gateway) -> None:
    assert list(check_configuration(home, NOW)) == []
    consumer = apps.get_model("meters", "Consumer").objects.get(pk="hks2")
    consumer.name = "Hans"
    consumer.save()
    assert list(check_configuration(home, NOW)) == []
    assert list_check.check_all(home) == []


@pytest.mark.req("R150")
def test_a_profile_that_was_removed_or_put_in_is_found(home: Gateway) -> None:
    """R150: 600215."""
    with without_triggers(["tariffs_profileinput"]), connection.cursor() as cursor:
        cursor.execute("DELETE FROM tariffs_profileinput")
        cursor.execute("DELETE FROM logbooks_configurationseal WHERE key = 'hks2-taf7'")
    assert {fault.code for fault in check_configuration(home, NOW)} == {600215}


def _columns(table: str) -> list[str]:
    for sealed in configuration_tables():
        if sealed.table == table:
            return list(sealed.columns)
    with connection.cursor() as cursor:
        description = connection.introspection.get_table_description(cursor, table)
    return [column.name for column in description]


def _expected(table: str) -> set[int]:
    return LISTS.get(table, {600214, 600215})


def _check(gateway: Gateway, flip: Flip) -> list[Fault]:
    """The check of everything that the flip can concern."""
    if flip.table in CONFIGURATION:
        return list(check_configuration(gateway, NOW))
    return list_check.check_all(gateway)

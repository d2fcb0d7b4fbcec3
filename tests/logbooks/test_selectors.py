"""Reading the logbooks."""

from datetime import UTC, datetime, timedelta

import pytest

from hardware.gateway import Gateway
from logbooks import selectors
from logbooks.catalogue import Event
from logbooks.services import log_event

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def entries(gateway: Gateway) -> None:
    """Ten entries of hks2, a day apart, and one of his neighbour."""
    for day in range(10):
        log_event(
            gateway,
            *(Event.PROFILE_CREATED, f"p{day}"),
            now=BEGIN + timedelta(days=day),
            consumers=["hks2"],
        )
    log_event(gateway, Event.PROFILE_CREATED, "x", now=BEGIN, consumers=["nachbar"])


@pytest.mark.req("R71")
def test_a_consumer_sees_his_own_entries_newest_first() -> None:
    """R71: his own log, nobody else's; numbered from 1 without gaps."""
    lines = selectors.consumer_log("hks2")
    assert [line.number for line in lines] == list(range(10, 0, -1))
    assert lines[0].text == "Das Auswerteprofil p9 wurde angelegt."
    assert [line.number for line in selectors.consumer_log("nachbar")] == [1]
    assert selectors.consumer_log("nobody") == []


def test_a_range_takes_its_begin_and_leaves_its_end_out() -> None:
    begin, end = BEGIN + timedelta(days=2), BEGIN + timedelta(days=4)
    lines = selectors.consumer_log("hks2", begin=begin, end=end)
    assert [line.number for line in lines] == [4, 3]
    assert selectors.consumer_log_count("hks2", begin=begin, end=end) == 2


def test_pages_follow_each_other(gateway: Gateway) -> None:
    pages = [
        selectors.consumer_log("hks2", limit=4, offset=offset) for offset in (0, 4, 8)
    ]
    assert [[line.number for line in page] for page in pages] == [
        [10, 9, 8, 7],
        [6, 5, 4, 3],
        [2, 1],
    ]
    assert len(selectors.system_log(limit=3, offset=9)) == 2
    assert len(selectors.calibration_log(gateway, limit=3)) == 3


def test_a_log_knows_its_oldest_entry() -> None:
    assert selectors.consumer_log_begin("hks2") == BEGIN
    assert selectors.consumer_log_begin("nobody") is None


@pytest.mark.req("R88")
def test_a_line_has_the_columns_of_the_manual(gateway: Gateway) -> None:
    """R88: id, time, level, priority, category, message, status."""
    log_event(gateway, Event.SELF_TEST_PASSED, now=BEGIN, consumers=["hks2"])
    log_event(gateway, Event.SELF_TEST_FAILED, "1", "x", now=BEGIN, consumers=["hks2"])
    failed, done = selectors.consumer_log("hks2", limit=2)
    assert (done.number, done.recorded_at, done.level) == (11, BEGIN, "INFO")
    assert (done.priority, done.category) == (1, "flc")
    assert done.text == "Selbsttest erfolgreich durchgeführt."
    assert (done.outcome, failed.outcome) == ("Erfolgreich", "Fehlgeschlagen")
    assert failed.level == "FATAL"

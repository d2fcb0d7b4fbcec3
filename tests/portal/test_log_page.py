"""The log page: ranges of local days, levels, topics, pages of fifty."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from hardware.gateway import Gateway
from logbooks.access import Access, Network, Role
from logbooks.catalogue import Event, event_row
from logbooks.selectors import LogLine
from logbooks.services import log_event
from meters.services import create_consumer
from portal import log_page
from portal.help_texts import EVENT_HELP
from portal.log_filter import LogFilter, LogForm
from portal.log_topics import TOPICS
from tariffs.calendar import BERLIN

TODAY = date(2026, 6, 22)
LAST_WEEK = LogFilter(date(2026, 6, 16), TODAY)


def reader(consumer: str) -> Access:
    return Access(consumer, True, Network.HAN, Role.CONSUMER)


def chosen(**query: Any) -> LogForm:
    return LogForm(query, today=TODAY)


def a_line(event: Event = Event.VALUES_SENT) -> LogLine:
    row = event_row(event)
    return LogLine(
        number=4810,
        recorded_at=datetime(2026, 6, 22, 12, 0, 9, tzinfo=UTC),
        event_id=row.event_id,
        event_sub_id=row.sub_id,
        level=row.level.upper(),
        text=row.text,
        recipient="emt-1",
        profile="hks2-taf7",
    )


def test_without_a_choice_the_last_seven_days_are_shown() -> None:
    assert chosen().chosen == LAST_WEEK


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ({"von": "2026-06-22", "bis": "2026-06-22"}, TODAY, TODAY),
        ({"bis": "2026-05-10"}, date(2026, 5, 4), date(2026, 5, 10)),
        ({"von": "2026-06-01"}, date(2026, 6, 1), TODAY),
        ({"von": "2027-01-01"}, date(2027, 1, 1), date(2027, 1, 1)),
    ],
)
def test_a_day_left_out_is_filled_in(
    query: dict[str, str], first: date, last: date
) -> None:
    form = chosen(**query)
    assert form.is_valid()
    assert (form.chosen.first_day, form.chosen.last_day) == (first, last)


@pytest.mark.req("R126")
@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ({"von": "22.06.2026"}, "von", "Bitte ein gültiges Datum eingeben"),
        ({"bis": "2026-02-30"}, "bis", "Bitte ein gültiges Datum eingeben"),
        ({"bis": "9999-12-31"}, "bis", "Bitte ein gültiges Datum eingeben"),
        ({"von": "0001-01-01"}, "von", "Bitte ein gültiges Datum eingeben"),
        ({"von": "2026-06-22", "bis": "2026-06-21"}, "bis", "„Bis“ liegt vor „Von“."),
    ],
)
def test_a_range_that_makes_no_sense_is_named_at_its_field(
    query: dict[str, str], field: str, message: str
) -> None:
    """R126: wrong input is refused with a sentence at the field; nothing overflows."""
    form = chosen(**query)
    assert not form.is_valid()
    assert message in form.errors[field][0]
    assert form.chosen == LAST_WEEK


@pytest.mark.parametrize("query", [{"level": "DEBUG"}, {"thema": "x"}, {"seite": "0"}])
def test_other_choices_than_offered_are_refused(query: dict[str, str]) -> None:
    assert not chosen(**query).is_valid()


@pytest.mark.parametrize(
    ("event", "topic"),
    [
        (Event.VALUES_SENT, "versand"),
        (Event.PASSWORD_LOGIN_REFUSED, "anmeldungen"),
        (Event.TIME_SET_FROM_RTC, "uhrzeit"),
        (Event.TAF_STARTED, "tarif"),
        (Event.TOO_MANY_LOGIN_FAILURES, "geraet"),
        (Event.METER_STATUS_FATAL, "geraet"),
        (Event.POWER_RETURNED, "geraet"),
    ],
)
def test_an_event_belongs_to_its_topic(event: Event, topic: str) -> None:
    holding = [key for key, one in TOPICS.items() if one.holds(event.value[0])]
    assert holding == [topic]


def test_every_event_of_the_catalogue_has_a_topic_and_a_help_text() -> None:
    ids = {event.value[0] for event in Event}
    assert set(EVENT_HELP) == ids
    assert all(any(topic.holds(id_) for topic in TOPICS.values()) for id_ in ids)


def test_levels_are_at_least_the_one_chosen() -> None:
    errors = LogFilter(TODAY, TODAY, level="ERROR")
    kept = [e for e in Event if log_page.passes(a_line(e), errors)]
    assert {event_row(event).level for event in kept} == {"error", "fatal"}


@pytest.mark.req("R88")
def test_a_row_has_the_seven_columns_and_who_got_the_data() -> None:
    """R88: the seven columns; the time in ISO 8601 with offset."""
    (row,) = log_page.log_page([a_line()], 1, LAST_WEEK).rows
    assert (row.number, row.time) == (4810, "2026-06-22T14:00:09+02:00")
    assert (row.level, row.priority, row.category) == ("INFO", 1, "flc")
    assert row.message.startswith("Es wurden")
    assert (row.outcome, row.recipient) == ("Erfolgreich", "emt-1")


def test_links_keep_the_choice() -> None:
    here = LogFilter(TODAY, TODAY, "WARNING", "versand", page=2)
    page = log_page.log_page([a_line()], 130, here)
    assert page.pages == 3
    rest = "von=2026-06-22&bis=2026-06-22&level=WARNING&thema=versand"
    assert (page.newer, page.older) == (rest, f"{rest}&seite=3")
    assert page.download == "von=2026-06-22&bis=2026-06-22"


@pytest.fixture
def busy_log(gateway: Gateway, db: None) -> str:
    """A log with one entry at each end of a local day, and 60 in between."""
    create_consumer(gateway, "hks2")
    for hour, minute, second in [(0, 0, 0), *[(12, n, 0) for n in range(60)]]:
        at = datetime(2026, 6, 22, hour, minute, second, tzinfo=BERLIN)
        _note(gateway, at)
    _note(gateway, datetime(2026, 6, 22, 23, 59, 59, tzinfo=BERLIN))
    _note(gateway, datetime(2026, 6, 23, 0, 0, 0, tzinfo=BERLIN))
    return "hks2"


def _note(gateway: Gateway, at: datetime) -> None:
    log_event(gateway, Event.SELF_TEST_PASSED, now=at, consumers=["hks2"])


@pytest.mark.req("R118")
def test_both_days_of_a_range_are_included(busy_log: str) -> None:
    """R118: the range filter is inclusive, in local days; pages hold fifty entries."""
    day = LogFilter(TODAY, TODAY)
    lines, count = log_page.lines_of_page(reader(busy_log), day)
    assert (len(lines), count) == (50, 62)
    rest, _ = log_page.lines_of_page(reader(busy_log), LogFilter(TODAY, TODAY, page=2))
    times = [line.recorded_at.astimezone(BERLIN).time() for line in [*lines, *rest]]
    assert (str(times[0]), str(times[-1])) == ("23:59:59", "00:00:00")


def test_a_filtered_page_shows_the_same_entries(busy_log: str) -> None:
    topic = LogFilter(TODAY, TODAY, topic="geraet", page=2)
    lines, count = log_page.lines_of_page(reader(busy_log), topic)
    assert (len(lines), count) == (12, 62)
    none, nothing = log_page.lines_of_page(
        reader(busy_log), LogFilter(TODAY, TODAY, "ERROR")
    )
    assert (list(none), nothing) == ([], 0)

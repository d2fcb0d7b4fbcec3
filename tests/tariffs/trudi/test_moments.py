"""Times of files: offsets, both clock changes, target times, order."""

import pytest

from tariffs.trudi.model import Interval
from tariffs.trudi.moments import Moment, target_of
from tariffs.trudi.original_list import day_states, gap_count, items
from tariffs.trudi.reader import read_usage_point
from tariffs.trudi.xml_file import load
from tests.tariffs.trudi.published import CARRIED, reading_list

MONTHS = (CARRIED / "taf1_result.xml").read_text()


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("2024-06-01T00:00:00+02:00", "2024-06-01T00:00:00+02:00"),
        ("2024-05-31T22:00:00Z", "2024-06-01T00:00:00+02:00"),
        ("2024-06-01T00:00:00", "2024-06-01T00:00:00+02:00"),
        ("2024-06-01T05:00:00+07:00", "2024-06-01T00:00:00+02:00"),
        # Without an offset the repeated and the skipped hour are standard time.
        ("2017-10-29T02:30:00", "2017-10-29T02:30:00+01:00"),
        ("2017-03-26T02:30:00", "2017-03-26T03:30:00+02:00"),
    ],
)
def test_a_time_is_shown_with_the_offset_of_berlin(text: str, local: str) -> None:
    assert Moment.parse(text).isoformat() == local


@pytest.mark.parametrize(
    "text", ["", "today", "0001-01-01T00:00:00+14:00", "2024-13-01"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Moment.parse(text)


def test_the_end_of_an_interval_is_counted_in_elapsed_time() -> None:
    """October 2017 has 745 hours, March 2017 has 743."""
    for start, duration, end in (
        ("2017-10-01T00:00:00+02:00", 2_682_000, "2017-11-01T00:00:00+01:00"),
        ("2017-03-01T00:00:00+01:00", 2_674_800, "2017-04-01T00:00:00+02:00"),
    ):
        found = Interval(Moment.parse(start), duration).end
        assert found is not None
        assert found.isoformat() == end


def test_a_late_capture_in_the_repeated_hour_keeps_its_offset() -> None:
    capture = Moment.parse("2017-10-29T02:15:04+01:00")
    assert target_of(capture, 900).isoformat() == "2017-10-29T02:15:00+01:00"


def test_daily_values_stand_for_midnight() -> None:
    values = reading_list(CARRIED / "models_taf7_oml_1day_values_1.xml")
    targets = [
        reading.target.isoformat() for reading in values.readings if reading.target
    ]
    assert targets[1:6] == [
        "2017-10-26T00:00:00+02:00",
        "2017-10-27T00:00:00+02:00",
        "2017-10-28T00:00:00+02:00",
        "2017-10-29T00:00:00+02:00",
        "2017-10-30T00:00:00+01:00",
    ]


def test_holes_of_a_list_are_filled_and_counted_by_day() -> None:
    values = reading_list(CARRIED / "taf2_result_single_day_2h-gap.xml")
    assert gap_count(values) == 1
    filled = items(values)
    assert len(filled) == 97
    missing = [item.time.isoformat() for item in filled if item.reading is None]
    assert missing[0] == "2017-11-04T05:00:00+01:00"
    assert missing[-1] == "2017-11-04T06:45:00+01:00"
    first, second = day_states(values)
    assert (first.values, first.gaps, first.levels[1]) == (96, 8, 88)
    assert first.has_errors
    assert (second.values, second.gaps, second.has_errors) == (1, 0, True)


def test_blocks_readings_and_the_log_are_put_in_order() -> None:
    text = (CARRIED / "taf7_readings.xml").read_text()
    first = text[
        text.index("<IntervalReading>") : text.index("</IntervalReading>") + 18
    ]
    text = text.replace(first, "", 1).replace(
        "</IntervalBlock>", f"{first}</IntervalBlock>"
    )
    text = text.replace("<recordNumber>1001", "<recordNumber>1003")
    point, findings = read_usage_point(load(text.encode()))
    assert findings == []
    assert point is not None
    readings = list(point.lists[0].readings)
    assert readings[0].value == 1_000_000
    assert [entry.record_number for entry in point.log] == [1002, 1003]

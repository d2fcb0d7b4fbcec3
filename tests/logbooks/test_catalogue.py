"""The catalogue against the manual's lists."""

import json
import re
from pathlib import Path

import pytest

from logbooks.catalogue import (
    Event,
    event_row,
    fault,
    fault_codes,
    rendered,
    shown_to_gwa,
)

VENDOR_NUMBERS = {
    4294954294: 13002,
    4294948294: 19002,
    4294948293: 19003,
    4294948286: 19010,
    4294948285: 19011,
    4294948284: 19012,
    4294948266: 19030,
    4294946295: 21001,
}


@pytest.mark.req("R86")
def test_every_event_of_the_manual_is_in_the_catalogue(shared: Path) -> None:
    """R86: all 51, with exact id, sub-id, level, text and placeholders."""
    listed = json.loads((shared / "reference" / "events.json").read_text("utf-8"))
    assert len(listed) == len(Event) == 51
    for row in listed:
        ours = event_row(Event((row["event_id"], row["event_sub_id"])))
        assert ours.level == row["level"]
        assert ours.text == row["text"]
        assert ours.category == row["category"]
        assert len(ours.placeholders) == len(row["placeholders"])


@pytest.mark.req("R86")
@pytest.mark.parametrize("event", Event, ids=lambda event: event.name)
def test_the_text_of_every_event_takes_its_arguments(event: Event) -> None:
    """R86: each [n] of the text is replaced by the n-th argument."""
    row = event_row(event)
    count = len(row.placeholders)
    assert {int(n) for n in re.findall(r"\[(\d)\]", row.text)} == set(
        range(1, count + 1)
    )
    arguments = [f"<{n}>" for n in range(1, count + 1)]
    text = rendered(row.event_id, row.sub_id, arguments)
    assert re.sub(r"<(\d)>", r"[\1]", text) == row.text
    assert "consumer" in row.logs


@pytest.mark.req("R86")
def test_vendor_events_are_negative_numbers_of_32_bits() -> None:
    """R86: ids above 2^31 are 2^32 less the vendor's number."""
    large = {event.value[0] for event in Event if event.value[0] > 2**31}
    assert {number: 2**32 - number for number in large} == VENDOR_NUMBERS


def test_every_fault_code_of_the_manual_is_in_the_catalogue(shared: Path) -> None:
    listed = json.loads((shared / "reference" / "fault_codes.json").read_text("utf-8"))
    assert len(listed) == len(fault_codes()) == 300
    for row in listed:
        ours = fault(row["code"])
        assert ours.description == row["description"]
        assert ours.soft_lockdown == row["soft_lockdown"]
        assert ours.service == row["service_derived"]
    assert sum(fault(code).soft_lockdown for code in fault_codes()) == 83


def test_no_fault_code_is_the_id_of_an_event() -> None:
    assert not {event.value[0] for event in Event} & set(fault_codes())


def test_an_argument_that_looks_like_a_placeholder_is_left_alone() -> None:
    text = rendered(16001, 0, ["[2]", "Montag", "[1]"])
    assert text == (
        "Es wurden [2] Messwerte an den Marktteilnehmer für den Zeitraum Montag "
        "bis [1] übertragen."
    )


def test_a_missing_argument_is_shown_as_a_dash() -> None:
    assert rendered(20010, 0, []) == "Das Auswerteprofil - wurde angelegt."


def test_an_unknown_entry_is_shown_with_its_id() -> None:
    assert rendered(77, 3, ["a", "b"]) == "77/3 a b"


def test_a_fault_is_shown_in_the_words_of_the_manual() -> None:
    assert rendered(103118, 1, []) == "Keine HDLC Antwort erhalten"


@pytest.mark.req("R81")
@pytest.mark.parametrize("event", Event, ids=lambda event: event.name)
def test_the_system_log_keeps_no_personal_argument(event: Event) -> None:
    """R81: user, consumer, meter and profile ids become "-", and those in texts too."""
    row = event_row(event)
    if "system" not in row.logs:
        return
    kinds = set(row.placeholders)
    assert kinds <= {
        *("user", "profile", "actor", "log"),
        *("number", "text", "codes", "code", "hash", "address", "day"),
    }
    secret = ["1emh0000000001 und 0A01454D480000000001"] * len(row.placeholders)
    for argument in shown_to_gwa(row, secret, "system"):
        assert "1" not in argument


def test_the_calibration_log_keeps_profile_ids() -> None:
    row = event_row(Event.PROFILE_CREATED)
    assert shown_to_gwa(row, ["meier-taf7"], "calibration") == ["meier-taf7"]
    assert shown_to_gwa(row, ["meier-taf7"], "system") == ["-"]

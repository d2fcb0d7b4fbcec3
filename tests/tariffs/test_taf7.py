"""The rule of TAF7: original records, or narrowed ones."""

from hardware.record import register_lines
from hardware.status_word import METER_BASIC, NOT_FOR_BILLING, combined
from tariffs.taf7 import is_whole, may_list, narrowed
from tests.tariffs.builders import EXPORT, IMPORT, a_row, register, utc

AT = utc("2026-01-31 23:00")
BOTH = a_row(AT)._replace(
    registers=register_lines([register(1), register(2, obis=EXPORT)]), later_bits=4
)


def test_a_profile_that_names_all_registers_lists_the_original_record() -> None:
    for named in ({IMPORT, EXPORT}, {IMPORT, EXPORT, "0100030800ff"}):
        assert is_whole(BOTH, frozenset(named))
        assert narrowed(BOTH, "p", frozenset(named)) is None


def test_a_profile_that_names_fewer_registers_has_a_record_of_just_these() -> None:
    record = narrowed(BOTH, "p", frozenset({EXPORT}))
    assert record is not None
    assert not is_whole(BOTH, frozenset({EXPORT}))
    assert record.registers == (register(2, obis=EXPORT),)
    assert record.subject == "p"
    assert record.target_time == BOTH.target_time
    assert record.capture_time == BOTH.capture_time
    assert record.status == BOTH.status


def test_a_record_without_any_named_register_is_not_listed() -> None:
    assert not is_whole(BOTH, frozenset({"0100030800ff"}))
    assert narrowed(BOTH, "p", frozenset({"0100030800ff"})) is None


def test_what_is_not_for_billing_is_listed_only_when_allowed() -> None:
    row = a_row(AT, status=combined(NOT_FOR_BILLING, METER_BASIC))
    assert not may_list(row, unsecured_allowed=False)
    assert may_list(row, unsecured_allowed=True)
    assert may_list(BOTH, unsecured_allowed=False)

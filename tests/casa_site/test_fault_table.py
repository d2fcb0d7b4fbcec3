"""Each fault code of ch. 9.4: raised by the program, or a reason why it cannot be."""

import re

import pytest

from casa_site import fault_table
from logbooks.catalogue import fault_codes
from logbooks.chains import Finding
from logbooks.log_codes import TABLE
from logbooks.log_lists import LOG_CODES

APPS = ("hardware", "logbooks", "meters", "tariffs", "portal", "gwa_api", "casa_site")
ONLY_NAMED = {"logbooks/device_state.py", "logbooks/alarms.py", "logbooks/lockdown.py"}
ONLY_NAMED |= {"logbooks/log_codes.py", "portal/service_faults.py"}
"""Files that name codes to judge or show them, and raise none."""
_NUMBER = re.compile(r"(?<![\d_.])(\d[\d_]{4,8}\d)(?![\d_])")


@pytest.mark.req("R80", "R87", "R150")
def test_every_code_is_raised_or_has_a_reason() -> None:
    """R80, R87, R150: 300 codes; those without a reason stand in the program."""
    named = _codes_in_the_program() | {row.code for row in TABLE if row.meaning}
    missing = set(fault_table.reasons())
    assert missing <= set(fault_codes())
    assert set(fault_codes()) - named - missing == set()
    assert missing & named == set()


@pytest.mark.req("R87")
def test_each_code_of_the_log_system_has_a_meaning_or_a_reason() -> None:
    """R87: 22 codes in one table; each finding of a chain has one of its own."""
    codes = [row.code for row in TABLE]
    assert sorted(codes) == [c for c in fault_codes() if 1400000 < c < 1500000]
    assert all(bool(row.meaning) != bool(row.reason) for row in TABLE)
    assert set(LOG_CODES) == set(Finding)


def test_the_page_is_up_to_date() -> None:
    assert fault_table.PAGE.read_text(encoding="utf-8") == fault_table.page()


def _codes_in_the_program() -> set[int]:
    known, found = set(fault_codes()), set()
    for app in APPS:
        for path in (fault_table.ROOT / app).rglob("*.py"):
            if str(path.relative_to(fault_table.ROOT)) in ONLY_NAMED:
                continue
            numbers = _NUMBER.findall(path.read_text(encoding="utf-8"))
            found |= {int(number.replace("_", "")) for number in numbers} & known
    return found

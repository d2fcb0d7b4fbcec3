"""Each fault code of ch. 9.4: raised by the program, or a reason why it cannot be."""

import re

import pytest

from casa_site import fault_table
from logbooks.catalogue import fault_codes

APPS = ("hardware", "logbooks", "meters", "tariffs", "portal", "gwa_api", "casa_site")
ONLY_NAMED = {"logbooks/device_state.py", "logbooks/alarms.py", "logbooks/lockdown.py"}
"""Files that name codes to judge them, and raise none."""
_NUMBER = re.compile(r"(?<![\d_.])(\d[\d_]{4,8}\d)(?![\d_])")


@pytest.mark.req("R80", "R87", "R150")
def test_every_code_is_raised_or_has_a_reason() -> None:
    """R80, R87, R150: 300 codes; those without a reason stand in the program."""
    named = _codes_in_the_program()
    missing = set(fault_table.reasons())
    assert missing <= set(fault_codes())
    assert set(fault_codes()) - named - missing == set()
    assert missing & named == set()


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

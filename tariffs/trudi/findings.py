"""What a check found wrong: the name of the rule and a sentence."""

from collections.abc import Iterable
from typing import NamedTuple

from django.utils.translation import ngettext

SHOWN_PER_RULE = 20


class Finding(NamedTuple):
    """One broken rule; `message` is in the language that was active."""

    rule: str
    message: str


def shortened(findings: Iterable[Finding]) -> list[Finding]:
    """The first findings of each rule, and how many more there are of it.

    One mistake of a maker repeats in each of a hundred thousand readings.
    """
    shown: list[Finding] = []
    seen: dict[str, int] = {}
    for finding in findings:
        seen[finding.rule] = count = seen.get(finding.rule, 0) + 1
        if count <= SHOWN_PER_RULE:
            shown.append(finding)
    for rule, count in seen.items():
        if (more := count - SHOWN_PER_RULE) > 0:
            text = ngettext(
                "… und %(more)d weitere Stelle", "… und %(more)d weitere Stellen", more
            )
            shown.append(Finding(rule, text % {"more": more}))
    return shown

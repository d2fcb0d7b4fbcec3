"""`python -m casa_site.fault_table`: docs/faults.md, every fault code of ch. 9.4.

A code is raised by this program, or it says why it cannot be: `not_provokable.json`,
for the codes of the log system `logbooks.log_codes`.
"""

import json
from pathlib import Path

from logbooks import log_codes
from logbooks.catalogue import fault, fault_codes
from logbooks.explanations import explanation

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "faults.md"
_FILE = ROOT / "logbooks" / "data" / "not_provokable.json"


def reasons() -> dict[int, str]:
    """Why a code cannot arise here, for each that cannot."""
    groups = json.loads(_FILE.read_text(encoding="utf-8"))
    others = {code: group["reason"] for group in groups for code in group["codes"]}
    return {**others, **log_codes.not_provokable()}


def page() -> str:
    """The page as Markdown."""
    missing = reasons()
    raised = [code for code in fault_codes() if code not in missing]
    lines = [
        "# Fault codes",
        "",
        f"The manual's ch. 9.4 has {len(fault_codes())} codes. {len(raised)} are "
        f"raised by this program, {len(missing)} cannot arise here. `x`: soft "
        "lock-down.",
        "Made by `python -m casa_site.fault_table`.",
        "",
        "## Raised",
        "",
        "| Code | | Cause | Effect | Who acts | How |",
        "|---|---|---|---|---|---|",
        *(_raised_row(code) for code in sorted(raised)),
        "",
        "## Cannot arise here",
        "",
        "| Code | | Words of the manual | Why |",
        "|---|---|---|---|",
        *(_missing_row(code, missing[code]) for code in sorted(missing)),
        "",
    ]
    return "\n".join(lines)


def _mark(code: int) -> str:
    return "x" if fault(code).soft_lockdown else ""


def _raised_row(code: int) -> str:
    found = explanation(code, "en")
    columns = (found.cause, found.effect, found.who, found.remedy)
    return f"| {code} | {_mark(code)} | {' | '.join(columns)} |"


def _missing_row(code: int, reason: str) -> str:
    return f"| {code} | {_mark(code)} | {fault(code).description} | {reason} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

"""What each fault code of ch. 9.4 means: cause, effect, who has to act and how.

`data/explanations.json` holds them by groups of codes with the same remedy, in German
and English.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

Language = Literal["de", "en"]

_FILE = Path(__file__).parent / "data" / "explanations.json"

_WHO = {
    "de": {
        "gwa": "Gateway-Administrator",
        "technician": "Servicetechniker",
        "operator": "Messstellenbetreiber",
        "maker": "Hersteller",
        "nobody": "niemand",
    },
    "en": {
        "gwa": "gateway administrator",
        "technician": "service technician",
        "operator": "metering point operator",
        "maker": "manufacturer",
        "nobody": "nobody",
    },
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A fault explained; `who` has to act, `remedy` says how."""

    codes: tuple[int, ...]
    cause: str
    effect: str
    who: str
    remedy: str


def explanation(code: int, language: Language = "de") -> Explanation:
    """The explanation of a fault code; KeyError for one the manual does not have."""
    return _by_code(language)[code]


def explanations(language: Language = "de") -> list[Explanation]:
    """All of them, one for each group of codes, in the order of their services."""
    return list(dict.fromkeys(_by_code(language)[code] for code in _codes()))


def language_of(code: str | None) -> Language:
    """The language to explain in: German unless English is wanted."""
    return "en" if code and code.startswith("en") else "de"


@cache
def _by_code(language: Language) -> dict[int, Explanation]:
    groups = json.loads(_FILE.read_text(encoding="utf-8"))
    found = {}
    for group in groups:
        words = group[language]
        who = _WHO[language][group["who"]]
        explained = Explanation(tuple(group["codes"]), who=who, **words)
        found.update(dict.fromkeys(explained.codes, explained))
    return found


def _codes() -> list[int]:
    return sorted(_by_code("de"))

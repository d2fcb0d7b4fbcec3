"""What the services refuse, in plain German; English readers get their own words.

The services speak English, as the API does. Each sentence of theirs stands here with
its German form; what is missing is shown as it is rather than not at all.
"""

import re

from django.utils.translation import get_language

from gwa_api.console.german import GERMAN

_PLACES = {
    "inputs": "Zeile",
    "rules": "Regel",
    "stages": "Stufe",
    "switches": "Umschaltung",
    "aggregates": "Aggregat",
    "thresholds": "Schwelle",
    "addresses": "Zeile",
    "meter": "Zähler",
    "obis": "OBIS",
    "sign": "Vorzeichen",
    "weekdays": "Wochentage",
    "from": "von",
    "to": "bis",
    "season": "Saison",
    "stage": "Stufe",
    "number": "Nummer",
    "name": "Name",
    "default": "Standardregel",
    "at": "Zeitpunkt",
    "holidays": "Feiertage",
    "function": "Funktion",
    "window": "Fenster",
    "limit": "Grenzwert",
    "direction": "Richtung",
    "hysteresis": "Hysterese",
    "min_hold": "Mindestdauer",
    "min_interval": "Mindestabstand",
    "participant": "Empfänger",
    "unit": "Einheit",
    "count": "Anzahl",
    "day": "Tag",
}


def place(way: str) -> str:
    """`rules/1/weekdays` as "Regel 2, Wochentage: "; "" for nowhere."""
    if get_language() != "de" or not way.strip("/"):
        return f"{way}: " if way else ""
    said: list[str] = []
    for name in way.strip("/").split("/"):
        if name.isdecimal():
            said.append(f"{said.pop() if said else 'Zeile'} {int(name) + 1}")
        else:
            said.append(_PLACES.get(name, name))
    return f"{', '.join(said)}: "


def plain(message: str) -> str:
    """A sentence of a service in the reader's language."""
    if get_language() != "de":
        return message
    parts = message.split("; ")
    if all(is_known(part) for part in parts):
        return " ".join(map(_german, parts))
    return _german(message)


def is_known(message: str) -> bool:
    """Whether there is German for a sentence."""
    return _german(message) != message


def _german(message: str) -> str:
    if message in GERMAN:
        return GERMAN[message]
    for pattern, said in _PATTERNS:
        if match := pattern.fullmatch(message):
            return said.format(*match.groups())
    return message


def _pattern(english: str) -> re.Pattern[str]:
    return re.compile("(.+?)".join(map(re.escape, english.split("{}"))), re.DOTALL)


_PATTERNS = [
    (_pattern(english), german)
    for english, german in sorted(GERMAN.items(), key=lambda pair: -len(pair[0]))
    if "{}" in english
]

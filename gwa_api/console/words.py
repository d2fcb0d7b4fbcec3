"""What the services refuse, in plain German; English readers get their own words.

The services speak English, as the API does. Each sentence of theirs stands here with
its German form; what is missing is shown as it is rather than not at all.
"""

import re

from django.utils.translation import get_language

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
    parts = [_german(part) for part in message.split("; ")]
    return "; ".join(parts)


def is_known(message: str) -> bool:
    """Whether there is German for a sentence."""
    return any(pattern.fullmatch(message) for pattern, _said in _GERMAN)


def _german(message: str) -> str:
    for pattern, said in _GERMAN:
        if match := pattern.fullmatch(message):
            return said.format(*match.groups())
    return message


_GERMAN: list[tuple[re.Pattern[str], str]] = []

"""Members of the API's answers in words of the pages."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from gwa_api.console.pages import moment
from hardware.obis import Obis

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")

_MINUTES = re.compile(r"PT(\d+)M")

WORDS: Mapping[str, Any] = {
    "planned": _l("geplant"),
    "active": _l("aktiv"),
    "ended": _l("beendet"),
    "deleted": _l("gelöscht"),
    "pending": _l("noch nicht in Kraft"),
    "expired": _l("abgelaufen"),
    "revoked": _l("gesperrt"),
    "due": _l("fällig"),
    "sent": _l("gesendet"),
    "acknowledged": _l("bestätigt"),
    "failed": _l("fehlgeschlagen"),
    "given_up": _l("aufgegeben"),
    "direct": _l("direkt"),
    "via_gwa": _l("über den GWA"),
    "day": _l("Tag"),
    "week": _l("Woche"),
    "month": _l("Monat"),
    "initial": _l("Anfang"),
    "periodic": _l("periodisch"),
    "final": _l("Schluss"),
    "on_demand": _l("auf Abruf"),
    "threshold": _l("Schwellwert"),
    "ad_hoc": _l("ad hoc"),
    "downloaded": _l("empfangen"),
    "verified": _l("geprüft"),
    "released": _l("freigegeben"),
    "scheduled": _l("geplant"),
    "trial": _l("auf Probe"),
    "replaced": _l("ersetzt"),
    "refused": _l("abgelehnt"),
    "normal": _l("Normalbetrieb"),
    "soft": _l("Soft Lock-Down"),
    "hard": _l("Hard Lock-Down"),
    "password": _l("Passwort"),
    "certificate": _l("Zertifikat"),
}
"""Words of the API, for readers."""

_WORDED = {
    "state", "route", "kind", "mode", "billing_period__unit", "auth", "triggers",
}  # fmt: skip


def word(value: str) -> str:
    """A word of the API for readers; one that is not known as it is."""
    return str(WORDS.get(value, value))


def in_words(name: str, value: Any) -> str:
    """A member with its value as the pages show it."""
    if value is None or value == "" or value == []:
        return "–"
    if isinstance(value, bool):
        return _("ja") if value else _("nein")
    if isinstance(value, list):
        return ", ".join(in_words(name, one) for one in value)
    if isinstance(value, dict):
        return _of_object(value)
    return _of_text(name, value) if isinstance(value, str) else str(value)


def _of_text(name: str, value: str) -> str:
    if _INSTANT.fullmatch(value):
        return moment(datetime.fromisoformat(value))
    if minutes := _MINUTES.fullmatch(value):
        return f"{minutes[1]} min"
    if name == "registers":
        return obis_text(value)
    return word(value) if name in _WORDED else value


def obis_text(code: str) -> str:
    """An OBIS code as people write it: 1-0:1.8.0*255."""
    try:
        return str(Obis.parse(code))
    except ValueError:
        return code


def _of_object(value: dict[str, Any]) -> str:
    if set(value) == {"participant"}:
        return str(value["participant"])
    if {"meter", "obis"} <= set(value):
        sign = "− " if value.get("sign") == -1 else ""
        return f"{sign}{value['meter']} {obis_text(value['obis'])}"
    return json.dumps(value, ensure_ascii=False)

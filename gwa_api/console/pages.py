"""How pages of the console are made: the frame around them, and plain messages."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _l

PREFIX = "/gwa/console/"
"""Where the console begins."""

BERLIN = ZoneInfo("Europe/Berlin")

Entry = tuple[str, str | Promise]

NAVIGATION: tuple[tuple[str | Promise, tuple[Entry, ...]], ...] = (
    (_l("Gerät"), (("", _l("Zustand")), ("alarms/", _l("Alarme")))),
    (
        _l("Konfiguration"),
        (
            ("evaluation-profiles/", _l("Auswerteprofile")),
            ("communication-profiles/", _l("Kommunikationsprofile")),
            ("consumers/", _l("Letztverbraucher")),
            ("meters/", _l("Zähler")),
            ("market-participants/", _l("Marktteilnehmer")),
            ("proxy-profiles/", _l("CLS-Proxyprofile")),
        ),
    ),
    (
        _l("Betrieb"),
        (
            ("deliveries/", _l("Lieferungen")),
            ("selftests/", _l("Selbsttest")),
            ("firmware/", _l("Firmware")),
        ),
    ),
    (
        _l("Logbücher"),
        (
            ("logs/system/", _l("System-Log")),
            ("logs/calibration/", _l("Eich-Log")),
        ),
    ),
    (
        _l("Sicherheit"),
        (
            ("certificates/", _l("Zertifikate")),
            ("keys/", _l("Schlüssel und Anker")),
            ("administrator-change/", _l("Administratorwechsel")),
        ),
    ),
)
"""Groups of pages: path below `PREFIX`, and what it is called."""

DONE = {
    "saved": _l("Gespeichert."),
    "deleted": _l("Gelöscht."),
    "ended": _l("Beendet."),
    "started": _l("Gestartet."),
    "acknowledged": _l("Quittiert."),
    "released": _l("Der Sperrzustand ist aufgehoben."),
    "ordered": _l("Beauftragt."),
    "imported": _l("Importiert."),
    "unchanged": _l("Es war nichts zu ändern."),
}
"""What a page may say after something was done, by the word in its address."""

SAYS = "erledigt"
"""The parameter with that word."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a page that holds nothing else says."""

    title: str
    text: str = ""


def show(
    request: HttpRequest, template: str, *, status: int = 200, **context: Any
) -> HttpResponse:
    """Render a page of the console in its frame."""
    gateway = request.META["casa.gateway"]
    given = getattr(request, "administrator", None)
    frame = {
        "prefix": PREFIX,
        "huid": gateway.huid,
        "administrator": given.access.identity if given else "",
        "now": moment(gateway.clock.now()),
        "navigation": _navigation(request.path) if given else (),
        "done": DONE.get(request.GET.get(SAYS, ""), ""),
    }
    values = {**context, "frame": frame}
    return render(request, f"console/{template}.html", values, status=status)


def show_message(request: HttpRequest, status: int, message: Message) -> HttpResponse:
    """A page that holds nothing but a message, for whoever asks."""
    return show(request, "message", status=status, message=message)


def moment(instant: datetime | None) -> str:
    """An instant as the pages show it: Berlin, whole seconds, "–" for none."""
    if instant is None:
        return "–"
    return instant.astimezone(BERLIN).strftime("%d.%m.%Y %H:%M:%S")


def _navigation(path: str) -> list[dict[str, Any]]:
    here = path.removeprefix(PREFIX).removeprefix("new/")
    return [
        {
            "title": title,
            "entries": [
                {
                    "href": PREFIX + entry,
                    "label": label,
                    "is_here": here.startswith(entry) if entry else not here,
                }
                for entry, label in entries
            ],
        }
        for title, entries in NAVIGATION
    ]

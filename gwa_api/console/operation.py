"""Long actions: what was accepted, and what became of it."""

import json
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from gwa_api.console.calls import carry_out, route_of
from gwa_api.console.pages import PREFIX, show
from gwa_api.console.request import ConsoleRequest
from gwa_api.console.values import in_words
from gwa_api.rest.declaration import Json, Reply

PATH = "operations/{operation}/"


def shown_operation(_request: ConsoleRequest, reply: Reply) -> HttpResponse:
    """Leads to the page of an operation that was accepted."""
    body = reply.body or {}
    return HttpResponseRedirect(PREFIX + PATH.format(operation=body["id"]))


def operation(request: ConsoleRequest, **ids: str) -> HttpResponse:
    """How a long action stands; the page is loaded again to look once more."""
    route = route_of("GET", "/operations/{operation}")
    body = carry_out(request, route, ids).body or {}
    facts = [
        (_("Zustand"), _state(body)),
        (_("Begonnen"), in_words("", body["created"])),
        (_("Stand"), in_words("", body["updated"])),
        (_("Ergebnis"), _written(body["result"])),
        (_("Problem"), _written(body["problem"])),
    ]
    again = body["state"] in ("queued", "running")
    title = _("Vorgang")
    return show(request, "facts", title=title, facts=facts, look_again=again)


def _state(body: Json) -> str:
    words = {
        "queued": _("wartet"),
        "running": _("läuft"),
        "succeeded": _("erledigt"),
        "failed": _("fehlgeschlagen"),
    }
    return words[body["state"]]


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if value else "–"

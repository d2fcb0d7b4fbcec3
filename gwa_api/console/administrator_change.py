"""The change of the administrator: announced and cancelled here (R90)."""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from gwa_api.console.actions import Action, saying
from gwa_api.console.calls import carry_out, route_of
from gwa_api.console.form import ApiForm
from gwa_api.console.listing import page
from gwa_api.console.pages import PREFIX, show
from gwa_api.console.request import ConsoleRequest
from gwa_api.console.values import in_words

PATH = "administrator-change/"
_ROUTE = "/administrator-change"
_LABELS = {
    "holder_id": _l("Nächster Administrator"),
    "certificate": _l("Sein Zertifikat (SHA-256)"),
    "announced_at": _l("Angekündigt"),
    "ended_at": _l("Abgeschlossen"),
}


class ChangeForm(ApiForm):
    """Who comes next, and with which certificate."""

    holder_id = forms.CharField(label=_l("Kennung"), max_length=32)
    certificate = forms.CharField(
        label=_l("TLS-Zertifikat (PEM)"),
        max_length=16_384,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
    )


ANNOUNCE = Action(
    path=f"{PATH}announce/",
    name="administrator-change-announce",
    route=route_of("POST", _ROUTE),
    title=_l("Wechsel ankündigen"),
    button=_l("Wechsel ankündigen"),
    consequences=saying(
        _l("Mit der ersten Anfrage des nächsten ist der Wechsel vollzogen."),
        _l("Danach gilt keines Ihrer Zertifikate mehr, auch dieser Zugang nicht."),
        _l("Bis dahin lässt er sich abbrechen."),
    ),
    form=ChangeForm,
    back=PATH,
)
CANCEL = Action(
    path=f"{PATH}cancel/",
    name="administrator-change-cancel",
    route=route_of("DELETE", _ROUTE),
    title=_l("Wechsel abbrechen"),
    button=_l("Wechsel abbrechen"),
    consequences=saying(
        _l("Das Zertifikat des nächsten Administrators gilt nicht mehr."),
        _l("Der Abbruch steht im System-Log (700034)."),
    ),
    back=PATH,
)


def change(request: ConsoleRequest) -> HttpResponse:
    """How the change stands."""
    body = carry_out(request, route_of("GET", _ROUTE), {}).body or {}
    words = {
        "none": _("keiner"),
        "announced": _("angekündigt"),
        "complete": _("vollzogen"),
        "cancelled": _("abgebrochen"),
    }
    facts: list[tuple[Any, str]] = [(_("Wechsel"), words[body["state"]])]
    facts += [(label, in_words("", body[name])) for name, label in _LABELS.items()]
    wanted = CANCEL if body["state"] == "announced" else ANNOUNCE
    links = [(PREFIX + wanted.path, wanted.title)]
    title = _("Wechsel des Administrators")
    return show(request, "facts", title=title, facts=facts, links=links)


def urls() -> list[URLPattern]:
    """How it stands, and what can be done."""
    return [
        page(PATH, change, "administrator-change"),
        ANNOUNCE.page(),
        CANCEL.page(),
    ]

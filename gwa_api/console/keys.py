"""The gateway's keys and its trust anchors; a private key never leaves its module."""

from typing import Any

from django import forms
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from gwa_api.console.actions import Action, Ids, saying
from gwa_api.console.calls import carry_out, route_of
from gwa_api.console.form import ApiForm
from gwa_api.console.listing import page
from gwa_api.console.operation import shown_operation
from gwa_api.console.pages import PREFIX, SAYS, show
from gwa_api.console.request import ConsoleRequest
from gwa_api.console.values import in_words
from gwa_api.rest.declaration import Json, Reply
from gwa_api.rest.problem import ApiProblem

_PEM = {"rows": 6, "spellcheck": "false"}
_KINDS = {
    "root": _l("Wurzel"),
    "authority": _l("Unterzertifizierungsstelle"),
    "revocation_list": _l("Sperrliste"),
}


class AnchorForm(ApiForm):
    """One of: a root with its link certificate, a sub-CA, a revocation list."""

    authority = forms.CharField(
        label=_l("Unterzertifizierungsstelle (PEM)"),
        required=False,
        widget=forms.Textarea(attrs=_PEM),
    )
    revocation_list = forms.CharField(
        label=_l("Sperrliste (PEM)"), required=False, widget=forms.Textarea(attrs=_PEM)
    )
    root = forms.CharField(
        label=_l("Wurzel (PEM)"), required=False, widget=forms.Textarea(attrs=_PEM)
    )
    link = forms.CharField(
        label=_l("Link-Zertifikat zur Wurzel (PEM)"),
        required=False,
        widget=forms.Textarea(attrs=_PEM),
    )

    def clean(self) -> dict[str, Any]:
        """One of them."""
        found = super().clean() or {}
        given = [n for n in ("authority", "revocation_list", "root") if found.get(n)]
        if len(given) != 1 or (found.get("link") and given != ["root"]):
            raise forms.ValidationError(_("Genau eines davon ausfüllen."))
        return found


def given_up(request: ConsoleRequest, ids: Ids) -> list[str]:
    """What giving up an anchor means."""
    named = [one for one in anchors(request) if one["id"] == ids["anchor"]]
    name = named[0]["subject_cn"] if named else "–"
    return [
        _("Zertifikaten unter diesem Anker wird nicht mehr getraut: %(name)s.")
        % {"name": name},
        _("Die letzte Wurzel bleibt immer."),
    ]


def requests_page(request: ConsoleRequest, reply: Reply) -> HttpResponse:
    """The PKCS#10 requests of the new keys."""
    facts = [(name.upper(), pem) for name, pem in (reply.body or {}).items()]
    title = _("Zertifikatsanfragen der neuen Schlüssel")
    back = (f"{PREFIX}keys/", _("Schlüssel und Anker"))
    return show(request, "facts", title=title, facts=facts, back=back)


REQUEST = Action(
    path="keys/request/",
    name="keys-request",
    route=route_of("POST", "/keys/requests"),
    title=_l("Neue Schlüssel erzeugen"),
    button=_l("Erzeugen"),
    consequences=saying(
        _l(
            "In der freien Schlüsselbank entstehen neue Schlüssel für TLS, ENC und SIG."
        ),
        _l("Die bisherigen gelten weiter, bis die neuen in Kraft gesetzt werden."),
        _l("Die Seite zeigt danach die Zertifikatsanfragen (PKCS#10)."),
    ),
    back="keys/",
    answer=requests_page,
)
ACTIVATE = Action(
    path="keys/activate/",
    name="keys-activate",
    route=route_of("POST", "/keys/activate"),
    title=_l("Neue Schlüssel in Kraft setzen"),
    button=_l("In Kraft setzen"),
    consequences=saying(
        _l("Das Gateway verbindet sich zur Probe mit dem neuen TLS-Schlüssel."),
        _l("Gelingt das, gelten die neuen Schlüssel; die alten gelten nicht mehr."),
    ),
    back="keys/",
    answer=shown_operation,
)
DELETE = Action(
    path="keys/anchors/{anchor}/delete/",
    name="keys-anchor-delete",
    route=route_of("DELETE", "/trust-anchors/{anchor}"),
    title=_l("Anker aufgeben"),
    button=_l("Aufgeben"),
    consequences=given_up,
    typed="anchor",
    back="keys/",
    says="deleted",
)


def keys(request: ConsoleRequest) -> HttpResponse:
    """The bank in use, and the anchors."""
    device = carry_out(request, route_of("GET", "/device"), {}).body or {}
    return show(
        request,
        "keys",
        facts=[
            (_("Schlüsselbank in Kraft"), str(device["key_bank"])),
            (_("Zustand des Sicherheitsmoduls"), device["life_cycle"]),
        ],
        anchors=[_anchor(one) for one in anchors(request)],
        buttons=[(PREFIX + one.path, one.title) for one in (REQUEST, ACTIVATE)],
        add=f"{PREFIX}keys/anchors/",
    )


def add_anchor(request: ConsoleRequest) -> HttpResponse:
    """Takes an anchor in."""
    is_post = request.method == "POST"
    form = AnchorForm(request.POST if is_post else None)
    if is_post and form.is_valid():
        try:
            carry_out(request, route_of("POST", "/trust-anchors"), {}, form.body())
            return HttpResponseRedirect(f"{PREFIX}keys/?{SAYS}=imported")
        except ApiProblem as problem:
            form.refuse(problem)
    status, title = (422 if is_post else 200), _("Anker hinzufügen")
    return show(request, "form", status=status, form=form, title=title)


def anchors(request: ConsoleRequest) -> list[Json]:
    """Roots, sub-CAs, revocation lists."""
    body = carry_out(request, route_of("GET", "/trust-anchors"), {}).body or {}
    found: list[Json] = body["items"]
    return found


def urls() -> list[URLPattern]:
    """Keys and anchors, and what can be done with them."""
    return [
        page("keys/", keys, "keys"),
        REQUEST.page(),
        ACTIVATE.page(),
        page("keys/anchors/", add_anchor, "keys-anchor-new", posts=True),
        DELETE.page(),
    ]


def _anchor(one: Json) -> dict[str, Any]:
    is_list = one["kind"] == "revocation_list"
    return {
        "kind": _KINDS[one["kind"]],
        "name": one["subject_cn"] or "–",
        "id": one["id"],
        "until": in_words("", one["not_after"]),
        "delete": "" if is_list else PREFIX + DELETE.path.format(anchor=one["id"]),
    }

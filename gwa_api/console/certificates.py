"""The certificate store: whose certificates are known, imported, taken out of force."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from gwa_api.console.actions import Action, Ids
from gwa_api.console.calls import carry_out, route_of
from gwa_api.console.form import ApiForm
from gwa_api.console.listing import Choice, ListAdmin, page
from gwa_api.console.pages import PREFIX, SAYS, moment, show
from gwa_api.console.request import ConsoleRequest
from gwa_api.console.values import in_words, word
from gwa_api.rest.certificates import visible
from gwa_api.rest.problem import ApiProblem
from logbooks.models import Certificate

ONE = "certificates/{certificate}/"
_HOLDERS = ("SMGW", "GWA", "EMT", "CLS")
_LABELS = {
    "kind": _l("Zweck"),
    "stage": _l("Stufe"),
    "holder": _l("Inhaber"),
    "holder_id": _l("Kennung"),
    "state": _l("Zustand"),
    "subject_cn": _l("Ausgestellt für"),
    "issuer_cn": _l("Ausgestellt von"),
    "serial": _l("Seriennummer"),
    "ski": "SKI",
    "curve": _l("Kurve"),
    "not_before": _l("Gültig ab"),
    "not_after": _l("Gültig bis"),
    "certificate": "PEM",
}


class ImportForm(ApiForm):
    """A certificate, and whose it is."""

    holder = forms.ChoiceField(
        label=_l("Inhaber"),
        choices=[
            ("EMT", _l("Marktteilnehmer")),
            ("GWA", _l("Gateway-Administrator")),
            ("SMGW", _l("dieses Gateway")),
        ],
    )
    holder_id = forms.CharField(
        label=_l("Kennung des Inhabers"),
        max_length=32,
        required=False,
        help_text=_l("Für dieses Gateway leer."),
    )
    kind = forms.ChoiceField(
        label=_l("Zweck"),
        required=False,
        choices=[("", "–"), ("TLS", "TLS"), ("ENC", "ENC"), ("SIG", "SIG")],
    )
    certificate = forms.CharField(
        label=_l("Zertifikat (PEM)"),
        max_length=16_384,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
    )


class HolderChoice(Choice):
    """Certificates of a kind of holder."""

    title, parameter_name, field = _l("Inhaber"), "inhaber", "holder"

    def choices_of(self) -> Sequence[tuple[str, Any]]:
        """See the base class."""
        return [(one, one) for one in _HOLDERS]


class StateChoice(Choice):
    """Certificates of a state."""

    title, parameter_name, field = _l("Zustand"), "zustand", "state"

    def choices_of(self) -> Sequence[tuple[str, Any]]:
        """See the base class."""
        return [(str(one), word(one)) for one in Certificate.State]


def taken_out(_request: ConsoleRequest, ids: Ids) -> list[str]:
    """What ending a certificate means."""
    entry = visible().filter(pk=ids["certificate"]).first()
    name = f"{entry.holder} {entry.holder_id} {entry.kind}" if entry else "–"
    return [
        _("Das Zertifikat gilt nicht mehr und kommt nie wieder in Kraft: %(name)s.")
        % {"name": name},
        _("Verbindungen mit ihm werden ab sofort abgelehnt."),
    ]


END = Action(
    path=f"{ONE}end/",
    name="certificates-end",
    route=route_of("DELETE", "/certificates/{certificate}"),
    title=_l("Außer Kraft setzen"),
    button=_l("Außer Kraft setzen"),
    consequences=taken_out,
    typed="certificate",
    back="certificates/",
    says="ended",
)


class CertificateAdmin(ListAdmin):
    """Everybody's but those of people in the house."""

    path, title = "certificates/", _l("Zertifikate")
    hint = _l("Es sind keine Zertifikate bekannt.")
    has_pages = True
    buttons = (("certificates/import/", _l("Zertifikat importieren")),)
    search_label = _l("Name, Kennung oder SKI")
    list_display = ("subject", "holder_", "kind_", "state_", "from_", "to_")
    list_filter = (HolderChoice, StateChoice)
    search_fields = ("subject_cn", "holder_id", "ski")
    ordering = ("not_after", "fingerprint")

    def get_queryset(self, request: Any) -> QuerySet[Certificate]:
        """What the API shows."""
        return visible()

    def get_urls(self) -> list[URLPattern]:
        """The list, the import, one, its end."""
        bring = page("certificates/import/", self.import_view, "import", posts=True)
        one = page(ONE, self.one_view, "certificates-one")
        return [*super().get_urls(), bring, one, END.page()]

    def one_view(self, request: ConsoleRequest, **ids: str) -> HttpResponse:
        """One certificate as PEM."""
        route = route_of("GET", "/certificates/{certificate}")
        body = carry_out(request, route, ids).body or {}
        facts = [(label, in_words(n, body[n])) for n, label in _LABELS.items()]
        facts.insert(0, ("SHA-256", ids["certificate"]))
        links = [(PREFIX + END.path.format(**ids), END.title)]
        title = body["subject_cn"] or _("Zertifikat")
        back = (PREFIX + self.path, self.title)
        return show(request, "facts", title=title, facts=facts, links=links, back=back)

    def import_view(self, request: ConsoleRequest) -> HttpResponse:
        """Takes a certificate in."""
        is_post = request.method == "POST"
        form = ImportForm(request.POST if is_post else None)
        if is_post and form.is_valid():
            try:
                carry_out(request, route_of("POST", "/certificates"), {}, form.body())
                return HttpResponseRedirect(f"{PREFIX}{self.path}?{SAYS}=imported")
            except ApiProblem as problem:
                form.refuse(problem)
        status = 422 if is_post else 200
        title = _("Zertifikat importieren")
        return show(request, "form", status=status, admin=self, form=form, title=title)

    @display(description=_l("Ausgestellt für"))
    def subject(self, row: Certificate) -> str:
        """Whose name is on it."""
        return row.subject_cn or row.pk[:16]

    @display(description=_l("Inhaber"))
    def holder_(self, row: Certificate) -> str:
        """Whose it is."""
        return f"{row.holder} {row.holder_id}".strip()

    @display(description=_l("Zweck"))
    def kind_(self, row: Certificate) -> str:
        """What it is for."""
        return row.kind

    @display(description=_l("Zustand"))
    def state_(self, row: Certificate) -> str:
        """Whether it is in force."""
        return _("in Kraft") if row.state == "active" else word(row.state)

    @display(description=_l("Gültig ab"))
    def from_(self, row: Certificate) -> str:
        """Its begin."""
        return moment(row.not_before)

    @display(description=_l("Gültig bis"))
    def to_(self, row: Certificate) -> str:
        """Its end."""
        return moment(row.not_after)

"""Proxy profiles: which device in the house may reach which market participant."""

from typing import Any, ClassVar

from django import forms
from django.contrib.admin import display
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from gwa_api.console.actions import Action, Ids, saying
from gwa_api.console.calls import route_of
from gwa_api.console.fields import LinesField, MomentField, RowChoice
from gwa_api.console.form import NewForm
from gwa_api.console.pages import moment
from gwa_api.console.request import ConsoleRequest
from gwa_api.console.resource import ResourceAdmin
from gwa_api.models import ProxyConnection, ProxyProfile
from meters.models import Consumer
from tariffs.models import MarketParticipant


class ProxyForm(NewForm):
    """The members of a proxy profile."""

    scenario = forms.ChoiceField(
        label=_l("Szenario"), choices=[(one, one) for one in ("HKS3", "HKS4", "HKS5")]
    )
    consumer = RowChoice(Consumer, label=_l("Letztverbraucher"))
    emt = RowChoice(MarketParticipant, label=_l("Marktteilnehmer"))
    local_server_name = forms.CharField(
        label=_l("Name am CLS-Anschluss"), max_length=63
    )
    cls_address = forms.CharField(
        label=_l("Adresse des CLS"),
        max_length=80,
        required=False,
        help_text=_l("Für HKS4 und HKS5: name:port."),
    )
    cls_certificate = forms.CharField(
        label=_l("Zertifikat des CLS (PEM)"),
        required=False,
        max_length=16_384,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=_l("Leer: das vorhandene bleibt."),
    )
    wan_addresses = LinesField(
        label=_l("Adressen des Marktteilnehmers"), help_text=_l("Je Zeile name:port.")
    )
    wan_sni = forms.CharField(
        label=_l("Servername (SNI)"), max_length=253, required=False
    )
    valid_from = MomentField(label=_l("Gültig ab"), required=False)
    valid_to = MomentField(label=_l("Gültig bis"), required=False)
    max_duration_s = forms.IntegerField(
        label=_l("Längste Dauer in Sekunden"), required=False, min_value=1
    )
    idle_timeout_s = forms.IntegerField(
        label=_l("Ende nach Stille in Sekunden"), required=False, min_value=1
    )
    connect_timeout_s = forms.IntegerField(
        label=_l("Aufbau dauert höchstens Sekunden"), required=False, min_value=1
    )
    max_parallel = forms.IntegerField(
        label=_l("Verbindungen zugleich"), required=False, min_value=1, max_value=64
    )

    sections: ClassVar[Any] = (
        (_l("Wer"), ("id", "scenario", "consumer", "emt", "valid_from", "valid_to")),
        (_l("Im Haus"), ("local_server_name", "cls_address", "cls_certificate")),
        (_l("Im WAN"), ("wan_addresses", "wan_sni")),
        (
            _l("Grenzen"),
            ("max_duration_s", "idle_timeout_s", "connect_timeout_s", "max_parallel"),
        ),
    )


def etag(id_: str) -> str | None:
    """The version."""
    found = ProxyProfile.objects.filter(pk=id_).first()
    return None if found is None else str(found.version)


def _open(id_: str) -> int:
    rows = ProxyConnection.objects.filter(profile_id=id_, closed_at=None)
    return rows.exclude(opened_at=None).count()


def deleted(_request: ConsoleRequest, ids: Ids) -> list[str]:
    """What deleting a proxy profile means."""
    return [
        _("Verbindungen, die jetzt offen sind und enden: %(count)s.")
        % {"count": _open(ids["profile"])},
        _("Das Zertifikat des CLS gilt nicht mehr."),
    ]


CONNECT = Action(
    path="proxy-profiles/{profile}/connections/",
    name="proxy-profiles-connect",
    route=route_of("POST", "/proxy-profiles/{profile}/connections"),
    title=_l("Verbindung aufbauen"),
    button=_l("Aufbauen"),
    consequences=saying(
        _l("Das Gateway verbindet das CLS mit dem Marktteilnehmer (20018)."),
    ),
    back="proxy-profiles/{profile}/",
    says="ordered",
)


class ProxyAdmin(ResourceAdmin):
    """Proxy profiles."""

    path, title = "proxy-profiles/", _l("CLS-Proxyprofile")
    new_title, key = _l("CLS-Proxyprofil anlegen"), "profile"
    hint = _l("Ein Proxyprofil verbindet ein Gerät im Haus mit einem Marktteilnehmer.")
    search_label = _l("ID, Letztverbraucher oder Marktteilnehmer")
    api_form, etag_of, deleted = ProxyForm, etag, deleted
    shown = (("version", _l("Version")),)
    more = (CONNECT,)
    list_display = ("id_", "scenario_", "owner", "partner", "from_", "to_")
    search_fields = ("id", "consumer__id", "emt__id")
    ordering = ("id",)

    @display(description="ID")
    def id_(self, row: ProxyProfile) -> str:
        """Its id."""
        return row.pk

    @display(description=_l("Szenario"))
    def scenario_(self, row: ProxyProfile) -> str:
        """Who begins."""
        return row.scenario

    @display(description=_l("Letztverbraucher"))
    def owner(self, row: ProxyProfile) -> str:
        """Whose house it is."""
        return row.consumer_id

    @display(description=_l("Marktteilnehmer"))
    def partner(self, row: ProxyProfile) -> str:
        """Who is reached."""
        return row.emt_id

    @display(description=_l("Gültig ab"))
    def from_(self, row: ProxyProfile) -> str:
        """Its begin."""
        return moment(row.valid_from)

    @display(description=_l("Gültig bis"))
    def to_(self, row: ProxyProfile) -> str:
        """Its end."""
        return moment(row.valid_to)

"""Communication profiles: how partners are reached over the WAN."""

from typing import Any, ClassVar

from django import forms
from django.contrib.admin import display
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from gwa_api.console.actions import Ids
from gwa_api.console.fields import LinesField, OptionalFlag, RowChoice
from gwa_api.console.form import NewForm
from gwa_api.console.request import ConsoleRequest
from gwa_api.console.resource import ResourceAdmin
from gwa_api.console.values import word
from gwa_api.models import CommunicationProfile
from hardware.cms_suite import EnvelopeSuite
from tariffs.models import MarketParticipant


class WayForm(NewForm):
    """The members of a communication profile."""

    participant = RowChoice(
        MarketParticipant,
        label=_l("Partner"),
        required=False,
        unsaid=_l("der Gateway-Administrator"),
    )
    addresses = LinesField(
        label=_l("Adressen"),
        help_text=_l("Je Zeile name:port, in der Reihenfolge der Versuche."),
    )
    path = forms.CharField(
        label=_l("Pfad"),
        max_length=200,
        required=False,
        help_text=_l("Leer: /deliveries."),
    )
    management_addresses = LinesField(
        label=_l("Adressen für den Administrationskanal"),
        required=False,
        help_text=_l("Nur für den Gateway-Administrator."),
    )
    sni = forms.CharField(label=_l("Servername (SNI)"), max_length=253, required=False)
    route = forms.ChoiceField(
        label=_l("Weg der Lieferungen"),
        required=False,
        choices=[("", "–"), ("direct", _l("direkt")), ("via_gwa", _l("über den GWA"))],
    )
    suite = forms.ChoiceField(
        label=_l("Verschlüsselung der Inhalte"),
        required=False,
        choices=[("", "–"), *((name, name) for name in EnvelopeSuite.__members__)],
    )
    compressed = OptionalFlag(_l("ja (üblich)"), label=_l("Komprimieren"))

    sections: ClassVar[Any] = (
        (_l("Partner"), ("id", "participant")),
        (_l("Verbindung"), ("addresses", "path", "management_addresses", "sni")),
        (_l("Inhalte"), ("route", "suite", "compressed")),
    )


def etag(id_: str) -> str | None:
    """The version."""
    found = CommunicationProfile.objects.filter(pk=id_).first()
    return None if found is None else str(found.version)


def deleted(_request: ConsoleRequest, ids: Ids) -> list[str]:
    """What deleting a way means."""
    way = CommunicationProfile.objects.filter(pk=ids["profile"]).first()
    if way is not None and way.participant_id is None:
        return [
            _("Der Gateway-Administrator wird nicht mehr erreicht."),
            _("Alarme und Lieferungen über ihn warten, bis es wieder einen Weg gibt."),
        ]
    return [_("Der Partner bekommt nichts mehr; seine Lieferungen warten.")]


class WayAdmin(ResourceAdmin):
    """Communication profiles."""

    path, title = "communication-profiles/", _l("Kommunikationsprofile")
    new_title, key = _l("Kommunikationsprofil anlegen"), "profile"
    hint = _l("Ein Kommunikationsprofil sagt, wo ein Partner erreicht wird.")
    search_label = _l("ID oder Partner")
    api_form, etag_of, deleted = WayForm, etag, deleted
    shown = (("version", _l("Version")),)
    list_display = ("id_", "partner", "addresses_", "route_", "version_")
    search_fields = ("id", "participant__id")
    ordering = ("id",)

    @display(description="ID")
    def id_(self, row: CommunicationProfile) -> str:
        """Its id."""
        return row.pk

    @display(description=_l("Partner"))
    def partner(self, row: CommunicationProfile) -> str:
        """Who is reached."""
        return row.participant_id or "GWA"

    @display(description=_l("Adressen"))
    def addresses_(self, row: CommunicationProfile) -> str:
        """Where."""
        return ", ".join(row.addresses)

    @display(description=_l("Weg der Lieferungen"))
    def route_(self, row: CommunicationProfile) -> str:
        """Directly or by the GWA."""
        return word(row.route)

    @display(description=_l("Version"))
    def version_(self, row: CommunicationProfile) -> int:
        """How often it was changed."""
        return row.version

"""External market participants: who may receive values."""

from django import forms
from django.contrib.admin import display
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from gwa_api.console.actions import Ids
from gwa_api.console.form import NewForm
from gwa_api.console.request import ConsoleRequest
from gwa_api.console.resource import ResourceAdmin
from gwa_api.rest.conditions import hashed
from gwa_api.rest.participants import shown as answered
from tariffs.models import EvaluationProfile, MarketParticipant


class ParticipantForm(NewForm):
    """The members of a market participant."""

    name = forms.CharField(label=_l("Name"), max_length=64, required=False)


def etag(id_: str) -> str | None:
    """The hash of what the API shows."""
    found = MarketParticipant.objects.filter(pk=id_).first()
    return None if found is None else hashed(answered(found))


def deleted(_request: ConsoleRequest, ids: Ids) -> list[str]:
    """What deleting a participant means."""
    profiles = EvaluationProfile.objects.filter(recipients=ids["participant"])
    return [
        _("Der Marktteilnehmer wird gelöscht."),
        _("Auswerteprofile, die an ihn liefern: %(count)s.")
        % {"count": profiles.count()},
        _("Solange es welche gibt, bleibt er."),
    ]


class ParticipantAdmin(ResourceAdmin):
    """Market participants."""

    path, title = "market-participants/", _l("Marktteilnehmer")
    new_title, key = _l("Marktteilnehmer anlegen"), "participant"
    hint = _l("Marktteilnehmer bekommen Werte; selbst fragen können sie nichts.")
    search_label = _l("ID oder Name")
    api_form, etag_of, deleted = ParticipantForm, etag, deleted
    list_display = ("id_", "name_")
    search_fields = ("id", "name")
    ordering = ("id",)

    @display(description="ID")
    def id_(self, row: MarketParticipant) -> str:
        """His id."""
        return row.pk

    @display(description=_l("Name"))
    def name_(self, row: MarketParticipant) -> str:
        """His name."""
        return row.name

"""Consumers: who they are and how they log in; credentials only go in."""

from typing import Any

from django import forms
from django.contrib.admin import display
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from gwa_api.console.actions import Action, Ids, saying
from gwa_api.console.calls import route_of
from gwa_api.console.form import ApiForm, NewForm
from gwa_api.console.listing import yes_or_no
from gwa_api.console.request import ConsoleRequest
from gwa_api.console.resource import ResourceAdmin
from gwa_api.rest.conditions import hashed
from gwa_api.rest.consumers import shown as answered
from meters.models import Consumer, Meter


class ConsumerForm(NewForm):
    """The members of a consumer."""

    name = forms.CharField(label=_l("Name"), max_length=64, required=False)
    auth = forms.MultipleChoiceField(
        label=_l("Anmeldung mit"),
        choices=[("password", _l("Passwort")), ("certificate", _l("Zertifikat"))],
        widget=forms.CheckboxSelectMultiple,
    )
    log_retention_months = forms.IntegerField(
        label=_l("Aufbewahrung seines Logs in Monaten"),
        required=False,
        min_value=1,
        max_value=1200,
        help_text=_l("Mindestens 15; leer: 24."),
    )


class CredentialsForm(ApiForm):
    """A new password, or a certificate: one of them."""

    password = forms.CharField(
        label=_l("Neues Passwort"),
        required=False,
        min_length=8,
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    certificate = forms.CharField(
        label=_l("Zertifikat (PEM)"),
        required=False,
        max_length=16_384,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
    )

    def clean(self) -> dict[str, Any]:
        """One of the two."""
        found = super().clean() or {}
        if bool(found.get("password")) == bool(found.get("certificate")):
            raise forms.ValidationError(_("Entweder ein Passwort oder ein Zertifikat."))
        return found


def etag(id_: str) -> str | None:
    """The hash of what the API shows."""
    found = Consumer.objects.filter(pk=id_).first()
    return None if found is None else hashed(answered(found))


def deleted(_request: ConsoleRequest, ids: Ids) -> list[str]:
    """What deleting a consumer means."""
    meters = Meter.objects.filter(consumer=ids["consumer"]).count()
    return [
        _("Der Letztverbraucher und seine Anmeldung werden gelöscht."),
        _("Sein Log bleibt bis zum Ende der Aufbewahrung."),
        _("Zähler, die ihm gehören: %(count)s. Mit Zählern wird er nicht gelöscht.")
        % {"count": meters},
    ]


CREDENTIALS = Action(
    path="consumers/{consumer}/credentials/",
    name="consumers-credentials",
    route=route_of("PUT", "/consumers/{consumer}/credentials"),
    title=_l("Neue Zugangsdaten"),
    button=_l("Zugangsdaten ersetzen"),
    consequences=saying(
        _l("Das bisherige Passwort oder Zertifikat gilt dann nicht mehr."),
        _l("Der Letztverbraucher erfährt es in seinem Log (20033)."),
        _l("Niemand kann es danach wieder lesen, auch hier nicht."),
    ),
    form=CredentialsForm,
    back="consumers/{consumer}/",
)


class ConsumerAdmin(ResourceAdmin):
    """Consumers; their readings and logs are nowhere here."""

    path, title = "consumers/", _l("Letztverbraucher")
    new_title, key = _l("Letztverbraucher anlegen"), "consumer"
    hint = _l("Jeder Zähler gehört einem Letztverbraucher.")
    search_label = _l("ID oder Name")
    api_form, etag_of, deleted = ConsumerForm, etag, deleted
    more = (CREDENTIALS,)
    list_display = ("id_", "name_", "by_password", "by_certificate")
    search_fields = ("id", "name")
    ordering = ("id",)

    @display(description="ID")
    def id_(self, row: Consumer) -> str:
        """His id."""
        return row.pk

    @display(description=_l("Name"))
    def name_(self, row: Consumer) -> str:
        """His name."""
        return row.name

    @display(description=_l("Anmeldung mit Passwort"))
    def by_password(self, row: Consumer) -> str:
        """Whether a password logs in."""
        return yes_or_no(row.password_login)

    @display(description=_l("mit Zertifikat"))
    def by_certificate(self, row: Consumer) -> str:
        """Whether a certificate does."""
        return yes_or_no(row.certificate_login)

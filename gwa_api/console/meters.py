"""Meters and how they are read; a key only goes in."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.contrib.admin import display
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from gwa_api.console.actions import Action, Ids, saying
from gwa_api.console.calls import route_of
from gwa_api.console.fields import DocumentField, LinesField, OptionalFlag, RowChoice
from gwa_api.console.form import ApiForm, NewForm
from gwa_api.console.listing import yes_or_no
from gwa_api.console.request import ConsoleRequest
from gwa_api.console.resource import ResourceAdmin
from hardware.device_id import canonical_meter_id
from meters.configuration import BAUDRATES
from meters.models import Consumer, Meter
from tariffs.models import ProfileInput

_MEDIA = {
    1: _l("Strom"),
    5: _l("Kälte"),
    6: _l("Wärme"),
    7: _l("Gas"),
    8: _l("Wasser"),
    9: _l("Warmwasser"),
}


def _raw(values: Iterable[str]) -> list[tuple[str, str]]:
    """Words of the trade as they are."""
    return [(str(one), str(one)) for one in values]


class MeterForm(NewForm):
    """The members of a meter."""

    id = forms.RegexField(r"\A[0-9A-Za-z]{1,40}\Z", label="ID", max_length=40)
    consumer = RowChoice(Consumer, label=_l("Letztverbraucher"))
    name = forms.CharField(label=_l("Name"), max_length=64, required=False)
    medium = forms.TypedChoiceField(
        label=_l("Medium"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", _l("wie die ID es sagt")), *_MEDIA.items()],
    )
    source = forms.ChoiceField(label=_l("Quelle"), choices=_raw(Meter.Source))
    port = forms.CharField(
        label=_l("Anschluss"),
        max_length=200,
        help_text=_l("/dev/ttyUSB0 oder socket://name:port."),
    )
    baudrate = forms.TypedChoiceField(
        label=_l("Geschwindigkeit"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", _l("wie bei der Quelle üblich"))]
        + [(rate, rate) for rate in sorted(BAUDRATES)],
    )
    server_id = forms.CharField(
        label=_l("Server-ID (hex)"),
        max_length=40,
        required=False,
        help_text=_l("Leer: wie die ID es sagt."),
    )
    security = forms.ChoiceField(
        label=_l("Sicherung am LMN"),
        required=False,
        choices=[("", _l("wie bei der Quelle üblich")), *_raw(Meter.Security)],
    )
    stick = forms.ChoiceField(
        label=_l("Funkmodul"),
        required=False,
        choices=[("", "–"), *_raw(Meter.Stick)],
    )
    master_key = forms.RegexField(
        r"\A[0-9a-fA-F]{32}\Z",
        label=_l("Schlüssel des Zählers"),
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_l("32 Hex-Ziffern, wo der Zähler einen hat."),
    )
    registers = LinesField(
        label=_l("Register der Originalliste"),
        required=False,
        help_text=_l("Je Zeile eine OBIS-Kennzahl; leer: alle Zählwerke."),
    )
    obis_rules = DocumentField(
        label=_l("Eigene OBIS-Zuordnung (JSON)"), required=False, rows=3
    )
    max_register_value = forms.IntegerField(
        label=_l("Überlauf des Zählwerks bei"), required=False, min_value=1
    )
    allow_unsecured_billing = OptionalFlag(
        _l("nein (üblich)"), label=_l("Ohne Sicherung abrechnen")
    )
    is_active = OptionalFlag(_l("ja (üblich)"), label=_l("Wird gelesen"))

    sections: ClassVar[Any] = (
        (_l("Zähler"), ("id", "consumer", "name", "medium", "server_id")),
        (_l("Anschluss"), ("source", "port", "baudrate", "stick", "is_active")),
        (_l("Sicherung"), ("security", "master_key", "allow_unsecured_billing")),
        (_l("Register"), ("registers", "obis_rules", "max_register_value")),
    )


class KeyForm(ApiForm):
    """Another key."""

    master_key = forms.RegexField(
        r"\A[0-9a-fA-F]{32}\Z",
        label=_l("Schlüssel des Zählers"),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_l("32 Hex-Ziffern."),
    )


def etag(id_: str) -> str | None:
    """The version."""
    found = Meter.objects.filter(pk=_canonical(id_)).first()
    return None if found is None else str(found.version)


def _canonical(id_: str) -> str:
    """As it is stored, whatever form the address has it in."""
    try:
        return canonical_meter_id(id_)
    except ValueError:
        return id_


def deleted(_request: ConsoleRequest, ids: Ids) -> list[str]:
    """What deleting a meter means."""
    profiles = ProfileInput.objects.filter(meter=_canonical(ids["meter"]))
    return [
        _("Der Zähler und sein Schlüssel werden gelöscht."),
        _("Ein Zähler, von dem es Werte gibt, wird nur stillgelegt, nie gelöscht."),
        _("Auswerteprofile, die ihn lesen: %(count)s.")
        % {"count": profiles.values("profile").distinct().count()},
    ]


KEY = Action(
    path="meters/{meter}/key/",
    name="meters-key",
    route=route_of("PATCH", "/meters/{meter}"),
    title=_l("Anderer Schlüssel"),
    button=_l("Schlüssel ersetzen"),
    consequences=saying(
        _l(
            "Der bisherige Schlüssel gilt nicht mehr; der Zähler muss den neuen kennen."
        ),
        _l("Niemand kann den Schlüssel danach wieder lesen, auch hier nicht."),
    ),
    form=KeyForm,
    etag=etag,
    back="meters/{meter}/",
)


class MeterAdmin(ResourceAdmin):
    """Meters; opening one is told its consumer (20030)."""

    path, title = "meters/", _l("Zähler")
    new_title, key = _l("Zähler anlegen"), "meter"
    hint = _l("Hier stehen die Zähler, die das Gateway liest.")
    search_label = _l("ID, Server-ID, Name oder Letztverbraucher")
    api_form, etag_of, deleted = MeterForm, etag, deleted
    more = (KEY,)
    fixed = (
        "master_key",
        "consumer",
        "medium",
        "source",
        "server_id",
        "security",
        "stick",
        "registers",
        "obis_rules",
    )
    shown = (("valid_from", _l("Übernommen am")), ("version", _l("Version")))
    list_display = ("id_", "name_", "owner", "source_", "port_", "active_")
    search_fields = ("id", "server_id", "name", "consumer__id")
    ordering = ("id",)

    @display(description="ID")
    def id_(self, row: Meter) -> str:
        """Its id."""
        return row.pk

    @display(description=_l("Name"))
    def name_(self, row: Meter) -> str:
        """Its name."""
        return row.name

    @display(description=_l("Letztverbraucher"))
    def owner(self, row: Meter) -> str:
        """Whose it is."""
        return row.consumer_id

    @display(description=_l("Quelle"))
    def source_(self, row: Meter) -> str:
        """How it is read."""
        return row.source

    @display(description=_l("Anschluss"))
    def port_(self, row: Meter) -> str:
        """Where."""
        return row.port

    @display(description=_l("Wird gelesen"))
    def active_(self, row: Meter) -> str:
        """Whether it is read."""
        return yes_or_no(row.is_active)

"""Evaluation profiles: what is computed of which meter, and who gets it."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib.admin import display
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from gwa_api.console.actions import Action, Ids, saying
from gwa_api.console.calls import route_of
from gwa_api.console.fields import (
    DocumentField,
    InputsField,
    MinutesField,
    MomentField,
    OptionalFlag,
    RecipientsField,
    RowChoice,
)
from gwa_api.console.form import ApiForm, NewForm
from gwa_api.console.listing import Choice
from gwa_api.console.pages import moment
from gwa_api.console.request import ConsoleRequest
from gwa_api.console.resource import ResourceAdmin
from gwa_api.console.values import word
from gwa_api.rest.declaration import Json
from gwa_api.rest.profiles import etag_of
from meters.models import Consumer
from tariffs.lifecycle import CHANGEABLE
from tariffs.models import OWED_STATES, EvaluationProfile, MarketParticipant, OutboxRow
from tariffs.profile_spec import BUILT_TAFS

_State = EvaluationProfile.State
_INSTANT = ("aggregates", "thresholds", "triggers")
_PRIVACY = ("pseudonymise", "pseudonym", "purpose")


class ProfileForm(NewForm):
    """The members of an evaluation profile (rest-gwa.md 4.1)."""

    taf = forms.TypedChoiceField(
        label=_l("Anwendungsfall"),
        choices=[(number, f"TAF {number}") for number in sorted(BUILT_TAFS)],
        coerce=int,
    )
    name = forms.CharField(label=_l("Name"), max_length=64, required=False)
    consumer = RowChoice(
        Consumer,
        label=_l("Letztverbraucher"),
        required=False,
        unsaid=_l("der des Zählers"),
    )
    inputs = InputsField(
        label=_l("Eingänge"),
        help_text=_l(
            "Je Zeile Zähler und OBIS-Kennzahl, etwa 1emh0000000001 1-0:1.8.0*255; "
            "ein − am Ende zieht ab (TAF 1, 2)."
        ),
    )
    metering_point = forms.CharField(
        label=_l("Zählpunkt"), max_length=33, required=False
    )
    supplier_id = forms.CharField(
        label=_l("Kennung des Lieferanten"), max_length=32, required=False
    )
    valid_from = MomentField(
        label=_l("Gültig ab"),
        required=False,
        help_text=_l("Leer: ab sofort."),
    )
    valid_to = MomentField(
        label=_l("Gültig bis"), required=False, help_text=_l("Leer: unbefristet.")
    )
    registration_period = MinutesField(
        label=_l("Registrierperiode in Minuten"),
        required=False,
        min_value=1,
        max_value=44_640,
        help_text=_l("Leer: 15."),
    )
    billing_period__unit = forms.ChoiceField(
        label=_l("Einheit der Abrechnungsperiode"),
        required=False,
        choices=[
            ("", _l("wie beim Anwendungsfall üblich")),
            ("day", _l("Tag")),
            ("week", _l("Woche")),
            ("month", _l("Monat")),
        ],
    )
    billing_period__count = forms.IntegerField(
        label=_l("Einheiten je Periode"), required=False, min_value=1, max_value=366
    )
    billing_period__day = forms.IntegerField(
        label=_l("Beginnt am Tag"), required=False, min_value=1, max_value=28
    )
    delivery__recipients = RecipientsField(
        MarketParticipant, label=_l("Empfänger"), required=False
    )
    delivery__schedule = forms.CharField(
        label=_l("Sendeplan"),
        max_length=64,
        required=False,
        help_text=_l("Minute Stunde Tag Monat Wochentag, etwa 0 1 1 * *."),
    )
    tariff = DocumentField(
        label=_l("Tarif (nur TAF 2)"),
        required=False,
        help_text=_l(
            "JSON mit stages und rules oder switches, wie in der Beschreibung der "
            "REST-Schnittstelle."
        ),
    )
    aggregates = DocumentField(
        label=_l("Aggregate (TAF 9, 10)"), required=False, rows=3
    )
    thresholds = DocumentField(
        label=_l("Schwellen (TAF 9, 10, 14)"), required=False, rows=3
    )
    triggers = forms.MultipleChoiceField(
        label=_l("Anlässe (TAF 9, 10, 14)"),
        required=False,
        choices=[
            ("periodic", _l("periodisch")),
            ("threshold", _l("Schwellwert")),
            ("on_demand", _l("auf Abruf")),
            ("ad_hoc", _l("ad hoc")),
        ],
        widget=forms.CheckboxSelectMultiple,
    )
    pseudonymise = OptionalFlag(
        _l("ja, wo es der Anwendungsfall vorsieht"), label=_l("Pseudonymisieren")
    )
    pseudonym = forms.CharField(label=_l("Pseudonym"), max_length=32, required=False)
    purpose = forms.CharField(
        label=_l("Zweck"),
        max_length=64,
        required=False,
        help_text=_l("Ohne Pseudonym: der Vertrag, der die Namen erlaubt."),
    )

    sections: ClassVar[Any] = (
        (_l("Wer und was"), ("id", "taf", "name", "consumer", "inputs")),
        (_l("Vertrag"), ("metering_point", "supplier_id", "valid_from", "valid_to")),
        (
            _l("Perioden"),
            (
                "registration_period",
                "billing_period__unit",
                "billing_period__count",
                "billing_period__day",
            ),
        ),
        (_l("Lieferung"), ("delivery__recipients", "delivery__schedule")),
        (_l("Tarif"), ("tariff",)),
        (_l("Momentanwerte"), (*_INSTANT, *_PRIVACY)),
    )


class EndForm(ApiForm):
    """When the validity ends."""

    at = MomentField(label=_l("Ende"))


class StateChoice(Choice):
    """Profiles of a state."""

    title, parameter_name, field = _l("Zustand"), "zustand", "state"

    def choices_of(self) -> Sequence[tuple[str, Any]]:
        """See the base class."""
        return [(str(one), word(one)) for one in _State]


class TafChoice(Choice):
    """Profiles of a use case."""

    title, parameter_name, field = _l("Anwendungsfall"), "taf", "taf"

    def choices_of(self) -> Sequence[tuple[str, Any]]:
        """See the base class."""
        return [(str(number), f"TAF {number}") for number in sorted(BUILT_TAFS)]


def etag(id_: str) -> str | None:
    """The state of a profile; its consumer is not told."""
    found = EvaluationProfile.objects.filter(pk=id_).first()
    return None if found is None else etag_of(found)


def _owed(id_: str) -> int:
    rows = OutboxRow.objects.filter(profile=id_, state__in=OWED_STATES)
    return rows.count()


def deleted(_request: ConsoleRequest, ids: Ids) -> list[str]:
    """What deleting a profile means."""
    return [
        _("Das Profil wird gelöscht; es wird nichts mehr berechnet (20013)."),
        _("Der Letztverbraucher erfährt es in seinem Log."),
        _("Seine Listen bleiben ihm, bis ihre Aufbewahrung endet."),
        _("Lieferungen, die noch ausstehen: %(count)s.")
        % {"count": _owed(ids["profile"])},
    ]


def ended(_request: ConsoleRequest, ids: Ids) -> list[str]:
    """What ending a profile means."""
    return [
        _("Die Gültigkeit endet zum genannten Zeitpunkt (20032, 20012)."),
        _("Ein beendetes Profil beginnt nicht wieder; dafür gibt es ein neues."),
        _("Der Letztverbraucher erfährt es in seinem Log."),
        _("Lieferungen, die noch ausstehen: %(count)s.")
        % {"count": _owed(ids["profile"])},
    ]


END = Action(
    path="evaluation-profiles/{profile}/end/",
    name="evaluation-profiles-end",
    route=route_of("POST", "/evaluation-profiles/{profile}/end"),
    title=_l("Beenden"),
    button=_l("Zu diesem Zeitpunkt beenden"),
    consequences=ended,
    form=EndForm,
    etag=etag,
    back="evaluation-profiles/{profile}/",
    says="ended",
)


class OrderForm(ApiForm):
    """A reading on demand: for whom, of which day, why."""

    recipient = RowChoice(MarketParticipant, label=_l("Empfänger"))
    day = forms.DateField(
        label=_l("Tag (nur TAF 6)"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        input_formats=["%Y-%m-%d"],
    )
    reason = forms.ChoiceField(
        label=_l("Anlass"),
        choices=[
            ("other", _l("anderer")),
            ("move_in", _l("Einzug")),
            ("move_out", _l("Auszug")),
            ("supplier_change", _l("Lieferantenwechsel")),
            ("default_supply", _l("Grundversorgung")),
        ],
    )

    def body(self) -> Json:
        """The day as a text."""
        found = super().body()
        if "day" in found:
            found["day"] = found["day"].isoformat()
        return found


ORDER = Action(
    path="evaluation-profiles/{profile}/order/",
    name="evaluation-profiles-order",
    route=route_of("POST", "/on-demand-deliveries"),
    title=_l("Auf Abruf liefern"),
    button=_l("Lieferung beauftragen"),
    consequences=saying(
        _l("Der Empfänger bekommt den Wert, auch außerhalb seines Sendeplans (16004)."),
        _l("Angezeigt wird der Wert hier nicht."),
        _l("Der Letztverbraucher erfährt es in seinem Log."),
    ),
    form=OrderForm,
    named=lambda ids: {"evaluation_profile": ids["profile"]},
    back="evaluation-profiles/{profile}/",
    says="ordered",
)


class ProfileAdmin(ResourceAdmin):
    """Evaluation profiles; opening one is told its consumer (20029)."""

    path, title = "evaluation-profiles/", _l("Auswerteprofile")
    new_title, key = _l("Auswerteprofil anlegen"), "profile"
    hint = _l("Ein Profil legt fest, was aus den Messwerten wird und wer es bekommt.")
    search_label = _l("ID, Name, Letztverbraucher oder Zählpunkt")
    api_form, etag_of, deleted = ProfileForm, etag, deleted
    shown = (("state", _l("Zustand")), ("version", _l("Version")))
    more = (END, ORDER)
    list_display = ("id_", "use_case", "state_", "owner", "from_", "to_", "version_")
    list_filter = (StateChoice, TafChoice)
    search_fields = ("id", "name", "consumer__id", "metering_point")
    ordering = ("id",)

    def changeable(self, body: Json) -> list[str]:
        """While it runs, only what decides no value; never the consumer."""
        names = super().changeable(body)
        if body["state"] == _State.PLANNED:
            return [name for name in names if name != "consumer"]
        return [name for name in names if _stored_name(name) in CHANGEABLE]

    @display(description="ID")
    def id_(self, row: EvaluationProfile) -> str:
        """Its id."""
        return row.pk

    @display(description=_l("Anwendungsfall"))
    def use_case(self, row: EvaluationProfile) -> str:
        """Its use case."""
        return f"TAF {row.taf}"

    @display(description=_l("Zustand"))
    def state_(self, row: EvaluationProfile) -> str:
        """Its state."""
        return word(row.state)

    @display(description=_l("Letztverbraucher"))
    def owner(self, row: EvaluationProfile) -> str:
        """Whose it is."""
        return row.consumer_id

    @display(description=_l("Gültig ab"))
    def from_(self, row: EvaluationProfile) -> str:
        """Its begin."""
        return moment(row.valid_from)

    @display(description=_l("Gültig bis"))
    def to_(self, row: EvaluationProfile) -> str:
        """Its end."""
        return moment(row.valid_to)

    @display(description=_l("Version"))
    def version_(self, row: EvaluationProfile) -> int:
        """How often it was changed."""
        return row.version


def _stored_name(name: str) -> str:
    return name.removeprefix("delivery__")

"""Deliveries: what was sent to whom or is owed; spans and counts, never a value."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin import display
from django.http import HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from gwa_api.console.listing import Choice, ListAdmin, page
from gwa_api.console.pages import PREFIX, moment, show
from gwa_api.console.request import ConsoleRequest
from gwa_api.console.values import word
from gwa_api.rest.problem import not_found
from tariffs.models import OutboxRow


class DeliveryState(Choice):
    """Deliveries of a state."""

    title, parameter_name, field = _l("Zustand"), "zustand", "state"

    def choices_of(self) -> Sequence[tuple[str, Any]]:
        """See the base class."""
        return [(str(one), word(one)) for one in OutboxRow.State]


class DeliveryAdmin(ListAdmin):
    """Deliveries, newest first."""

    path, title = "deliveries/", _l("Lieferungen")
    hint = _l("Es wurde noch nichts geliefert.")
    search_label = _l("Auswerteprofil, Empfänger oder Kennung")
    has_pages = True
    list_display = ("profile_", "recipient_", "kind_", "until", "count_", "state_")
    list_filter = (DeliveryState,)
    search_fields = ("profile__id", "recipient__id", "message_id")
    ordering = ("-id",)

    def get_urls(self) -> list[URLPattern]:
        """The list, and one."""
        one = page("deliveries/{delivery}/", self.one_view, "deliveries-one")
        return [*super().get_urls(), one]

    def address_of(self, row: OutboxRow) -> str:  # type: ignore[override]
        """By the id that the recipient knows it by."""
        return f"{PREFIX}{self.path}{row.message_id}/"

    def one_view(self, request: ConsoleRequest, delivery: str) -> HttpResponse:
        """What the API says of one, and when it goes on."""
        row = OutboxRow.objects.filter(message_id=delivery).first()
        if row is None:
            raise not_found()
        facts = [
            (_("Kennung"), str(row.message_id)),
            (_("Auswerteprofil"), row.profile_id),
            (_("Empfänger"), row.recipient_id),
            (_("Art"), word(row.kind)),
            (_("Zeitraum"), f"{moment(row.begin)} – {moment(row.end)}"),
            (_("Teil"), f"{row.part} / {row.parts}"),
            (_("Datensätze"), str(row.count)),
            (_("Zustand"), word(row.state)),
            (_("Versuche"), str(row.attempts)),
            (_("Letzter Fehler"), row.last_error or "–"),
            (
                _("Nächster Versuch"),
                moment(row.next_attempt_at) if row.is_owed else "–",
            ),
            (_("Bestätigt"), moment(row.acknowledged_at)),
            ("SHA-256", row.sha256 or "–"),
        ]
        back = (PREFIX + self.path, self.title)
        return show(request, "facts", title=_("Lieferung"), facts=facts, back=back)

    @display(description=_l("Auswerteprofil"))
    def profile_(self, row: OutboxRow) -> str:
        """By which profile."""
        return row.profile_id

    @display(description=_l("Empfänger"))
    def recipient_(self, row: OutboxRow) -> str:
        """To whom."""
        return row.recipient_id

    @display(description=_l("Art"))
    def kind_(self, row: OutboxRow) -> str:
        """Why."""
        return word(row.kind)

    @display(description=_l("Werte bis"))
    def until(self, row: OutboxRow) -> str:
        """Up to when."""
        return moment(row.end)

    @display(description=_l("Datensätze"))
    def count_(self, row: OutboxRow) -> int:
        """How many records."""
        return row.count

    @display(description=_l("Zustand"))
    def state_(self, row: OutboxRow) -> str:
        """How it stands, and what went wrong last."""
        is_late = row.is_owed and row.last_error
        return f"{word(row.state)}: {row.last_error}" if is_late else word(row.state)

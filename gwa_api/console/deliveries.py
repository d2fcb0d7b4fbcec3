"""Deliveries: what was sent to whom or is owed; spans and counts, never a value."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin import display
from django.utils.translation import gettext_lazy as _l

from gwa_api.console.listing import Choice, ListAdmin
from gwa_api.console.pages import moment
from gwa_api.console.values import word
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
    list_display = (
        "profile_", "recipient_", "kind_", "span", "count_", "state_", "tries",
        "error", "done", "digest",
    )  # fmt: skip
    list_filter = (DeliveryState,)
    search_fields = ("profile__id", "recipient__id", "=message_id")
    ordering = ("-id",)

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

    @display(description=_l("Zeitraum"))
    def span(self, row: OutboxRow) -> str:
        """Of which time."""
        return f"{moment(row.begin)} – {moment(row.end)}"

    @display(description=_l("Datensätze"))
    def count_(self, row: OutboxRow) -> int:
        """How many records."""
        return row.count

    @display(description=_l("Zustand"))
    def state_(self, row: OutboxRow) -> str:
        """How it stands."""
        return word(row.state)

    @display(description=_l("Versuche"))
    def tries(self, row: OutboxRow) -> int:
        """How often it was tried."""
        return row.attempts

    @display(description=_l("Letzter Fehler"))
    def error(self, row: OutboxRow) -> str:
        """What went wrong last."""
        return row.last_error or "–"

    @display(description=_l("Bestätigt"))
    def done(self, row: OutboxRow) -> str:
        """When it was acknowledged."""
        return moment(row.acknowledged_at)

    @display(description="SHA-256")
    def digest(self, row: OutboxRow) -> str:
        """The first digits of the digest of what was sent."""
        return row.sha256[:16] or "–"

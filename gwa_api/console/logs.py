"""The two logs that the administrator may read (R89); a consumer's log is nowhere."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from gwa_api.console.actions import Action, saying
from gwa_api.console.calls import route_of
from gwa_api.console.listing import Choice, ListAdmin, page
from gwa_api.console.operation import shown_operation
from gwa_api.console.pages import PREFIX, moment, show
from gwa_api.console.request import ConsoleRequest
from gwa_api.rest.problem import not_found
from logbooks import access
from logbooks.models import CalibrationLogEntry, LogEntry, SystemLogEntry
from logbooks.selectors import calibration_line, log_line


class LevelChoice(Choice):
    """Entries of a level."""

    title, parameter_name, field = "Level", "level", "level"

    def choices_of(self) -> Sequence[tuple[str, Any]]:
        """See the base class."""
        return [(one, one.upper()) for one in ("info", "warning", "error", "fatal")]


class LogAdmin(ListAdmin):
    """Entries of a log, newest first."""

    search_label = _l("Ereignis-ID oder Fehlercode")
    hint = _l("Keine Einträge.")
    list_display = ("number_", "time", "level_", "event", "text")
    list_filter = (LevelChoice,)
    search_fields = ("=event_id",)
    ordering = ("-number",)

    @display(description=_l("Nummer"))
    def number_(self, row: LogEntry) -> int:
        """Its number in the chain."""
        return row.number

    @display(description=_l("Zeitpunkt"))
    def time(self, row: LogEntry) -> str:
        """When."""
        return moment(row.recorded_at)

    @display(description="Level")
    def level_(self, row: LogEntry) -> str:
        """How grave."""
        return row.level.upper()

    @display(description=_l("Ereignis"))
    def event(self, row: LogEntry) -> str:
        """Event or fault, and how it went."""
        return f"{row.event_id}/{row.event_sub_id}"

    @display(description=_l("Text"))
    def text(self, row: LogEntry) -> str:
        """The words of the catalogue."""
        return log_line(row).text


class SystemLogAdmin(LogAdmin):
    """The system log."""

    path, title = "logs/system/", _l("System-Log")

    def get_queryset(self, request: Any) -> QuerySet[SystemLogEntry]:
        """By the access matrix, as every reader."""
        return access.system_entries(request.administrator.access)


VERIFY = Action(
    path="logs/calibration/verify/",
    name="logs-calibration-verify",
    route=route_of("POST", "/logs/calibration/verify"),
    title=_l("Eich-Log prüfen"),
    button=_l("Prüfen"),
    consequences=saying(
        _l("Kette und Signaturen aller Einträge werden geprüft. Geändert wird nichts."),
    ),
    back="logs/calibration/",
    answer=shown_operation,
)


class CalibrationLogAdmin(LogAdmin):
    """The calibration log; each entry with its signature."""

    path, title = "logs/calibration/", _l("Eich-Log")
    has_pages = True
    buttons = ((VERIFY.path, VERIFY.title),)

    def get_urls(self) -> list[URLPattern]:
        """The list, an entry, the check."""
        return [
            *super().get_urls(),
            VERIFY.page(),
            page("logs/calibration/{entry}/", self.entry_view, "logs-calibration-one"),
        ]

    def get_queryset(self, request: Any) -> QuerySet[CalibrationLogEntry]:
        """By the access matrix, as every reader."""
        return access.calibration_entries(request.administrator.access)

    def entry_view(self, request: ConsoleRequest, entry: str) -> HttpResponse:
        """One entry: what is signed, and the signature."""
        row = self.get_queryset(request).filter(pk=int(entry)).first()
        if row is None:
            raise not_found()
        line = calibration_line(request.gateway, row)
        facts = [
            (_("Zeitpunkt"), moment(line.recorded_at)),
            (_("Ereignis"), f"{line.event_id}/{line.event_sub_id}"),
            (_("Text"), line.text),
            (_("Signierter Text"), line.signed_text),
            (_("Signatur (hex)"), line.signature.hex()),
            (_("Schlüssel (SKI)"), line.signer_ski),
        ]
        title = _("Eintrag %(number)s") % {"number": row.number}
        back = (PREFIX + self.path, self.title)
        return show(request, "facts", title=title, facts=facts, back=back)

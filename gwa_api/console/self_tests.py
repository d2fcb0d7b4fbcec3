"""The self-test: started here, and what each run found."""

from django.contrib.admin import display
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from gwa_api.console.actions import Action, saying
from gwa_api.console.calls import route_of
from gwa_api.console.listing import ListAdmin
from gwa_api.console.pages import moment
from logbooks.catalogue import fault
from logbooks.models import SelfTestRun

START = Action(
    path="selftests/start/",
    name="selftests-start",
    route=route_of("POST", "/selftests"),
    title=_l("Selbsttest starten"),
    button=_l("Starten"),
    consequences=saying(
        _l("Das Gateway prüft sich und alle gespeicherten Werte; das dauert Minuten."),
        _l("Ein schwerer Fehler führt in den Sperrzustand."),
        _l("Beginn und Ergebnis stehen in den Logbüchern (15001, 15002)."),
    ),
    back="selftests/",
    says="started",
)


class SelfTestAdmin(ListAdmin):
    """Runs, newest first; no consumer is named."""

    path, title = "selftests/", _l("Selbsttest")
    hint = _l("Der Selbsttest ist noch nie gelaufen.")
    buttons = ((START.path, START.title),)
    list_display = ("started", "ended", "by", "result", "faults")
    ordering = ("-id",)

    def get_urls(self) -> list[URLPattern]:
        """The list, and the page that starts a run."""
        return [*super().get_urls(), START.page()]

    @display(description=_l("Begonnen"))
    def started(self, row: SelfTestRun) -> str:
        """When it began."""
        return moment(row.started_at)

    @display(description=_l("Beendet"))
    def ended(self, row: SelfTestRun) -> str:
        """When it ended."""
        return moment(row.ended_at)

    @display(description=_l("Ausgelöst von"))
    def by(self, row: SelfTestRun) -> str:
        """A role, nobody's name."""
        return row.actor

    @display(description=_l("Ergebnis"))
    def result(self, row: SelfTestRun) -> str:
        """How it went."""
        if row.ended_at is None:
            return _("läuft")
        return _("Fehler gefunden") if row.codes else _("bestanden")

    @display(description=_l("Fehler"))
    def faults(self, row: SelfTestRun) -> str:
        """What it found."""
        found = [f"{code} {fault(code).description}" for code in row.codes]
        return "; ".join(found) or "–"

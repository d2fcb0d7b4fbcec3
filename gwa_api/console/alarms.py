"""Alarms: what stands, since when, and that the administrator has seen it."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin import display
from django.db.models import QuerySet
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from gwa_api.console.actions import Action, Ids
from gwa_api.console.calls import route_of
from gwa_api.console.listing import Choice, ListAdmin
from gwa_api.console.pages import PREFIX, moment
from gwa_api.console.request import ConsoleRequest
from logbooks.catalogue import fault, rendered
from logbooks.models import Alarm


class StandingChoice(Choice):
    """Alarms that stand, that are over, that nobody has acknowledged."""

    title, parameter_name = _l("Welche"), "welche"

    def choices_of(self) -> Sequence[tuple[str, Any]]:
        """See the base class."""
        return [
            ("offen", _("offene")),
            ("vorbei", _("vergangene")),
            ("neu", _("nicht quittierte")),
        ]

    def filtered(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        """See the base class."""
        if value == "offen":
            return rows.filter(cleared_at=None)
        if value == "vorbei":
            return rows.exclude(cleared_at=None)
        return rows.filter(acknowledged_at=None)


def seen(_request: ConsoleRequest, ids: Ids) -> list[str]:
    """What acknowledging means."""
    alarm = Alarm.objects.filter(pk=int(ids["alarm"])).first()
    return [
        f"{alarm.code}: {text_of(alarm)}" if alarm else "–",
        _("Der Alarm gilt als gesehen. Er steht, bis seine Ursache vorbei ist."),
    ]


ACKNOWLEDGE = Action(
    path="alarms/{alarm}/ack/",
    name="alarms-ack",
    route=route_of("POST", "/alarms/{alarm}/ack"),
    title=_l("Quittieren"),
    button=_l("Quittieren"),
    consequences=seen,
    back="alarms/",
    says="acknowledged",
)


class AlarmAdmin(ListAdmin):
    """Alarms, newest first."""

    path, title = "alarms/", _l("Alarme")
    hint = _l("Es steht kein Alarm an.")
    list_display = (
        "code_",
        "text",
        "subject_",
        "since_",
        "last",
        "count_",
        "over",
        "ack",
    )
    list_filter = (StandingChoice,)
    ordering = ("-id",)

    def get_urls(self) -> list[URLPattern]:
        """The list, and the page that acknowledges."""
        return [*super().get_urls(), ACKNOWLEDGE.page()]

    def row_actions(self, row: Alarm) -> Sequence[tuple[str, str]]:
        """One that was not seen can be acknowledged."""
        if row.acknowledged_at is not None:
            return ()
        return [(f"{PREFIX}alarms/{row.pk}/ack/", _("Quittieren"))]

    @display(description="Code")
    def code_(self, row: Alarm) -> int:
        """The fault code or event id."""
        return row.code

    @display(description=_l("Bedeutung"))
    def text(self, row: Alarm) -> str:
        """What it means."""
        return text_of(row)

    @display(description=_l("Betrifft"))
    def subject_(self, row: Alarm) -> str:
        """What it concerns."""
        return row.subject or _("das Gateway")

    @display(description=_l("Seit"))
    def since_(self, row: Alarm) -> str:
        """Its begin."""
        return moment(row.since)

    @display(description=_l("Zuletzt"))
    def last(self, row: Alarm) -> str:
        """When it was seen last."""
        return moment(row.last_at)

    @display(description=_l("Anzahl"))
    def count_(self, row: Alarm) -> int:
        """How often."""
        return row.count

    @display(description=_l("Vorbei"))
    def over(self, row: Alarm) -> str:
        """Its end."""
        return moment(row.cleared_at)

    @display(description=_l("Quittiert"))
    def ack(self, row: Alarm) -> str:
        """When it was acknowledged."""
        return moment(row.acknowledged_at)


def text_of(alarm: Alarm) -> str:
    """The words of the catalogue for what the alarm came with."""
    try:
        return fault(alarm.code).description
    except KeyError:
        return rendered(alarm.code, 1, [])

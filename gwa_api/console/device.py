"""The state of the gateway, and what concerns the whole of it."""

from datetime import timedelta
from typing import Any

from django.db.models import Count
from django.http import HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from gwa_api.console.actions import Action, saying
from gwa_api.console.calls import carry_out, route_of
from gwa_api.console.listing import page, yes_or_no
from gwa_api.console.operation import PATH as OPERATION
from gwa_api.console.operation import operation, shown_operation
from gwa_api.console.pages import PREFIX, moment, show
from gwa_api.console.request import ConsoleRequest
from gwa_api.console.values import in_words, word
from gwa_api.rest.declaration import Json
from logbooks.alarms import open_alarms
from logbooks.catalogue import fault
from logbooks.models import Certificate
from tariffs.models import OWED_STATES, EvaluationProfile, OutboxRow

SOON = timedelta(days=182)
"""Certificates that end so soon are named on the page of the state."""


RELEASE = Action(
    path="device/lockdown-release/",
    name="device-release",
    route=route_of("POST", "/device/lockdown-release"),
    title=_l("Sperrzustand aufheben"),
    button=_l("Selbsttest und Freigabe"),
    consequences=saying(
        _l("Zuerst läuft der Selbsttest. Besteht die Ursache noch, bleibt die Sperre."),
        _l("Gelingt es, misst und sendet das Gateway wieder."),
    ),
    back="",
    says="released",
)
RESTART = Action(
    path="device/restart/",
    name="device-restart",
    route=route_of("POST", "/device/restart"),
    title=_l("Neu starten"),
    button=_l("Neu starten"),
    consequences=saying(
        _l("Das Gateway beendet alles geordnet und startet neu."),
        _l("Etwa eine Minute lang wird nicht gemessen, und keine Seite antwortet."),
    ),
    back="",
    answer=shown_operation,
)
SEAL = Action(
    path="device/seal-damaged/",
    name="device-seal",
    route=route_of("POST", "/device/seal-damaged"),
    title=_l("Plombe als verletzt melden"),
    button=_l("Als verletzt melden"),
    consequences=saying(
        _l("Ab sofort tragen neue Werte den Status „nicht für die Abrechnung“."),
        _l("Das steht in allen Logbüchern und lässt sich nur vor Ort beheben."),
    ),
    back="",
)
INTEGRITY = Action(
    path="device/integrity-confirmation/",
    name="device-integrity",
    route=route_of("POST", "/device/integrity-confirmation"),
    title=_l("Unversehrtheit bestätigen"),
    button=_l("Bestätigen"),
    consequences=saying(
        _l("Sie bestätigen, dass die Plombe wieder heil und das Gerät unversehrt ist."),
        _l("Zuerst läuft der Selbsttest; danach gelten neue Werte wieder."),
    ),
    back="",
)
SYNCHRONISE = Action(
    path="time/synchronise/",
    name="time-synchronise",
    route=route_of("POST", "/time/synchronise"),
    title=_l("Zeit abgleichen"),
    button=_l("Abgleichen"),
    consequences=saying(
        _l("Das Gateway fragt den Zeitserver innerhalb einer Minute."),
    ),
    back="",
    answer=shown_operation,
)
ACTIONS = (RELEASE, RESTART, SEAL, INTEGRITY, SYNCHRONISE)


def state(request: ConsoleRequest) -> HttpResponse:
    """How the gateway stands, and what wants attention."""
    device = carry_out(request, route_of("GET", "/device"), {}).body or {}
    time = carry_out(request, route_of("GET", "/time"), {}).body or {}
    lockdown = device["lockdown"]
    is_locked = lockdown["mode"] != "normal"
    wanted = _wanted(is_locked=is_locked, marks=not device["values_for_billing"])
    return show(
        request,
        "state",
        lockdown=_lockdown(lockdown) if is_locked else None,
        for_billing=device["values_for_billing"],
        groups=[
            (_("Gerät"), _device(device)),
            (_("Zeit"), _time(time)),
            (_("Auswertung und Lieferung"), _work()),
        ],
        alarms=open_alarms().count(),
        ending=_ending(request),
        buttons=[(PREFIX + one.path, one.title) for one in wanted],
    )


def urls() -> list[URLPattern]:
    """The state, what can be done, and how long actions stand."""
    return [
        page("", state, "index"),
        *(action.page() for action in ACTIONS),
        page(OPERATION, operation, "operation"),
    ]


def _wanted(*, is_locked: bool, marks: bool) -> list[Action]:
    return [
        *([RELEASE] if is_locked else []),
        *([INTEGRITY] if marks else [SEAL]),
        SYNCHRONISE,
        RESTART,
    ]


def _lockdown(lockdown: Json) -> dict[str, Any]:
    causes = [f"{code} {fault(code).description}" for code in lockdown["codes"]]
    mode, since = word(lockdown["mode"]), in_words("", lockdown["since"])
    return {"mode": mode, "since": since, "causes": causes}


def _device(device: Json) -> list[tuple[str, str]]:
    lights = ", ".join(f"{n.upper()} {text}" for n, text in device["leds"].items())
    storage = device["storage"]
    return [
        (_("Betriebszustand"), word(device["lockdown"]["mode"])),
        (_("Werte gelten für die Abrechnung"), yes_or_no(device["values_for_billing"])),
        (_("Hardware"), device["hardware_version"]),
        (_("Firmware"), device["firmware_version"]),
        (_("Läuft seit"), _duration(device["uptime_s"])),
        (_("LEDs"), lights),
        (_("Speicher frei"), f"{storage['free_percent']} %"),
        (_("Speicher reicht noch Tage"), in_words("", storage["days_left"])),
    ]


def _duration(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{hours} h {rest // 60} min"


def _time(time: Json) -> list[tuple[str, str]]:
    offset = time["last_offset_us"]
    return [
        (_("Systemzeit"), in_words("", time["now"])),
        (_("Gültig"), yes_or_no(time["valid"])),
        (_("Quelle"), time["source"]),
        (_("Zeitserver"), in_words("", time["server"])),
        (_("Letzter Abgleich"), in_words("", time["last_success_at"])),
        (_("Abweichung"), "–" if offset is None else f"{offset / 1000:+.1f} ms"),
    ]


def _work() -> list[tuple[str, str]]:
    states = EvaluationProfile.objects.values_list("state").annotate(Count("pk"))
    owed = OutboxRow.objects.filter(state__in=OWED_STATES)
    oldest = owed.order_by("created_at").values_list("created_at", flat=True).first()
    counted = ", ".join(f"{count} {word(one)}" for one, count in sorted(states))
    return [
        (_("Auswerteprofile"), counted or "–"),
        (_("Ausstehende Lieferungen"), str(owed.count())),
        (_("Die älteste ist von"), moment(oldest)),
    ]


def _ending(request: ConsoleRequest) -> list[tuple[str, str, str]]:
    """Certificates in force that end within half a year, the first to end first."""
    holders = ("SMGW", "GWA", "EMT", "CLS")
    rows = Certificate.objects.filter(
        state=Certificate.State.ACTIVE,
        holder__in=holders,
        not_after__lt=request.received_at + SOON,
    ).order_by("not_after")[:10]
    return [
        (
            f"{PREFIX}certificates/{one.pk}/",
            f"{one.holder} {one.holder_id} {one.kind}",
            moment(one.not_after),
        )
        for one in rows
    ]

"""Basic settings at the service access: lights, lines, service role (R92, R109)."""

from collections.abc import Callable

from django import forms
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.views.decorators.http import require_http_methods

from hardware.led_options import LedOptions, load_led_options, store_led_options
from hardware.network_links import network_links
from meters.configuration_errors import MeterInvalid
from meters.line_changes import move_line
from meters.models import Account
from meters.service_roles import ServiceRoleInvalid, activate_service_role
from meters.technician_view import lines
from portal.service_errors import bad_request
from portal.service_frame import show_service
from portal.service_log import log_change
from portal.service_request import ServiceRequest
from portal.service_words import STICKS, line_name

DONE = {
    "leds": _l("Die Anzeige der LED LMC ist geändert."),
    "line": _l("Die Schnittstelle ist geändert; sie wird neu geöffnet."),
}
_LONGEST_PORT = 200


class LineForm(forms.Form):
    """Another port or radio module for the meters of a line."""

    line = forms.CharField(max_length=_LONGEST_PORT)
    port = forms.CharField(max_length=_LONGEST_PORT)
    stick = forms.ChoiceField(required=False, choices=[("", ""), *STICKS.items()])


@require_http_methods(["GET", "HEAD", "POST"])
def settings_page(request: ServiceRequest) -> HttpResponse:
    """Show the settings; `what` says which of them a form changes."""
    if request.method != "POST":
        return _page(request, done=DONE.get(request.GET.get("geaendert", ""), ""))
    change = _CHANGES.get(request.POST.get("what", ""))
    return change(request) if change else bad_request(request)


def _page(
    request: ServiceRequest, *, done: object = "", problem: str = "", status: int = 200
) -> HttpResponse:
    is_configurator = request.account.role == Account.Role.CONFIGURATOR
    return show_service(
        request,
        "settings",
        "settings",
        status=status,
        done=done,
        problem=problem,
        leds=load_led_options(request.gateway.state),
        lines=[(line_name(line.source), line) for line in lines(request.gateway)],
        sticks=STICKS.items(),
        networks=network_links(),
        listening=request.facts.listening.items(),
        is_configurator=is_configurator,
    )


def _change_leds(request: ServiceRequest) -> HttpResponse:
    options = LedOptions(
        shows_overload="shows_overload" in request.POST,
        shows_invalid_time="shows_invalid_time" in request.POST,
    )
    store_led_options(request.gateway.state, options)
    log_change(request, "Anzeige der LED LMC geändert")
    return _done("leds")


def _change_line(request: ServiceRequest) -> HttpResponse:
    form = LineForm(request.POST)
    if not form.is_valid():
        problem = _("Bitte einen Anschluss angeben, zum Beispiel /dev/ttyUSB0.")
        return _page(request, problem=problem, status=400)
    given = form.cleaned_data
    try:
        move_line(given["line"], to_port=given["port"], stick=given["stick"])
    except MeterInvalid as invalid:
        problem = _("Der Anschluss wurde nicht geändert: %(reason)s") % {
            "reason": str(invalid)
        }
        return _page(request, problem=problem, status=400)
    log_change(request, "Anschluss oder Funkmodul einer LMN-Schnittstelle geändert")
    return _done("line")


def _end_configuration(request: ServiceRequest) -> HttpResponse:
    """The first configurator closes his own access and opens the technician's."""
    if request.account.role != Account.Role.CONFIGURATOR or "sure" not in request.POST:
        return bad_request(request)
    try:
        activate_service_role(Account.Role.TECHNICIAN)
    except ServiceRoleInvalid:
        problem = _("Es gibt noch keinen Servicetechniker mit einem Zertifikat.")
        return _page(request, problem=problem, status=409)
    log_change(request, "Erstkonfiguration abgeschlossen, Servicetechniker aktiv")
    return show_service(request, "configured")


def _done(what: str) -> HttpResponse:
    address = f"{resolve_url('settings')}?geaendert={what}"
    return HttpResponseRedirect(address, status=303)


_CHANGES: dict[str, Callable[[ServiceRequest], HttpResponse]] = {
    "leds": _change_leds,
    "line": _change_line,
    "role": _end_configuration,
}

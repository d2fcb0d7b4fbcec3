"""Basic settings at the service access: lights, lines, addresses, role (R92, R109)."""

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
from portal import formats
from portal.service_errors import bad_request
from portal.service_frame import show_service
from portal.service_log import log_change
from portal.service_network import HanAddressesInvalid, HanNetworkRefused
from portal.service_request import ServiceRequest
from portal.service_words import STICKS, line_name

DONE = {
    "leds": _l("Die Anzeige der LED LMC ist geändert."),
    "line": _l("Die Schnittstelle ist geändert; sie wird neu geöffnet."),
    "network": _l("Die Adressen der HAN-Schnittstelle sind auf Probe geändert."),
    "network_keep": _l("Die Adressen der HAN-Schnittstelle bleiben."),
}
_LONGEST_PORT = 200
_LONGEST_ADDRESSES = 400
DHCP, FIXED = "dhcp", "fixed"


class LineForm(forms.Form):
    """Another port or radio module for the meters of a line."""

    line = forms.CharField(max_length=_LONGEST_PORT)
    port = forms.CharField(max_length=_LONGEST_PORT)
    stick = forms.ChoiceField(required=False, choices=[("", ""), *STICKS.items()])


class NetworkForm(forms.Form):
    """Where the addresses of the HAN come from, and the fixed ones."""

    mode = forms.ChoiceField(choices=[(DHCP, DHCP), (FIXED, FIXED)])
    text = forms.CharField(required=False, max_length=_LONGEST_ADDRESSES)

    @property
    def addresses(self) -> list[str]:
        """The fixed ones, with spaces or commas between them; none by DHCP."""
        if self.cleaned_data["mode"] == DHCP:
            return []
        text: str = self.cleaned_data["text"]
        return text.replace(",", " ").split()


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
        han=_network_shown(request),
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


def _network_shown(request: ServiceRequest) -> dict[str, object]:
    setting = request.facts.han_network
    state = setting.current()
    until = formats.clock_time(state.returns_at) if state.returns_at else ""
    return {
        "is_settable": setting.is_settable(),
        "dhcp": state.dhcp,
        "addresses": " ".join(state.addresses),
        "until": until,
        "may_keep": bool(until) and state.is_ours,
    }


def _change_network(request: ServiceRequest) -> HttpResponse:
    """On trial: who then comes in at the new address keeps it."""
    form = NetworkForm(request.POST)
    if not form.is_valid():
        problem = _("Bitte wählen, woher die Adresse kommt.")
        return _page(request, problem=problem, status=400)
    try:
        request.facts.han_network.change(
            request.gateway,
            dhcp=form.cleaned_data["mode"] == DHCP,
            addresses=form.addresses,
            now=request.received_at,
        )
    except HanAddressesInvalid:
        problem = _("Bitte jede Adresse mit ihrem Netz angeben: 192.168.2.10/24")
        return _page(request, problem=problem, status=400)
    except HanNetworkRefused as refused:
        problem = _("Die Adressen wurden nicht geändert: %(reason)s") % {
            "reason": str(refused)
        }
        return _page(request, problem=problem, status=409)
    log_change(request, "Adressen der HAN-Schnittstelle auf Probe geändert")
    return _done("network")


def _keep_network(request: ServiceRequest) -> HttpResponse:
    if not request.facts.han_network.keep():
        problem = _("Es ist keine Änderung der Adressen auf Probe.")
        return _page(request, problem=problem, status=409)
    log_change(request, "Adressen der HAN-Schnittstelle bestätigt")
    return _done("network_keep")


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
    "network": _change_network,
    "network_keep": _keep_network,
    "role": _end_configuration,
}

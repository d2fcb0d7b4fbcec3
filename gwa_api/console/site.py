"""The site: which models it shows, and where everything is."""

from pathlib import Path
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, re_path

from gwa_api.console import administrator_change, device, keys
from gwa_api.console.access import guarded
from gwa_api.console.alarms import AlarmAdmin
from gwa_api.console.certificates import CertificateAdmin
from gwa_api.console.consumers import ConsumerAdmin
from gwa_api.console.deliveries import DeliveryAdmin
from gwa_api.console.firmware import FirmwareAdmin
from gwa_api.console.listing import ListAdmin
from gwa_api.console.logs import CalibrationLogAdmin, SystemLogAdmin
from gwa_api.console.meters import MeterAdmin
from gwa_api.console.pages import PREFIX
from gwa_api.console.participants import ParticipantAdmin
from gwa_api.console.profiles import ProfileAdmin
from gwa_api.console.proxies import ProxyAdmin
from gwa_api.console.request import ConsoleRequest
from gwa_api.console.self_tests import SelfTestAdmin
from gwa_api.console.ways import WayAdmin
from gwa_api.models import CommunicationProfile, ProxyProfile
from gwa_api.rest.problem import not_found
from logbooks.models import (
    Alarm,
    CalibrationLogEntry,
    Certificate,
    FirmwarePackage,
    SelfTestRun,
    SystemLogEntry,
)
from meters.models import Consumer, Meter
from tariffs.models import EvaluationProfile, MarketParticipant, OutboxRow

STYLES = {
    "casa.css": ("portal/casa.css", "text/css"),
    "console.css": ("console/console.css", "text/css"),
    "mark.svg": ("portal/mark.svg", "image/svg+xml"),
}
"""All files that the pages load; there is no script."""

REGISTERED: dict[Any, type[ListAdmin]] = {
    Alarm: AlarmAdmin,
    EvaluationProfile: ProfileAdmin,
    CommunicationProfile: WayAdmin,
    Consumer: ConsumerAdmin,
    Meter: MeterAdmin,
    MarketParticipant: ParticipantAdmin,
    ProxyProfile: ProxyAdmin,
    OutboxRow: DeliveryAdmin,
    SelfTestRun: SelfTestAdmin,
    FirmwarePackage: FirmwareAdmin,
    SystemLogEntry: SystemLogAdmin,
    CalibrationLogEntry: CalibrationLogAdmin,
    Certificate: CertificateAdmin,
}
"""Nothing else is reachable here: no reading, no consumer's log, no account, no key."""


class ConsoleSite(AdminSite):
    """Django's admin without login, index, history, search across models and jumps."""

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """The pages of the device, of each model, of the keys; the style sheets."""
        shown = [one for admin in self._registry.values() for one in admin.get_urls()]
        style = guarded(style_sheet, f"{PREFIX}static/{{style}}", is_logged=False)
        return [
            *device.urls(),
            *shown,
            *keys.urls(),
            *administrator_change.urls(),
            re_path(r"^static/(?P<style>[a-z.]{1,20})$", style, name="style"),
        ]

    def has_permission(self, request: HttpRequest) -> bool:
        """Whoever passed `guarded` is the administrator; nobody else has a user."""
        return getattr(request, "administrator", None) is not None


def style_sheet(_request: ConsoleRequest, style: str) -> HttpResponse:
    """One of the few files that the pages load."""
    name, kind = STYLES.get(style, ("", ""))
    path = finders.find(name) if name else None
    if not path:
        raise not_found()
    response = HttpResponse(Path(path).read_bytes(), content_type=kind)
    response["Cache-Control"] = "private, max-age=600"
    return response


site = ConsoleSite(name="console")
for model, admin in REGISTERED.items():
    site.register(model, admin)

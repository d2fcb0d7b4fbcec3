"""What every request of the service listener passes: paths, certificate, lock-down."""

from collections.abc import Callable

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve, set_urlconf
from django.utils.translation import gettext as _

from hardware.certificate_path import CertificateRefused, Refusal
from logbooks import device_state
from logbooks.device_state import Mode
from meters.service_roles import ServiceRolesInconsistent, service_account
from portal.certificate_log import log_refused_use
from portal.error_pages import Message
from portal.request import peer_certificate
from portal.service_frame import show_message
from portal.service_lockdown import lockdown_page
from portal.service_log import log_service_login
from portal.service_request import ServiceRequest

Handler = Callable[[ServiceRequest], HttpResponseBase]

URLS = "portal.service_urls"
READ_WHILE_LOCKED = frozenset({"log", "log_csv", "language"})
"""Names of the paths that the soft lock-down leaves open (decisions D33)."""


class PathsMiddleware:
    """The paths of this listener, and what the processes know of themselves."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: ServiceRequest) -> HttpResponseBase:
        """Answer one request."""
        request.urlconf = URLS
        set_urlconf(URLS)  # for pages that are made before the path is looked up
        request.facts = request.META["casa.facts"]
        return self._get_response(request)


class AccessMiddleware:
    """Only the active service role, by the certificate of the connection (R92, R109).

    The handshake let in only those that were pinned; here each request is looked at
    again, for a connection may outlive its certificate.
    """

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: ServiceRequest) -> HttpResponseBase:
        """Answer one request."""
        der = peer_certificate(request)
        try:
            if not der:
                raise CertificateRefused(Refusal.NOT_PINNED, "none was shown")
            request.account = service_account(
                request.gateway, der, now=request.received_at
            )
        except CertificateRefused as refused:
            if der:
                log_refused_use(request, der, refused)
            return _refused(request)
        except ServiceRolesInconsistent:
            return _refused(request)
        log_service_login(request, der)
        return self._get_response(request)


class LockdownMiddleware:
    """While the device is locked down only the system log can be read (D33)."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: ServiceRequest) -> HttpResponseBase:
        """Answer one request."""
        mode = device_state.setting_of(request.gateway).mode
        if mode is Mode.HARD:
            return _unlogged(HttpResponse(status=503))
        if mode is Mode.SOFT and _name_of(request) not in READ_WHILE_LOCKED:
            return _unlogged(lockdown_page(request))
        return self._get_response(request)


def _refused(request: ServiceRequest) -> HttpResponse:
    text = _(
        "Dieses Zertifikat öffnet den Servicezugang nicht. Der Administrator stellt "
        "eines für die aktive Servicerolle aus."
    )
    return show_message(request, 403, Message("lock", _("Kein Zugriff"), text))


def _name_of(request: ServiceRequest) -> str:
    try:
        return resolve(request.path_info, URLS).url_name or ""
    except Resolver404:
        return ""


def _unlogged(response: HttpResponse) -> HttpResponse:
    """Said once in the logbooks; no line for each request."""
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response

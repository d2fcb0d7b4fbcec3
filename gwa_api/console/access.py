"""What every page passes: certificate, rate, CSRF, headers, the entry in the log.

There is no login and no session: the certificate of the connection says who asks, with
each request anew, exactly as for the REST interface.
"""

import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

from csp.middleware import CSPMiddleware
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils.decorators import decorator_from_middleware
from django.utils.translation import gettext as _

from gwa_api.console.pages import Message, show_message
from gwa_api.console.request import ConsoleRequest
from gwa_api.rest.identity import administrator_of
from gwa_api.rest.problem import TITLES, ApiProblem
from hardware.certificate_path import CertificateRefused
from logbooks.services import log_gwa_access

LARGEST_FORM = 256 * 1024

View = Callable[..., HttpResponse]
Largest = Callable[[ConsoleRequest], int]

_log = logging.getLogger(__name__)


class FormToken(CsrfViewMiddleware):
    """Django's check against forged forms, refused with a page of the console."""

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        text = _("Das Formular ist nicht mehr gültig. Bitte laden Sie die Seite neu.")
        return show_message(request, 403, Message(_("Kein Zugriff"), text))


_with_headers = [
    decorator_from_middleware(layer)
    for layer in (CSPMiddleware, XFrameOptionsMiddleware, SecurityMiddleware)
]
_with_token = decorator_from_middleware(FormToken)


def guarded(
    view: View,
    template: str,
    *,
    methods: tuple[str, ...] = ("GET",),
    is_logged: bool = True,
    largest: Largest | None = None,
) -> View:
    """A view behind all that; `template` is its path with names in place of ids.

    `is_logged` False, for style sheets: only refusals are logged, and no request counts
    for the limit.
    """
    protected: Any = _with_token(view)

    def answered(request: ConsoleRequest, **ids: str) -> HttpResponse:
        try:
            _admit(request)
            _check(request, methods, largest, is_counted=is_logged)
            found: HttpResponse = protected(request, **ids)
            return found
        except Exception as error:
            return _refusal(request, error)

    secured: Any = answered
    for layer in _with_headers:
        secured = layer(secured)

    def page(request: ConsoleRequest, **ids: str) -> HttpResponse:
        request.gateway = request.META["casa.gateway"]
        request.received_at = request.gateway.clock.now()
        response: HttpResponse = secured(request, **ids)
        if is_logged:
            response["Cache-Control"] = "no-store"
        if is_logged or response.status_code >= 400:
            _note(request, template, response.status_code)
        # Said in the system log; no line for each refusal.
        response._has_been_logged = True  # type: ignore[attr-defined]
        return response

    return page


def _admit(request: ConsoleRequest) -> None:
    """Who asks, before anything else."""
    try:
        found = administrator_of(request.META)
    except CertificateRefused:
        raise ApiProblem("not-authenticated") from None
    request.administrator, request.certificate = found


def _check(
    request: ConsoleRequest,
    methods: tuple[str, ...],
    largest: Largest | None,
    *,
    is_counted: bool,
) -> None:
    """The limit of requests, the method, the size."""
    rate = request.META["casa.rate"]
    if is_counted and (wait_s := rate.wait_s(time.monotonic())):
        raise ApiProblem("rate-limited", retry_after_s=wait_s)
    method = "GET" if request.method == "HEAD" else request.method
    if method not in methods:
        raise ApiProblem("method-not-allowed")
    size = request.META.get("CONTENT_LENGTH") or "0"
    limit = largest(request) if largest else LARGEST_FORM
    if not size.isdecimal() or int(size) > limit:
        raise ApiProblem("too-large")


def _refusal(request: ConsoleRequest, error: Exception) -> HttpResponse:
    """Every refusal as a page; what is none of them as 500."""
    problem = _problem_of(error)
    if problem is None:
        _log.exception("the page could not be made")
        problem = ApiProblem("internal")
    message = Message(_(TITLES[problem.slug][1]), problem.detail)
    response = show_message(request, problem.status, message)
    if problem.retry_after_s is not None:
        response["Retry-After"] = str(problem.retry_after_s)
    return response


def _problem_of(error: Exception) -> ApiProblem | None:
    if isinstance(error, ApiProblem):
        return error
    if isinstance(error, Http404):
        return ApiProblem("not-found")
    if isinstance(error, BadRequest | SuspiciousOperation):
        return ApiProblem("malformed")
    if isinstance(error, PermissionDenied):
        return ApiProblem("not-authenticated")
    return None


def _note(request: ConsoleRequest, template: str, status: int) -> None:
    """A log that cannot be written must not hide the answer."""
    facts: dict[str, Any] = {"status": status, "correlation": str(uuid.uuid4())}
    now = request.gateway.clock.now()
    try:
        method = request.method or ""
        log_gwa_access(request.gateway, method, template, now=now, **facts)
    except Error:
        _log.exception("the request could not be noted in the system log")

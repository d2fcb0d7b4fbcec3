"""Logging in and out, staying logged in, and choosing the language."""

from datetime import timedelta

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.translation import check_for_language
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from hardware.certificate_path import CertificateRefused
from portal import inactivity
from portal.certificate_login import AccessLocked, log_in_by_certificate
from portal.frame import show
from portal.lockout import lock_left
from portal.login import log_in, log_out
from portal.login_page import (
    certificate_problem,
    locked_page,
    login_page,
    own_path,
)
from portal.middleware import last_activity, polling
from portal.request import PortalRequest, account_of, peer_certificate

SEE_OTHER = 303


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password")
def login(request: PortalRequest) -> HttpResponse:
    """The login form; afterwards on to the page that was wanted (R97, R103)."""
    if account_of(request):
        return see_other(own_path(request.GET.get("next", "")))
    if request.method == "POST":
        return _logged_in(request)
    if left := lock_left():
        return locked_page(request, left)
    return login_page(
        request,
        expired="abgelaufen" in request.GET,
        logged_out="abgemeldet" in request.GET,
    )


def _logged_in(request: PortalRequest) -> HttpResponse:
    username, password = (request.POST.get(n, "") for n in ("username", "password"))
    if log_in(request, username, password):
        return see_other(own_path(request.POST.get("next", "")))
    return login_page(request, status=401, wrong=True)


@require_POST
def certificate_login(request: PortalRequest) -> HttpResponse:
    """Log in by the certificate of this connection; a new click each time (R99)."""
    try:
        log_in_by_certificate(request)
    except AccessLocked:
        return locked_page(request, lock_left() or timedelta())
    except CertificateRefused as refused:
        shown = peer_certificate(request)
        problem = certificate_problem(refused) if shown else "none"
        return login_page(request, status=401, certificate_problem=problem)
    return see_other(own_path(request.POST.get("next", "")))


@polling
@require_safe
def time_left(request: PortalRequest) -> HttpResponse:
    """How many seconds the login has left; 401 when there is none. Prolongs nothing."""
    return _time_left(request)


@require_POST
def stay(request: PortalRequest) -> HttpResponse:
    """The same, and from now on ten minutes more."""
    return _time_left(request, is_input=True)


def _time_left(request: PortalRequest, *, is_input: bool = False) -> HttpResponse:
    if account_of(request) is None:
        return HttpResponse(status=401)
    now = request.received_at
    last = now if is_input else last_activity(request) or now
    left = inactivity.LIMIT - (now - last)
    response = JsonResponse({"left_s": left.total_seconds()})
    response["Cache-Control"] = "no-store"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def logout(request: PortalRequest) -> HttpResponse:
    """POST ends the login (R107); GET asks, for pages that hold no form."""
    if request.method != "POST":
        return show(request, "logout")
    log_out(request)
    return see_other("/anmelden/?abgemeldet=1")


@require_POST
def language(request: PortalRequest) -> HttpResponse:
    """Keep the language chosen in a cookie and go back to the page."""
    response = see_other(own_path(request.POST.get("next", "")))
    chosen = request.POST.get("language", "")
    if chosen in dict(settings.LANGUAGES) and check_for_language(chosen):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            chosen,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            path=settings.LANGUAGE_COOKIE_PATH,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
            samesite="Lax",
        )
    return response


def see_other(path: str) -> HttpResponse:
    """A redirect after POST that is fetched by GET (design 1.5)."""
    response = HttpResponseRedirect(path)
    response.status_code = SEE_OTHER
    return response

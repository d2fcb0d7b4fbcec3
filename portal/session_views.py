"""Logging in and out, and choosing the language."""

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.utils.translation import check_for_language
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portal.frame import show
from portal.lockout import lock_left
from portal.login import log_in, log_out
from portal.login_page import locked_page, login_page, own_path
from portal.request import PortalRequest, account_of

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

"""Who may see a page; the names that settings and pages use for logging in.

The parts live in files of their own: `login` (form, logging out), `backends`
(password, digest), `digest` and `digest_login` (JSON interface), `lockout` (too
many failures), `inactivity` (ten minutes), `login_log` (event 5001).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url

from portal.backends import DigestBackend, PasswordBackend
from portal.lockout import (
    CasaAxesHandler,
    access_key,
    locked_until,
    lockout_response,
)
from portal.login import log_in, log_out
from portal.middleware import polling
from portal.request import PortalRequest, account_of

__all__ = [
    "CasaAxesHandler",
    "DigestBackend",
    "PasswordBackend",
    "PortalRequest",
    "access_key",
    "account_of",
    "consumer_required",
    "locked_until",
    "lockout_response",
    "log_in",
    "log_out",
    "polling",
]

View = Callable[..., HttpResponseBase]

EXPIRED = "abgelaufen"
"""The login page is told by this that the login ended by inactivity."""


def consumer_required(view: View) -> View:
    """Only for a consumer who is logged in: `request.consumer` is his id.

    Everybody else goes to the login page and comes back afterwards.
    """

    @wraps(view)
    def checked(request: PortalRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        account = account_of(request)
        if account is None or account.consumer_id is None:
            return _to_login(request)
        request.consumer = account.consumer_id
        return view(request, *args, **kwargs)

    return checked


def _to_login(request: PortalRequest) -> HttpResponseBase:
    """The login page, which knows whether the login ended by itself."""
    address = resolve_url(settings.LOGIN_URL)
    if request.login_expired:
        address = f"{address}?{EXPIRED}=1"
    return redirect_to_login(request.get_full_path(), login_url=address)

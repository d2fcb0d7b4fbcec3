"""What every request of the HAN passes: the gateway, and the end of idle logins."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib.auth import SESSION_KEY, logout
from django.http.response import HttpResponseBase

from portal import inactivity
from portal.request import PortalRequest

Handler = Callable[[PortalRequest], HttpResponseBase]
View = Callable[..., HttpResponseBase]

ACTIVITY_COOKIE = "__Host-activity"
ACTIVITY_KEY = "activity"
"""Where the login row keeps the last activity (`inactivity.stamp`)."""


class GatewayMiddleware:
    """Hands the gateway down, `request.gateway` from the environ (decisions D50).

    Reads the gateway clock once for the whole request: `request.received_at`.
    """

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: PortalRequest) -> HttpResponseBase:
        """Answer one request."""
        request.gateway = request.META["casa.gateway"]
        request.received_at = request.gateway.clock.now()
        request.COOKIES = _printable(request.COOKIES)
        return self._get_response(request)


def _printable(cookies: dict[str, str]) -> dict[str, str]:
    """Without those that are none of ours: PostgreSQL refuses a NUL in a query."""
    return {name: value for name, value in cookies.items() if value.isprintable()}


class InactivityMiddleware:
    """Ends a login ten minutes after its last request (R106, `inactivity`).

    Stands behind AuthenticationMiddleware. A page that shows the login page then
    finds `request.login_expired`.
    """

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: PortalRequest) -> HttpResponseBase:
        """Answer one request; note it as activity unless its view is `polling`."""
        request.login_expired = False
        request.prolongs_login = False
        if _is_logged_in(request):
            _end_if_idle(request)
        response = self._get_response(request)
        if request.prolongs_login and _is_logged_in(request):
            _note_activity(request, response)
        return response

    def process_view(
        self, request: PortalRequest, view: View, _args: Any, _kwargs: Any
    ) -> None:
        """Learn whether the request counts as activity."""
        request.prolongs_login = getattr(view, "prolongs_login", True)


def polling(view: View) -> View:
    """Marks a view that a page calls by itself: it does not prolong the login."""

    @wraps(view)
    def marked(*args: Any, **kwargs: Any) -> HttpResponseBase:
        return view(*args, **kwargs)

    marked.prolongs_login = False  # type: ignore[attr-defined]
    return marked


def _is_logged_in(request: PortalRequest) -> bool:
    """Whether a login row stands behind the request; a digest login has none."""
    return SESSION_KEY in request.session and request.user.is_authenticated


def _end_if_idle(request: PortalRequest) -> None:
    last = last_activity(request)
    if last is None or not inactivity.has_expired(last, now=request.received_at):
        return
    logout(request)
    request.login_expired = True


def last_activity(request: PortalRequest) -> datetime | None:
    """The later of row and cookie; None for a login that no request has used yet."""
    stamp = request.session.get(ACTIVITY_KEY)
    if stamp is None:
        return None
    row = inactivity.instant_of(stamp)
    cookie = request.COOKIES.get(ACTIVITY_COOKIE, "")
    login_key = request.session.session_key or ""
    seen = inactivity.read_activity_cookie(request.gateway, login_key, cookie)
    return max(row, seen) if seen else row


def _note_activity(request: PortalRequest, response: HttpResponseBase) -> None:
    now = request.received_at
    stamp = request.session.get(ACTIVITY_KEY)
    if stamp is None or inactivity.row_is_due(inactivity.instant_of(stamp), now=now):
        request.session[ACTIVITY_KEY] = inactivity.stamp(now)
    login_key = request.session.session_key or ""
    response.set_cookie(
        ACTIVITY_COOKIE,
        inactivity.activity_cookie(request.gateway, login_key, now=now),
        secure=True,
        httponly=True,
        samesite="Lax",
    )

"""The lock of the consumer access after too many wrong logins (R103-R105, D27).

django-axes counts the failures and keeps them in its table. What differs from its
own behaviour:

* one constant key for the whole consumer access, whatever the address or method;
* a lock lasts five minutes from the failure that began it, to the second: all
  counted rows take that failure's time, so that they end together, and attempts
  during the lock change nothing;
* a successful login clears the failures of that user only.
"""

from datetime import datetime, timedelta
from math import ceil

from axes.conf import settings
from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.db.models import Max, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from hardware.gateway import Gateway
from logbooks.catalogue import Event
from logbooks.services import ALL_CONSUMERS, log_event
from portal.login_log import log_refusal
from portal.login_page import locked_page
from portal.request import INTERFACES, PortalRequest

CONSUMER_ACCESS = "::1"
"""The key under which all failures of the consumer access are counted (an address,
because the column holds one; the real address stands in no table)."""

WHERE = "HAN-Schnittstelle"
_LONGEST = 255


def access_key(_request: HttpRequest) -> str:
    """What axes takes for the client's address: the same for everybody."""
    return CONSUMER_ACCESS


class CasaAxesHandler(AxesDatabaseHandler):  # type: ignore[misc]
    """axes' counter with the lock described above; logs 5001 and 4294948293."""

    def get_user_attempts(
        self, request: PortalRequest, credentials: dict[str, object] | None = None
    ) -> list[QuerySet[AccessAttempt]]:
        """The failures that count: younger than the cool-off, at its end none."""
        return [counted(at=request.axes_attempt_time)]

    def user_login_failed(
        self,
        sender: object,
        credentials: dict[str, object],
        request: PortalRequest | None = None,
        **kwargs: object,
    ) -> None:
        """Count one failure and log it; nothing of both while the access is locked."""
        if request is None or getattr(request, "axes_locked_out", False):
            return
        username = storable(str(credentials.get("username") or ""))
        request.axes_path_info = storable(request.axes_path_info)
        super().user_login_failed(sender, {"username": username}, request, **kwargs)
        log_refusal(request, username)
        if request.axes_locked_out:
            _begin_lock(request)

    def reset_user_attempts(
        self, request: HttpRequest, credentials: dict[str, object] | None = None
    ) -> int:
        """Forget the failures of the user who logged in, and only his."""
        username = (credentials or {}).get("username")
        return clear_failures(str(username))


def storable(text: str) -> str:
    """What a stranger sent, as every database takes it: short and without NUL."""
    return text.replace("\0", "\ufffd")[:_LONGEST]


def counted(*, at: datetime) -> QuerySet[AccessAttempt]:
    """The rows whose failures count at the host time `at`.

    Those of a far future do not: a host that starts without a clock would else be
    locked until its time is set.
    """
    span: timedelta = settings.AXES_COOLOFF_TIME
    rows: QuerySet[AccessAttempt] = AccessAttempt.objects.filter(
        ip_address=CONSUMER_ACCESS,
        attempt_time__gt=at - span,
        attempt_time__lt=at + span,
    )
    return rows


def clear_failures(username: str) -> int:
    """Forget the failures of one user; the number of rows.

    Looks first, so that the usual login without failures writes nothing.
    """
    rows = AccessAttempt.objects.filter(ip_address=CONSUMER_ACCESS, username=username)
    if not rows.exists():
        return 0
    count: int = rows.delete()[0]
    return count


def lock_left() -> timedelta | None:
    """How long the access stays locked; None when it is not.

    axes keeps host time, so a moved gateway clock has no influence.
    """
    now = timezone.now()
    state = counted(at=now).aggregate(
        failures=Sum("failures_since_start"), latest=Max("attempt_time")
    )
    if (state["failures"] or 0) < settings.AXES_FAILURE_LIMIT:
        return None
    left: timedelta = state["latest"] + settings.AXES_COOLOFF_TIME - now
    return left


def locked_until(gateway: Gateway) -> datetime | None:
    """The gateway time from which a login is possible again; None when it is now."""
    left = lock_left()
    return None if left is None else gateway.clock.now() + left


def retry_after(left: timedelta) -> str:
    """The Retry-After header: whole seconds, never too few."""
    return str(ceil(left.total_seconds()))


def lockout_response(
    request: PortalRequest,
    response: HttpResponse | None = None,
    _credentials: dict[str, object] | None = None,
) -> HttpResponse:
    """What a refused login gets: the login page with the time until when, 429.

    The interfaces for programs answer 401 with a challenge by itself.
    """
    left = lock_left()
    if response is not None and (left is None or request.path.startswith(INTERFACES)):
        return response
    return locked_page(request, left or timedelta())


def _begin_lock(request: PortalRequest) -> None:
    at = request.axes_attempt_time
    counted(at=at).update(attempt_time=at)
    log_event(
        request.gateway,
        Event.TOO_MANY_LOGIN_FAILURES,
        str(settings.AXES_FAILURE_LIMIT),
        WHERE,
        now=request.received_at,
        consumers=ALL_CONSUMERS,
    )

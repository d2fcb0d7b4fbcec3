"""When a login ends by itself: after ten minutes without a request (R106).

To the second, and yet the login row in the database is not written on every page
view. Two places keep the time of the last activity:

* the login row, written when it is older than a minute;
* a cookie beside the login cookie, set by every answer: the time, signed with a
  sub-key of the device key and bound to this login.

The later of the two is the last activity. The row alone settles nearly all cases,
since it lags by a minute at most; the cookie settles the tenth minute. A client
cannot forge a later time, an older cookie can only shorten its own login, and the
cookie is worth nothing without the row, which logging out deletes. A client that
drops the cookie is logged out up to a minute early, never late.
"""

import hmac
from datetime import UTC, datetime, timedelta

from hardware.gateway import Gateway

LIMIT = timedelta(minutes=10)
ROW_AGE = timedelta(minutes=1)
CLOCK_TOLERANCE = timedelta(minutes=1)
"""How far the gateway clock may be set back without ending logins."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_COOKIE_LABEL = "activity"


def has_expired(last_activity: datetime, *, now: datetime) -> bool:
    """Whether the login is over: alive at 9:59, gone at 10:00."""
    return not -CLOCK_TOLERANCE < now - last_activity < LIMIT


def row_is_due(row_activity: datetime, *, now: datetime) -> bool:
    """Whether the login row lags so far that it must be written."""
    return abs(now - row_activity) >= ROW_AGE


def stamp(instant: datetime) -> int:
    """The form in which both places keep a time: microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(stamp: int) -> datetime:
    """The inverse of `stamp`."""
    return _EPOCH + stamp * _MICROSECOND


def activity_cookie(gateway: Gateway, login_key: str, *, now: datetime) -> str:
    """The cookie that says: this login was active at `now`."""
    text = str(stamp(now))
    return f"{text}.{_mac(gateway, login_key, text)}"


def read_activity_cookie(
    gateway: Gateway, login_key: str, cookie: str
) -> datetime | None:
    """The time in the cookie; None when it is not ours or of another login."""
    text, _, mac = cookie.partition(".")
    if not hmac.compare_digest(mac.encode(), _mac(gateway, login_key, text).encode()):
        return None
    return instant_of(int(text))


def _mac(gateway: Gateway, login_key: str, text: str) -> str:
    key = gateway.device_key.sub_key(_COOKIE_LABEL)
    return hmac.digest(key, f"{login_key} {text}".encode(), "sha256").hex()

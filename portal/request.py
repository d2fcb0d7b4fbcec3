"""What our middleware adds to a request."""

from datetime import datetime
from typing import cast

from django.http import HttpRequest
from rest_framework.request import Request

from hardware.gateway import Gateway
from logbooks.access import Access, Network, Role
from meters.models import Account


class PortalRequest(HttpRequest):
    """A request of the HAN; the attributes are set by `middleware` and `auth`.

    `received_at` is the gateway time, read once per request; `consumer` the id of
    who asks, set behind `consumer_required` and by the JSON interface. The names with
    `axes_` are those of django-axes; its times are host times.
    """

    gateway: Gateway
    received_at: datetime
    consumer: str
    login_expired: bool
    prolongs_login: bool
    login_error: str
    axes_locked_out: bool
    axes_attempt_time: datetime
    axes_path_info: str


INTERFACES = ("/json", "/smgw")
"""Below these paths programs ask, not people."""


def account_of(request: HttpRequest) -> Account | None:
    """The account of a consumer who is logged in, else None."""
    user = request.user
    if isinstance(user, Account) and user.is_active and user.consumer_id:
        return user
    return None


def access_of(request: HttpRequest) -> Access:
    """Who asks: identity, authenticated or not, network and role (R98)."""
    user = request.user
    if not isinstance(user, Account) or not user.is_active:
        return Access("", False, Network.HAN, Role.NOBODY)
    identity = user.consumer_id or user.username
    return Access(identity, True, Network.HAN, Role(user.role))


def peer_certificate(request: HttpRequest) -> bytes:
    """The certificate (DER) that the client of this connection showed, b"" for none."""
    shown: bytes = request.META.get("casa.peer_certificate", b"")
    return shown


def portal_request_of(request: Request) -> PortalRequest:
    """The request behind the one that the REST framework hands to its views."""
    return cast(PortalRequest, request._request)

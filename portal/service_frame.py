"""What stands around every page of the technician."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from meters.models import Account
from portal import formats
from portal.error_pages import Message
from portal.service_request import ServiceRequest
from portal.service_words import ROLE_NAMES


@dataclass(frozen=True, slots=True)
class ServiceFrame:
    """`page` is the entry of the navigation that is current; `user` "" for nobody."""

    user: str = ""
    role: str = ""
    page: str = ""
    huid: str = ""
    shown_at: str = ""


def show_service(
    request: ServiceRequest,
    template: str,
    page: str = "",
    *,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    """Render a page of the technician; nobody may keep a copy of it."""
    values = context | {"frame": _frame(request, page)}
    name = f"portal/service/{template}.html"
    response = render(request, name, values, status=status)
    response["Cache-Control"] = "no-store"
    return response


def show_message(
    request: ServiceRequest, status: int, message: Message
) -> HttpResponse:
    """A page that holds nothing but a message, for whoever asks."""
    return show_service(request, "message", status=status, message=message)


def _frame(request: ServiceRequest, page: str) -> ServiceFrame:
    account = getattr(request, "account", None)
    shown_at = formats.record_time(request.received_at)
    if account is None:
        return ServiceFrame(shown_at=shown_at)
    return ServiceFrame(
        user=account.username,
        role=str(ROLE_NAMES[Account.Role(account.role)]),
        page=page,
        huid=request.gateway.huid,
        shown_at=shown_at,
    )

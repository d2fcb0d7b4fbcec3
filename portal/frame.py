"""What stands around every page: navigation, user, footer."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from logbooks import device_state
from portal import formats, inactivity
from portal.request import PortalRequest, account_of


@dataclass(frozen=True, slots=True)
class Frame:
    """`consumer` is who is logged in, '' for nobody; `page` the entry of the
    navigation that is shown as current, `is_broken` that integrity is broken and new
    values are not for billing (decisions D37)."""

    consumer: str
    page: str = ""
    huid: str = ""
    shown_at: str = ""
    logs_out_at: str = ""
    is_broken: bool = False


def show(
    request: PortalRequest,
    template: str,
    page: str = "",
    *,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    """Render a page in its frame; nobody may keep a copy of it."""
    return show_in(_frame(request, page), request, template, status=status, **context)


def show_in(
    frame: Frame, request: HttpRequest, template: str, *, status: int, **context: Any
) -> HttpResponse:
    """Render a page in the frame given."""
    values = context | {"frame": frame}
    response = render(request, f"portal/{template}.html", values, status=status)
    response["Cache-Control"] = "no-store"
    return response


def _frame(request: PortalRequest, page: str) -> Frame:
    account = account_of(request)
    now = request.received_at
    return Frame(
        consumer=(account.consumer_id or "") if account else "",
        page=page,
        huid=request.gateway.huid,
        shown_at=formats.record_time(now),
        logs_out_at=formats.minute_time(now + inactivity.LIMIT),
        is_broken=device_state.setting_of(request.gateway).marks_values,
    )

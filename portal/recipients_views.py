"""Who received my data (R78): page, CSV, JSON."""

from collections.abc import Sequence
from datetime import timedelta

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from logbooks.dispatches import DispatchEntry, dispatch_entries
from portal import local_time
from portal.auth import consumer_required
from portal.csv_response import csv_form_of, csv_response
from portal.error_pages import bad_request
from portal.frame import show
from portal.log_filter import LogFilter, LogForm
from portal.log_page import instants_of
from portal.recipients_page import (
    dispatches_csv,
    dispatches_json,
    recipients_page,
)
from portal.request import PortalRequest, access_of
from tariffs import selectors

_DEFAULT = timedelta(days=29)
"""Thirty days, today included."""


@require_safe
@consumer_required
def recipients(request: PortalRequest) -> HttpResponse:
    """The recipients of a range of days; a bad range is a 400."""
    form = _form(request)
    chosen = form.chosen
    page = recipients_page(
        _entries(request, chosen),
        selectors.profiles_of(request.consumer),
        chosen.page,
    )
    return show(
        request,
        "recipients",
        "recipients",
        status=200 if form.is_valid() else 400,
        form=form,
        chosen=chosen,
        received=page,
        newer=chosen.query(page=page.number - 1) if page.number > 1 else "",
        older=chosen.query(page=page.number + 1) if page.number < page.pages else "",
    )


@require_safe
@consumer_required
def recipients_as_csv(request: PortalRequest) -> HttpResponseBase:
    """All transfers of the range as CSV."""
    form, csv_form = _form(request), csv_form_of(request)
    if csv_form is None or not form.is_valid():
        return bad_request(request)
    entries = _entries(request, form.chosen)
    name = f"{_stem(request, form.chosen)}.csv"
    return csv_response(dispatches_csv(entries, csv_form), name)


@require_safe
@consumer_required
def recipients_as_json(request: PortalRequest) -> HttpResponseBase:
    """All transfers of the range as JSON, shown in the browser."""
    form = _form(request)
    if not form.is_valid():
        return bad_request(request)
    text = dispatches_json(_entries(request, form.chosen))
    response = HttpResponse(text, content_type="application/json; charset=utf-8")
    name = f"{_stem(request, form.chosen)}.json"
    response["Content-Disposition"] = f'inline; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


def _form(request: PortalRequest) -> LogForm:
    return LogForm(
        request.GET, today=local_time.day(request.received_at), days_back=_DEFAULT
    )


def _entries(request: PortalRequest, chosen: LogFilter) -> Sequence[DispatchEntry]:
    begin, end = instants_of(chosen)
    return dispatch_entries(access_of(request), begin=begin, end=end)


def _stem(request: PortalRequest, chosen: LogFilter) -> str:
    days = f"{chosen.first_day}_{chosen.last_day}"
    return f"{request.gateway.huid}_datenempfaenger_{days}"

"""The system log of the technician, open in the soft lock-down too (D33)."""

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from portal import local_time
from portal.csv_response import csv_form_of, csv_response
from portal.exports import log_csv
from portal.service_errors import bad_request
from portal.service_frame import show_service
from portal.service_log_filter import SystemLogForm
from portal.service_log_page import chosen_lines, system_log_page
from portal.service_request import ServiceRequest, service_access_of


@require_safe
def log(request: ServiceRequest) -> HttpResponse:
    """The entries chosen; a form that is refused shows the last seven days."""
    form = SystemLogForm(request.GET, today=local_time.day(request.received_at))
    chosen = form.chosen_lines
    page = system_log_page(service_access_of(request), chosen)
    return show_service(
        request,
        "log",
        "log",
        status=200 if form.is_valid() else 400,
        form=form,
        chosen=chosen,
        log=page,
    )


@require_safe
def log_as_csv(request: ServiceRequest) -> HttpResponseBase:
    """The same entries as CSV, all pages; a bad choice is a 400."""
    form = SystemLogForm(request.GET, today=local_time.day(request.received_at))
    csv_form = csv_form_of(request)
    if csv_form is None or not form.is_valid():
        return bad_request(request)
    chosen = form.chosen_lines
    lines = chosen_lines(service_access_of(request), chosen)
    days = f"{chosen.first_day}_{chosen.last_day}"
    name = f"{request.gateway.huid}_system-log_{days}.csv"
    return csv_response(log_csv(lines, csv_form), name)

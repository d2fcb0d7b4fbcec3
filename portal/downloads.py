"""The files a consumer takes away: lists and log as CSV, a period as JSON and XML.

They hold the whole period or range: what a page filters is not left out of its file.
"""

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from logbooks import device_state
from logbooks.access import consumer_log
from portal import local_time
from portal.auth import consumer_required
from portal.csv_response import csv_form_of, csv_response, in_pieces_response
from portal.error_pages import bad_request
from portal.export_json import file_stem, values_json
from portal.exports import log_csv, values_csv
from portal.log_filter import LogForm
from portal.log_page import instants_of
from portal.period_rows import rows_shown
from portal.request import PortalRequest, access_of
from portal.sent_marks import marks_of
from portal.signature_certificate import certificate_for, der_response, pem_response
from portal.views import own_period, own_profile
from tariffs.calendar import Period
from tariffs.models import EvaluationProfile
from tariffs.trudi_file import (
    NotClosed,
    has_tariff_file,
    tariff_file,
    trudi_file,
)


@require_safe
def signature_certificate(request: PortalRequest) -> HttpResponse:
    """The certificate for checking signatures; nobody needs to log in (R65).

    `?ski=` asks for the one of an earlier key, `?format=der` for DER.
    """
    certificate = certificate_for(request.GET.get("ski", ""))
    if request.GET.get("format") == "der":
        return der_response(certificate)
    return pem_response(certificate)


@require_safe
@consumer_required
def log(request: PortalRequest) -> HttpResponseBase:
    """The log of the range chosen as CSV (R119); a bad range or form is a 400."""
    form = LogForm(request.GET, today=local_time.day(request.received_at))
    csv_form = csv_form_of(request)
    if csv_form is None or not form.is_valid():
        return bad_request(request)
    chosen = form.chosen
    begin, end = instants_of(chosen)
    lines = consumer_log(access_of(request), begin=begin, end=end)
    name = f"{request.gateway.huid}_log_{chosen.first_day}_{chosen.last_day}.csv"
    return csv_response(log_csv(lines, csv_form), name)


@require_safe
@consumer_required
def values_as_csv(
    request: PortalRequest, profile_id: str, number: int
) -> HttpResponseBase:
    """The values of a billing period as CSV (R125)."""
    profile = own_profile(request, profile_id)
    period = own_period(request, profile, number)
    csv_form = csv_form_of(request)
    if csv_form is None:
        return bad_request(request)
    rows = rows_shown(profile, period, now=request.received_at)
    name = f"{_stem(request, profile, period)}.csv"
    return csv_response(values_csv(rows, marks_of(profile), csv_form), name)


@require_safe
@consumer_required
def values_as_json(
    request: PortalRequest, profile_id: str, number: int
) -> HttpResponseBase:
    """The same with all that checking the signatures needs, shown in the browser."""
    profile = own_profile(request, profile_id)
    period = own_period(request, profile, number)
    rows = rows_shown(profile, period, now=request.received_at)
    pieces = values_json(
        request.gateway,
        profile,
        period,
        rows,
        marks_of(profile),
        now=request.received_at,
    )
    response = in_pieces_response(pieces, "application/json; charset=utf-8")
    name = f"{_stem(request, profile, period)}.json"
    response["Content-Disposition"] = f'inline; filename="{name}"'
    return response


@require_safe
@consumer_required
def values_for_trudi(
    request: PortalRequest, profile_id: str, number: int
) -> HttpResponseBase:
    """The file of a closed billing period for TRuDI (R58); else a 404."""
    profile = own_profile(request, profile_id)
    period = own_period(request, profile, number)
    try:
        pieces = trudi_file(request.gateway, profile, period)
    except NotClosed:
        raise Http404 from None
    response = in_pieces_response(pieces, "application/xml; charset=utf-8")
    name = f"{_stem(request, profile, period)}.xml"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_safe
@consumer_required
def tariff_for_trudi(
    request: PortalRequest, profile_id: str, number: int
) -> HttpResponseBase:
    """The gateway's own tariff of a period in the form of a supplier's file."""
    profile = own_profile(request, profile_id)
    period = own_period(request, profile, number)
    if not has_tariff_file(profile):
        raise Http404
    pieces = tariff_file(request.gateway, profile, period)
    response = in_pieces_response(pieces, "application/xml; charset=utf-8")
    name = f"{_stem(request, profile, period)}_tarif.xml"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _stem(request: PortalRequest, profile: EvaluationProfile, period: Period) -> str:
    """The name of a file; while integrity is broken it says so (decisions D37).

    A CSV has its columns alone and a file for TRuDI its schema: no place for a word
    about the whole, so the name has it. JSON says it inside, too.
    """
    stem = file_stem(request.gateway.huid, profile.id, period)
    is_broken = device_state.setting_of(request.gateway).marks_values
    return f"{stem}_nicht-fuer-abrechnung" if is_broken else stem

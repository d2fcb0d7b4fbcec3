"""The files of the portal: values, log, records, certificate."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.http.response import HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_safe

from logbooks import selectors as log_selectors
from logbooks.certificates import certificate_by_ski, certificate_pem
from portal import (
    csv_text,
    export_json,
    exports,
    local_time,
    readings,
    signature_certificate,
)
from portal.auth import consumer_required
from portal.log_filter import LogForm
from portal.period_rows import row_at, rows_shown
from portal.record_page import record_text as text_of
from portal.request import PortalRequest
from portal.sent_marks import SentMarks, sent_marks
from tariffs import selectors
from tariffs.calendar import Period, day_start
from tariffs.list_row import ListRow
from tariffs.models import EvaluationProfile

Response = TypeVar("Response", bound=HttpResponseBase)

CSV = "text/csv; charset=utf-8"
JSON = "application/json; charset=utf-8"


@require_safe
@consumer_required
def values_csv(
    request: PortalRequest, profile_id: str, number: int
) -> HttpResponseBase:
    """The table of a billing period as CSV (R125, D14)."""
    form = csv_text.FORMS.get(request.GET.get("format", ""))
    if form is None:
        return HttpResponseBadRequest("format")
    profile, period = _own_period(request, profile_id, number)
    rows = rows_shown(profile, period, now=request.received_at)
    lines = exports.values_csv(rows, _marks(profile), form)
    stem = export_json.file_stem(request.gateway.huid, profile.id, period)
    return _csv_file(lines, f"{stem}.csv")


@require_safe
@consumer_required
def values_json(
    request: PortalRequest, profile_id: str, number: int
) -> HttpResponseBase:
    """The readings of a billing period as JSON, with signatures (R125)."""
    profile, period = _own_period(request, profile_id, number)
    rows = rows_shown(profile, period, now=request.received_at)
    pems = {
        ski: certificate_pem(certificate_by_ski(ski))
        for ski in export_json.signers(rows)
    }
    pieces = export_json.values_json(
        request.gateway,
        readings.contract(request.gateway.huid, profile),
        period,
        rows,
        _marks(profile),
        pems,
        now=request.received_at,
    )
    stem = export_json.file_stem(request.gateway.huid, profile.id, period)
    response = StreamingHttpResponse(pieces, content_type=JSON)
    return _named(response, f"{stem}.json", disposition="inline")


@require_safe
@consumer_required
def record_text(request: PortalRequest, profile_id: str, key: str) -> HttpResponse:
    """The text of a record that was signed, as a file for openssl (D42)."""
    row = _own_row(request, profile_id, key)
    text = text_of(request.gateway.huid, row)
    response = HttpResponse(text.encode(), content_type="text/plain; charset=utf-8")
    return _named(response, f"{_record_stem(request, row)}.txt")


@require_safe
@consumer_required
def record_signature(request: PortalRequest, profile_id: str, key: str) -> HttpResponse:
    """The signature of a record, DER, as a file for openssl (D42)."""
    row = _own_row(request, profile_id, key)
    response = HttpResponse(row.signature, content_type="application/octet-stream")
    return _named(response, f"{_record_stem(request, row)}.sig")


@require_safe
@consumer_required
def log_csv(request: PortalRequest) -> HttpResponseBase:
    """The consumer's log of a range of days as CSV (R119)."""
    form = csv_text.FORMS.get(request.GET.get("format", ""))
    choice = LogForm(request.GET, today=local_time.day(request.received_at))
    if form is None or not choice.is_valid():
        return HttpResponseBadRequest("von, bis, format")
    first, last = choice.chosen.first_day, choice.chosen.last_day
    entries = log_selectors.consumer_log(
        request.consumer,
        begin=day_start(first, 0),
        end=day_start(last + timedelta(days=1), 0),
    )
    name = f"{request.gateway.huid}_letztverbraucher-log_{first}_{last}.csv"
    return _csv_file(exports.log_csv(entries, form), name)


@require_safe
def certificate(request: PortalRequest) -> HttpResponse:
    """The signature certificate; no login is needed (R65, R113)."""
    found = signature_certificate.certificate_for(request.GET.get("ski", ""))
    if request.GET.get("format") == "der":
        return signature_certificate.der_response(found)
    return signature_certificate.pem_response(found)


def _own_profile(request: PortalRequest, profile_id: str) -> EvaluationProfile:
    profile = selectors.profile_of(request.consumer, profile_id)
    if profile is None:
        raise Http404
    return profile


def _own_period(
    request: PortalRequest, profile_id: str, number: int
) -> tuple[EvaluationProfile, Period]:
    """The consumer's profile and its period of that number; raises Http404."""
    profile = _own_profile(request, profile_id)
    periods = list(selectors.periods(profile, request.received_at))
    if number >= len(periods):
        raise Http404
    return profile, periods[number]


def _own_row(request: PortalRequest, profile_id: str, key: str) -> ListRow:
    """The stored row with that time stamp, `2026-01-31T23:00:00Z`; raises Http404."""
    profile = _own_profile(request, profile_id)
    try:
        target_time = datetime.strptime(key, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise Http404 from None
    row = row_at(profile, target_time)
    if row is None:
        raise Http404
    return row


def _marks(profile: EvaluationProfile) -> SentMarks:
    recipients = [recipient.id for recipient in profile.recipients.all()]
    return sent_marks(recipients, selectors.dispatches(profile))


def _record_stem(request: PortalRequest, row: ListRow) -> str:
    time = local_time.zulu(row.target_time).replace("-", "").replace(":", "")
    return f"{request.gateway.huid}_{row.subject}_{time}"


def _csv_file(lines: Iterable[str], name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(csv_text.in_pieces(lines), content_type=CSV)
    return _named(response, name)


def _named(
    response: Response, name: str, *, disposition: str = "attachment"
) -> Response:
    response["Content-Disposition"] = f'{disposition}; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response

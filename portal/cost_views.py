"""The pages of prices and costs: the consumer's own, for information."""

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from portal.auth import consumer_required
from portal.cost_csv import cost_csv
from portal.cost_page import cost_page
from portal.csv_response import csv_form_of, csv_response
from portal.error_pages import bad_request
from portal.export_json import file_stem
from portal.frame import show
from portal.period_page import period_row, taf_row
from portal.price_page import series_words
from portal.profile_words import stage_names
from portal.request import PortalRequest
from portal.table_filter import TableForm
from portal.tariff_upload import NotUsable, content_of, in_memory
from portal.views import own_period, own_profile
from tariffs import selectors
from tariffs.cost_report import CostReport, cost_report
from tariffs.energy import is_priced
from tariffs.models import EvaluationProfile, PriceSeries
from tariffs.price_file import PricesInvalid
from tariffs.price_series import facts_of, import_prices, remove_prices


@require_safe
@consumer_required
def price_list(request: PortalRequest) -> HttpResponse:
    """The consumer's contracts that may have prices, and what there is."""
    rows = [
        (taf_row(profile), series_words(facts_of(profile)))
        for profile in selectors.profiles_of(request.consumer)
        if is_priced(profile)
    ]
    return show(request, "price_list", "list", rows=rows)


@require_http_methods(["GET", "HEAD", "POST"])
@consumer_required
@in_memory
def prices(request: PortalRequest, profile_id: str) -> HttpResponse:
    """The prices of a contract, and a form to replace or remove them."""
    profile = _priced(request, profile_id)
    problems: list[str] = []
    if request.method == "POST":
        problems = _changed(request, profile)
        if not problems:
            return _see_other(reverse("prices", args=[profile.id]))
    return show(
        request,
        "prices",
        "list",
        status=400 if problems else 200,
        profile=taf_row(profile),
        stages=sorted(stage_names(profile).items()),
        facts=series_words(facts_of(profile)),
        problems=problems,
    )


def _changed(request: PortalRequest, profile: EvaluationProfile) -> list[str]:
    """What is wrong with the form; [] when it was done."""
    if request.POST.get("aktion") == "entfernen":
        remove_prices(profile)
        return []
    source, now = PriceSeries.Source.CONSUMER, request.received_at
    try:
        content = content_of(request.FILES.get("datei"))
        import_prices(profile, content, source=source, now=now)
    except NotUsable as reason:
        return [str(reason)]
    except PricesInvalid as error:
        return [str(problem) for problem in error.problems]
    return []


@require_safe
@consumer_required
def costs(request: PortalRequest, profile_id: str, number: int) -> HttpResponse:
    """The costs of a billing period."""
    profile = own_profile(request, profile_id)
    report = _report(request, profile, number)
    form = TableForm(request.GET)
    return show(
        request,
        "costs",
        "list",
        status=200 if form.is_valid() else 400,
        profile=taf_row(profile),
        period=period_row(number, report.period, now=request.received_at),
        form=form,
        costs=cost_page(report, stage_names(profile), form.chosen.day),
    )


@require_safe
@consumer_required
def costs_as_csv(
    request: PortalRequest, profile_id: str, number: int
) -> HttpResponseBase:
    """The costs of each quarter hour of a period as CSV."""
    profile = own_profile(request, profile_id)
    report = _report(request, profile, number)
    form = csv_form_of(request)
    if form is None:
        return bad_request(request)
    lines = cost_csv(report, stage_names(profile), form)
    stem = file_stem(request.gateway.huid, profile.id, report.period)
    return csv_response(lines, f"{stem}_kosten.csv")


def _priced(request: PortalRequest, profile_id: str) -> EvaluationProfile:
    profile = own_profile(request, profile_id)
    if not is_priced(profile):
        raise Http404
    return profile


def _report(
    request: PortalRequest, profile: EvaluationProfile, number: int
) -> CostReport:
    """The report of a period; a 404 without prices."""
    period = own_period(request, profile, number)
    report = cost_report(profile, period, now=request.received_at)
    if report is None or not is_priced(profile):
        raise Http404
    return report


def _see_other(address: str) -> HttpResponseRedirect:
    response = HttpResponseRedirect(address)
    response.status_code = 303
    return response

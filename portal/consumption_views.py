"""The consumption of a meter: page, CSV, JSON. Check who asks, fetch, show."""

from dataclasses import dataclass

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from meters import selectors
from portal import local_time
from portal.auth import consumer_required
from portal.consumption_comparison import comparisons
from portal.consumption_form import Choice, ConsumptionForm
from portal.consumption_page import consumption_page
from portal.consumption_table import consumption_csv, consumption_json
from portal.csv_response import csv_form_of, csv_response
from portal.error_pages import bad_request
from portal.frame import show
from portal.meter_choice import wanted_meter
from portal.request import PortalRequest
from tariffs import consumption_rows
from tariffs.consumption import Consumption


@dataclass(frozen=True, slots=True)
class Found:
    """What was counted, and the names of the stages."""

    consumption: Consumption
    names: dict[int, str]


@require_safe
@consumer_required
def consumption(request: PortalRequest) -> HttpResponse:
    """Day, week, month or year of a meter; a choice that makes no sense is a 400."""
    form = _form(request)
    if form is None:
        return show(request, "consumption", "consumption", form=None)
    chosen = form.chosen
    found = _found(request, chosen)
    compared = comparisons(chosen, found.consumption)
    return show(
        request,
        "consumption",
        "consumption",
        status=200 if form.is_valid() else 400,
        form=form,
        chosen=chosen,
        meters=selectors.meters_of(request.consumer),
        energy=consumption_page(chosen, found.consumption, found.names, compared),
    )


@require_safe
@consumer_required
def consumption_as_csv(request: PortalRequest) -> HttpResponseBase:
    """The slots of the chart as CSV."""
    form, csv_form = _form(request), csv_form_of(request)
    if form is None:
        raise Http404
    if csv_form is None or not form.is_valid():
        return bad_request(request)
    found = _found(request, form.chosen)
    lines = consumption_csv(found.consumption, found.names, csv_form)
    return csv_response(lines, f"{_stem(request, form.chosen)}.csv")


@require_safe
@consumer_required
def consumption_as_json(request: PortalRequest) -> HttpResponseBase:
    """The slots of the chart as JSON, shown in the browser."""
    form = _form(request)
    if form is None:
        raise Http404
    if not form.is_valid():
        return bad_request(request)
    found = _found(request, form.chosen)
    text = consumption_json(form.chosen.meter.id, found.consumption, found.names)
    response = HttpResponse(text, content_type="application/json; charset=utf-8")
    name = f"{_stem(request, form.chosen)}.json"
    response["Content-Disposition"] = f'inline; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


def _form(request: PortalRequest) -> ConsumptionForm | None:
    """None for somebody without a meter; anybody else's meter is a 404."""
    meters = list(selectors.meters_of(request.consumer))
    meter = wanted_meter(request, meters) or next(iter(meters), None)
    if meter is None:
        return None
    today = local_time.day(request.received_at)
    return ConsumptionForm(request.GET, meter, today=today)


def _found(request: PortalRequest, chosen: Choice) -> Found:
    contracts = consumption_rows.contracts(request.consumer, chosen.meter.id)
    plans = consumption_rows.stage_plans(contracts)
    found = consumption_rows.consumption_of(
        chosen.meter.id,
        plans,
        chosen.slots,
        now=request.received_at,
        rolls_over_at=chosen.meter.max_register_value,
    )
    return Found(found, consumption_rows.stage_words(contracts))


def _stem(request: PortalRequest, chosen: Choice) -> str:
    """A name that sorts by gateway, meter and day."""
    first, _behind = chosen.days
    meter = chosen.meter.id
    return f"{request.gateway.huid}_{meter}_verbrauch_{first}_{chosen.span.value}"

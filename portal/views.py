"""The pages of a consumer: check who asks, fetch, show."""

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from meters import selectors as meter_selectors
from portal import help_page, local_time, log_page, measurement_table, period_page
from portal.api import target_time_of
from portal.auth import consumer_required
from portal.bill_form import period_value
from portal.frame import show
from portal.help_texts import STATUS_HELP
from portal.log_filter import LogForm
from portal.meter_choice import wanted_meter
from portal.period_rows import row_at, rows_shown
from portal.power_now import meter_with_power, power_now
from portal.profile_words import stage_names, time_note
from portal.record_page import record_page
from portal.request import PortalRequest, access_of
from portal.sent_marks import marks_of
from portal.start_page import device, start_page
from portal.table_filter import TableForm
from portal.today import today_of
from tariffs import selectors
from tariffs.bill_check import CHECKED
from tariffs.calendar import Period
from tariffs.energy import is_priced
from tariffs.list_row import ListRow
from tariffs.models import EvaluationProfile
from tariffs.price_series import has_prices
from tariffs.schedule import cycle_of
from tariffs.trudi_file import has_file


@require_safe
@consumer_required
def start(request: PortalRequest) -> HttpResponse:
    """The start page (R115, R116)."""
    now = request.received_at
    meters = list(meter_selectors.meters_of(request.consumer))
    latest = meter_selectors.latest_readings(request.consumer)
    first = wanted_meter(request, meters) or meter_with_power(latest, meters)
    reading = next((one for one in latest if one.meter == first), None)
    return show(
        request,
        "start",
        "start",
        start=start_page(request.gateway, meters, latest, now=now),
        device=device(request.gateway, now),
        meter=first,
        choices=latest if len(latest) > 1 else [],
        power=power_now(request.gateway, reading, now=now),
        today=today_of(request.consumer, first, now=now) if first else None,
    )


@require_safe
@consumer_required
def log(request: PortalRequest) -> HttpResponse:
    """The consumer's log (R88, R118); a range that makes no sense is a 400."""
    form = LogForm(request.GET, today=local_time.day(request.received_at))
    chosen = form.chosen
    lines, count = log_page.lines_of_page(access_of(request), chosen)
    return show(
        request,
        "log",
        "log",
        status=200 if form.is_valid() else 400,
        form=form,
        chosen=chosen,
        log=log_page.log_page(lines, count, chosen),
    )


@require_safe
@consumer_required
def taf_list(request: PortalRequest) -> HttpResponse:
    """All use cases of the consumer (R120)."""
    profiles = selectors.profiles_of(request.consumer)
    rows = [period_page.taf_row(profile) for profile in profiles]
    return show(request, "taf_list", "list", profiles=rows)


@require_safe
@consumer_required
def period_list(request: PortalRequest, profile_id: str) -> HttpResponse:
    """The billing periods of one use case (R121, R122)."""
    profile = own_profile(request, profile_id)
    now = request.received_at
    periods = list(selectors.periods(profile, now))
    return show(
        request,
        "period_list",
        "list",
        profile=period_page.taf_row(profile),
        periods=period_page.period_rows(periods, now=now),
        is_merged=cycle_of(profile).is_merged,
    )


@require_safe
@consumer_required
def values(request: PortalRequest, profile_id: str, number: int) -> HttpResponse:
    """The values of one billing period (R123, R124)."""
    profile = own_profile(request, profile_id)
    period = own_period(request, profile, number)
    form = TableForm(request.GET)
    rows = rows_shown(profile, period, now=request.received_at)
    table = measurement_table.value_table(
        rows, form.chosen, marks_of(profile), stage_names(profile)
    )
    return show(
        request,
        "values",
        "list",
        status=200 if form.is_valid() else 400,
        profile=period_page.taf_row(profile),
        period=period_page.period_row(number, period, now=request.received_at),
        form=form,
        has_rows=bool(rows),
        has_trudi_file=has_file(profile, period),
        has_bill=profile.taf in CHECKED,
        bill_value=period_value(profile.id, period),
        may_cost=is_priced(profile),
        has_costs=has_prices(profile),
        completeness=period_page.completeness(rows),
        time_note=time_note(profile),
        is_merged=cycle_of(profile).is_merged,
        table=table,
    )


@require_safe
@consumer_required
def record(request: PortalRequest, profile_id: str, key: str) -> HttpResponse:
    """One value with its signature (D56)."""
    profile = own_profile(request, profile_id)
    return show(
        request,
        "record",
        "list",
        profile=period_page.taf_row(profile),
        record=record_page(request.gateway.huid, own_row(profile, key)),
    )


@require_safe
@consumer_required
def more(request: PortalRequest) -> HttpResponse:
    """The ways to what has no entry of its own in the navigation of a phone."""
    return show(request, "more", "more")


@require_safe
@consumer_required
def help_(request: PortalRequest) -> HttpResponse:
    """What words and events mean."""
    return show(
        request,
        "help",
        "help",
        status_help=STATUS_HELP,
        topics=help_page.topics(),
    )


@require_safe
@consumer_required
def fault_help(request: PortalRequest) -> HttpResponse:
    """What every fault code means, and who has to act."""
    return show(request, "fault_help", "help", faults=help_page.fault_help())


def own_profile(request: PortalRequest, profile_id: str) -> EvaluationProfile:
    """The consumer's profile of that id; anybody else's is a 404."""
    profile = selectors.profile_of(request.consumer, profile_id)
    if profile is None:
        raise Http404
    return profile


def own_period(
    request: PortalRequest, profile: EvaluationProfile, number: int
) -> Period:
    """The billing period with that number, 0 is the newest; else a 404."""
    periods = list(selectors.periods(profile, request.received_at))
    if number >= len(periods):
        raise Http404
    return periods[number]


def own_row(profile: EvaluationProfile, key: str) -> ListRow:
    """The profile's stored row with the time stamp `key`, UTC; else a 404."""
    row = row_at(profile, target_time_of(key))
    if row is None:
        raise Http404
    return row

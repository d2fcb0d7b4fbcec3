"""The check-list of an installation, and its result to print."""

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.views.decorators.http import require_http_methods, require_safe

from meters.models import Account
from portal import formats
from portal.models import InstallationReport
from portal.service_checklist import (
    BY_HAND,
    confirmed_by_hand,
    keep_report,
    seen_by_itself,
    seen_in,
)
from portal.service_frame import show_service
from portal.service_log import log_change
from portal.service_nameplate import nameplate_facts
from portal.service_request import ServiceRequest
from portal.service_words import ROLE_NAMES

REPORTS_SHOWN = 10


@require_http_methods(["GET", "HEAD", "POST"])
def checklist(request: ServiceRequest) -> HttpResponse:
    """The list; sent off it becomes a report that stays."""
    now = request.received_at
    seen = seen_by_itself(request.gateway, request.facts, now=now)
    if request.method == "POST":
        ticked = set(request.POST.getlist("confirmed"))
        report = keep_report(seen, ticked, role=request.account.role, now=now)
        log_change(request, "Prüfliste der Installation abgeschlossen")
        address = resolve_url("report", number=report.pk)
        return HttpResponseRedirect(address, status=303)
    return show_service(
        request,
        "checklist",
        "checklist",
        seen=seen,
        good=sum(check.is_good for check in seen),
        by_hand=BY_HAND.items(),
        reports=[
            (report.pk, formats.record_time(report.made_at))
            for report in InstallationReport.objects.order_by("-pk")[:REPORTS_SHOWN]
        ],
    )


@require_safe
def report(request: ServiceRequest, number: int) -> HttpResponse:
    """A result, with room for place, date and signature on paper."""
    found = InstallationReport.objects.filter(pk=number).first()
    if found is None:
        raise Http404
    checks = [*seen_in(found), *confirmed_by_hand(set(found.confirmed))]
    return show_service(
        request,
        "report",
        "checklist",
        made_at=formats.record_time(found.made_at),
        role=ROLE_NAMES[Account.Role(found.role)],
        checks=checks,
        good=sum(check.is_good for check in checks),
        facts=[
            (name, value) for name, value in nameplate_facts(request.gateway) if value
        ],
    )

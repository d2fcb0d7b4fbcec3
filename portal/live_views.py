"""What the start page asks for by itself: small answers that prolong no login."""

from collections.abc import Callable
from functools import wraps

from django.http import Http404, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from meters import selectors
from portal.meter_choice import wanted_meter
from portal.middleware import polling
from portal.power_now import power_now
from portal.request import PortalRequest, account_of
from portal.today import today_of

LiveView = Callable[[PortalRequest], HttpResponse]


def _of_consumer(view: LiveView) -> Callable[[PortalRequest], HttpResponseBase]:
    """401 without a login, where a page would lead to the form: the script stops."""

    @wraps(view)
    def checked(request: PortalRequest) -> HttpResponseBase:
        account = account_of(request)
        if account is None or account.consumer_id is None:
            return HttpResponse(status=401)
        request.consumer = account.consumer_id
        response = view(request)
        response["Cache-Control"] = "no-store"
        return response

    return checked


@polling
@require_safe
@_of_consumer
def live(request: PortalRequest) -> HttpResponse:
    """Power now of one of his meters (`?zaehler=`) as JSON; 404 for any other."""
    readings = selectors.latest_readings(request.consumer)
    meter = wanted_meter(request, [one.meter for one in readings])
    reading = next((one for one in readings if one.meter == meter), None)
    found = power_now(request.gateway, reading, now=request.received_at)
    return JsonResponse(found.document(), json_dumps_params={"ensure_ascii": False})


@polling
@require_safe
@_of_consumer
def live_curve(request: PortalRequest) -> HttpResponse:
    """Today's sums and chart of one of his meters as a piece of the page."""
    meter = wanted_meter(request, list(selectors.meters_of(request.consumer)))
    if meter is None:
        raise Http404
    return HttpResponse(today_of(request.consumer, meter, now=request.received_at).html)

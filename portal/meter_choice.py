"""Which of his meters a consumer wants to see: `?zaehler=` in any form of its id."""

from collections.abc import Sequence

from django.http import Http404

from hardware.device_id import canonical_meter_id
from meters.models import Meter
from portal.request import PortalRequest


def wanted_meter(request: PortalRequest, meters: Sequence[Meter]) -> Meter | None:
    """The one of these; None when none is named. Anybody else's is a 404."""
    text = request.GET.get("zaehler", "")
    if not text:
        return None
    try:
        wanted = canonical_meter_id(text)
    except ValueError:
        raise Http404 from None
    for meter in meters:
        if meter.id == wanted:
            return meter
    raise Http404

"""What the technician sees while the device is locked down (R138, decisions D33)."""

from django.http import HttpResponse

from portal.service_faults import lockdown_causes
from portal.service_frame import show_service
from portal.service_request import ServiceRequest


def lockdown_page(request: ServiceRequest) -> HttpResponse:
    """The causes, explained, and the way to the system log."""
    causes = lockdown_causes()
    return show_service(request, "lockdown", status=503, causes=causes)

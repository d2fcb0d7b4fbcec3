"""The technician's pages that only show: state of the device, telegrams, nameplate."""

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from hardware.release import release_of
from meters.kept_telegrams import kept_telegrams
from meters.technician_view import meter_id_of
from meters.unknown_meters import unknown_meters
from portal import formats
from portal.service_device import (
    NOTHING,
    clock_view,
    interface_rows,
    meter_rows,
    storage_view,
)
from portal.service_faults import codes_of, standing_faults
from portal.service_frame import show_service
from portal.service_nameplate import nameplate_facts
from portal.service_request import ServiceRequest
from portal.service_words import PROCESS_STATES, led_words


@require_safe
def device(request: ServiceRequest) -> HttpResponse:
    """The state of the device: lights, meters, interfaces, faults, work, storage."""
    gateway, now = request.gateway, request.received_at
    faults = standing_faults()
    due = request.facts.oldest_due(now)
    return show_service(
        request,
        "device",
        "device",
        leds=led_words(request.facts.led_facts()),
        meters=meter_rows(gateway),
        interfaces=interface_rows(gateway),
        faults=faults,
        codes=codes_of(faults),
        storage=storage_view(gateway, now=now),
        clock=clock_view(gateway, now=now),
        processes=[
            (one, PROCESS_STATES.get(one.state, one.state))
            for one in request.facts.processes()
        ],
        queues=request.facts.queues().items(),
        oldest_due=formats.record_time(due) if due else "",
        is_encrypted=request.facts.is_encrypted(),
        release=release_of(),
        hardware=gateway.hardware,
    )


@require_safe
def telegrams(request: ServiceRequest) -> HttpResponse:
    """What could not be decoded, and meters of others that were heard."""
    kept = [
        {
            "time": formats.record_time(one.received_at),
            "port": one.port,
            "header": one.header,
            "length": one.length,
            "reason": one.reason,
            "payload": bytes(one.payload).hex(),
        }
        for one in kept_telegrams()
    ]
    strangers = [
        {
            "server_id": one.server_id,
            "meter": meter_id_of(one.server_id) or NOTHING,
            "port": one.port,
            "seen": formats.record_time(one.seen_at),
            "signal": NOTHING if one.rssi_dbm is None else f"{one.rssi_dbm} dBm",
        }
        for one in unknown_meters()
    ]
    return show_service(
        request, "telegrams", "telegrams", kept=kept, strangers=strangers
    )


@require_safe
def nameplate(request: ServiceRequest) -> HttpResponse:
    """Everything that stands on the nameplate (R2), and what is installed (R4)."""
    return show_service(
        request,
        "nameplate",
        "nameplate",
        facts=nameplate_facts(request.gateway),
        release=release_of(),
    )

"""That the hardware is still the one that was set up (manual ch. 8, R3, R137, D7)."""

from datetime import datetime

from django.db import transaction

from hardware.gateway import Gateway
from hardware.hardware_version import HardwareVersion
from logbooks import device_state
from logbooks.checks import Fault
from logbooks.services import log_fault

HARDWARE_CHANGED = 600215
""""Integritätsprüfung fehlgeschlagen" of the configuration: the manual has no code of
its own for a hardware change."""


def note_hardware(gateway: Gateway, *, now: datetime) -> bool:
    """At each start: compare with what was set up; True when it has changed.

    The first start notes what it finds. A change of the last three characters is
    allowed and noted; one of the first five digits locks the device.
    """
    with transaction.atomic():
        row = device_state.locked_row()
        has_changed = bool(row.hardware) and not _is_same(row.hardware, gateway)
        if has_changed:
            log_fault(gateway, HARDWARE_CHANGED, now=now)
        elif row.hardware != str(gateway.hardware):
            row.hardware = str(gateway.hardware)
            row.save()
    return has_changed


def accept_hardware(gateway: Gateway) -> None:
    """The GWA says that the hardware is right as it is; then a release works."""
    with transaction.atomic():
        row = device_state.locked_row()
        row.hardware = str(gateway.hardware)
        row.save()


def hardware_faults(gateway: Gateway, _now: datetime) -> list[Fault]:
    """The check of the self-test."""
    noted = device_state.current().hardware
    if not noted or _is_same(noted, gateway):
        return []
    return [Fault(HARDWARE_CHANGED, f"{noted} was set up, {gateway.hardware} is there")]


def _is_same(noted: str, gateway: Gateway) -> bool:
    return HardwareVersion.parse(noted).is_same_hardware(gateway.hardware)

"""Opens the gateway that the settings describe; the edges call it once each."""

from django.conf import settings

from hardware.gateway import (
    DEFAULT_HARDWARE,
    Gateway,
    GatewayNotOpened,
    open_gateway,
)
from hardware.hardware_version import HardwareVersion
from hardware.nameplate import load_nameplate


def open_configured_gateway(first_huid: str | None = None) -> Gateway:
    """The gateway of the state folder; makes its id and keys on the first start.

    `first_huid` is its id when there is none yet and CASA_HUID is not set. Raises
    GatewayNotOpened when what the state folder holds cannot be used.
    """
    return open_gateway(
        settings.STATE,
        huid=settings.HUID or first_huid,
        clock_offset=settings.CLOCK_OFFSET,
        live_period=settings.LIVE_PERIOD,
        supply_input=settings.SUPPLY_INPUT,
        rtc=settings.RTC,
        sets_host_clock=settings.SETS_HOST_CLOCK,
        signature_curve=settings.SIGNATURE_CURVE,
        hardware=_hardware(),
        storage_quota=settings.STORAGE_QUOTA,
    )


def _hardware() -> HardwareVersion:
    """CASA_HARDWARE, else what the nameplate says, else the default."""
    try:
        if settings.HARDWARE:
            return HardwareVersion.parse(settings.HARDWARE)
        return load_nameplate(settings.STATE).hardware or DEFAULT_HARDWARE
    except ValueError as error:
        raise GatewayNotOpened(str(error)) from None

"""Opens the gateway that the settings describe; the edges call it once each."""

from django.conf import settings

from hardware.gateway import Gateway, open_gateway


def open_configured_gateway() -> Gateway:
    """The gateway of the state folder; makes its id and keys on the first start.

    Raises ValueError when what the state folder holds cannot be used.
    """
    return open_gateway(
        settings.STATE,
        huid=settings.HUID or None,
        clock_offset=settings.CLOCK_OFFSET,
        live_period=settings.LIVE_PERIOD,
        signature_curve=settings.SIGNATURE_CURVE,
    )

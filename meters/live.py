"""Live values on their way from a thread to the database."""

import logging
from collections.abc import Mapping

from django.db import Error, connection

from hardware.gateway import Gateway
from hardware.readings import MeterReading
from meters import services

logger = logging.getLogger(__name__)


def show_live(gateway: Gateway, readings: Mapping[str, MeterReading]) -> None:
    """Bring the live rows up to date; whatever fails costs only these."""
    if not readings:
        return
    try:
        services.update_live(gateway, readings, now=gateway.clock.now())
    except Exception as error:
        # What was read for a boundary has to go on to the original list.
        cause = None if isinstance(error, Error) else error
        logger.error("live values could not be stored: %s", error, exc_info=cause)
        connection.close_if_unusable_or_obsolete()

"""The management channel: the gateway dials the administrator and lets him ask.

Opened by a wake-up, by a new alarm, or by schedule (wan.md 1). The gateway is TLS
client; inside, the GWA is HTTP client of the same API that the listener serves.
"""

import logging
import socket
import ssl
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from gwa_api.channel_server import IDLE_S, Application, serve_channel
from gwa_api.models import ManagementState
from gwa_api.partners import peer_of, way_to_gwa
from gwa_api.wan_client import ConnectionFailed, open_channel
from hardware.gateway import Gateway
from hardware.tls_profile import LONGEST_CONNECTION_S, tls_fault
from logbooks.alarms import open_alarms
from logbooks.services import log_fault

EVERY = timedelta(days=1)
"""Without a wake-up or an alarm the channel is opened so often."""

AGAIN = timedelta(minutes=5)
"""After an attempt of its own the gateway waits so long."""

_log = logging.getLogger(__name__)


def serve_administrator(
    gateway: Gateway,
    application: Application,
    *,
    now: datetime,
    idle_s: float = IDLE_S,
    longest_s: float = LONGEST_CONNECTION_S,
) -> int | None:
    """Open the channel and answer until it ends; how many requests that were.

    None when there is no way, or he cannot be reached. A peer that is not the GWA is
    told in the system log.
    """
    _note_opening(now)
    way = way_to_gwa()
    if way is None or not way.management_addresses:
        return None
    peer = replace(
        peer_of(gateway, way, now=now), addresses=tuple(way.management_addresses)
    )
    try:
        connection = open_channel(peer)
    except ConnectionFailed as failed:
        _log.info("management channel: %s", failed)
        if failed.is_identity:
            log_fault(gateway, tls_fault(failed.cause or failed), now=now)
        return None
    try:
        return serve_channel(
            connection, application, idle_s=idle_s, longest_s=longest_s
        )
    finally:
        _end(connection)


def is_due(now: datetime) -> bool:
    """Whether an alarm or the schedule asks for the channel."""
    way = way_to_gwa()
    if way is None or not way.management_addresses:
        return False
    state = ManagementState.objects.filter(pk=1).first() or ManagementState()
    last = state.last_opened_at
    if last is None or not timedelta() <= now - last < EVERY:
        return True
    newest = open_alarms().order_by("-pk").values_list("pk", flat=True).first() or 0
    return newest > state.alarms_told and now - last >= AGAIN


def _note_opening(now: datetime) -> None:
    newest = open_alarms().order_by("-pk").values_list("pk", flat=True).first() or 0
    ManagementState.objects.update_or_create(
        pk=1, defaults={"last_opened_at": now, "alarms_told": newest}
    )


def _end(connection: ssl.SSLSocket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()

"""Notes the proxy's connections: 20018 and 20020 in the consumer's log."""

import logging
from collections.abc import Sequence
from datetime import datetime

from asgiref.sync import sync_to_async
from django.db import transaction

from gwa_api.cls.profile import Profile
from gwa_api.models import ProxyConnection
from hardware.gateway import Gateway
from logbooks.catalogue import Event
from logbooks.services import log_event

_log = logging.getLogger(__name__)


class LogJournal:
    """The journal of a gateway; every opened connection gets exactly one end."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def opened(self, profile: Profile, number: int | None) -> int:
        """Log 20018; returns the number of the connection."""
        now = self._gateway.clock.now()
        return await sync_to_async(open_connection)(
            self._gateway, profile, number, now=now
        )

    async def closed(self, number: int, profile: Profile) -> None:
        """Log 20020."""
        now = self._gateway.clock.now()
        await sync_to_async(close_connections)(self._gateway, [number], now=now)

    async def refused(self, reason: str) -> None:
        """Failed attempts have no event of their own: the process's output tells."""
        _log.info("connection of a CLS refused: %s", reason)


@transaction.atomic
def open_connection(
    gateway: Gateway, profile: Profile, number: int | None = None, *, now: datetime
) -> int:
    """Note a connection whose both handshakes are done; its number.

    `number` is that of the order that it was made for, None without one.
    """
    order = ProxyConnection.objects.filter(pk=number).first() if number else None
    connection = order or ProxyConnection(
        profile_id=profile.id, consumer_id=profile.consumer
    )
    connection.opened_at = now
    connection.save()
    _tell(gateway, Event.PROXY_CONNECTED, connection, now)
    return connection.pk


def close_connections(
    gateway: Gateway, numbers: Sequence[int] | None = None, *, now: datetime
) -> int:
    """Note the end of these connections, or of all; how many were open.

    At the start of the proxy all: a crash has ended those of its last run.
    """
    standing = ProxyConnection.objects.filter(closed_at=None).exclude(opened_at=None)
    if numbers is not None:
        standing = standing.filter(pk__in=numbers)
    return sum(_close(gateway, connection, now) for connection in standing)


def _close(gateway: Gateway, connection: ProxyConnection, now: datetime) -> bool:
    with transaction.atomic():
        rows = ProxyConnection.objects.filter(pk=connection.pk, closed_at=None)
        is_ours = rows.update(closed_at=now) == 1
        if is_ours:
            _tell(gateway, Event.PROXY_DISCONNECTED, connection, now)
    return is_ours


def _tell(
    gateway: Gateway, event: Event, connection: ProxyConnection, now: datetime
) -> None:
    log_event(
        gateway,
        event,
        connection.profile_id,
        now=now,
        consumers=[connection.consumer_id],
        profile=connection.profile_id,
    )

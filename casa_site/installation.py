"""Set-up of a state folder: tables, identity, certificates, demo installation.

Every step does what is missing and may run again; it is done at each start.
"""

from datetime import UTC, datetime
from types import ModuleType

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, transaction

from casa_site import backup, first_start, start_and_end, timekeeping
from casa_site.gateways import open_configured_gateway
from casa_site.roles import Listening, demo_module
from hardware.gateway import Gateway, GatewayNotOpened
from hardware.han_certificate import (
    GWA_LISTENER,
    HAN_LISTENER,
    ensure_server_files,
)
from logbooks import certificates
from meters.models import Consumer


def install(listening: Listening) -> None:
    """Bring the state folder to what this version needs.

    Raises SystemExit with one sentence when the state or the database is unusable.
    """
    try:
        _install(listening)
    except GatewayNotOpened as error:
        raise SystemExit(f"casa: {error}.") from None
    except DatabaseError as error:
        raise SystemExit(f"casa: the database cannot be used: {error}") from None


def _install(listening: Listening) -> None:
    call_command("migrate", verbosity=0, interactive=False)
    wants_it = listening.with_demo and first_start.installs_demo(settings.STATE)
    demo = demo_module() if wants_it else None
    gateway = open_configured_gateway(first_huid=demo.HUID if demo else None)
    timekeeping.begin_time(gateway)
    now = gateway.clock.now()
    certificates.ensure_signature_certificate(gateway, now)
    # Browsers go by the time of the host, not by a moved gateway time (D39).
    for listener in (HAN_LISTENER, GWA_LISTENER):
        ensure_server_files(
            gateway, listener, addresses=[listening.host], now=datetime.now(UTC)
        )
    if demo is not None:
        with transaction.atomic():
            _install_demo(demo, gateway, listening, now)
        (settings.STATE / first_start.DEMO_PENDING).unlink()
    backup.note_restored(gateway, now=now)
    start_and_end.begin_run(gateway)


def _install_demo(
    demo: ModuleType, gateway: Gateway, listening: Listening, now: datetime
) -> None:
    """All or nothing; nothing when a start broke off right after it."""
    if Consumer.objects.exists():
        return
    demo.install(
        gateway,
        han_url=f"https://{listening.han_address}",
        service_url=f"https://{listening.service_address}",
        history_days=listening.history_days,
        now=now,
    )

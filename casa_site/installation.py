"""Set-up of a state folder: tables, identity, certificates, demo installation.

Every step does what is missing and may run again; it is done at each start.
"""

from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from casa_site.gateways import open_configured_gateway
from casa_site.roles import Listening, demo_module
from hardware.han_certificate import ensure_han_files
from logbooks import certificates

DEMO_PENDING = "demo.pending"
DEMO_FILE = "demo.json"


def install(listening: Listening) -> None:
    """Bring the state folder to what this version needs."""
    call_command("migrate", verbosity=0, interactive=False)
    pending = settings.STATE / DEMO_PENDING
    demo = demo_module() if pending.exists() else None
    gateway = open_configured_gateway(first_huid=demo.HUID if demo else None)
    now = gateway.clock.now()
    certificates.ensure_signature_certificate(gateway, now)
    # Browsers go by the time of the host, not by a moved gateway time (D39).
    ensure_han_files(gateway, addresses=[listening.host], now=datetime.now(UTC))
    if demo is not None:
        demo.install(
            gateway,
            han_url=f"https://{listening.han_address}",
            history_days=listening.history_days,
            now=now,
        )
        pending.unlink()


def plan_demo(state: Path) -> None:
    """Note that the demo is to be installed, so that a broken set-up goes on."""
    (state / DEMO_PENDING).touch(mode=0o600)


def wants_demo(state: Path) -> bool:
    """Whether the demo is installed in the state folder, or about to be."""
    return (state / DEMO_FILE).exists() or (state / DEMO_PENDING).exists()

"""`./casa manage read_on_demand`: a reading for a recipient, by the administrator."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from casa_site.gateways import open_configured_gateway
from hardware.gateway import GatewayNotOpened
from tariffs import on_demand


class Command(BaseCommand):
    """Asks for the reading of a day (TAF6), or for one now (TAF9, TAF10)."""

    help = "Sends a recipient a reading on demand."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Profile, recipient, and for TAF6 the day."""
        parser.add_argument("profile")
        parser.add_argument("recipient")
        parser.add_argument("--day", type=date.fromisoformat, metavar="2026-02-28")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask, and say what became of it."""
        try:
            gateway = open_configured_gateway()
            asked = on_demand.request(
                gateway,
                options["profile"],
                recipient=options["recipient"],
                day=options["day"],
                now=gateway.clock.now(),
            )
        except (GatewayNotOpened, on_demand.OnDemandRefused) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{asked.id} {asked.state} {asked.target_time:%Y-%m-%dT%XZ}")

"""`./casa manage import_prices PROFILE FILE`: the prices of a contract, CSV or JSON."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import translation

from casa_site.gateways import open_configured_gateway
from hardware.gateway import GatewayNotOpened
from tariffs.energy import is_priced
from tariffs.models import EvaluationProfile, PriceSeries
from tariffs.price_file import LARGEST_FILE, PricesInvalid
from tariffs.price_series import import_prices, remove_prices

STANDARD_INPUT = "-"


class Command(BaseCommand):
    """Gives a contract its prices, for information of its consumer."""

    help = (
        "Replaces the price series of a profile by that of a CSV or JSON file: all of "
        "it, or nothing. The forms are described in docs/consumer.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Profile and file, or only the profile to remove its prices."""
        parser.add_argument("profile")
        parser.add_argument("file", nargs="?", help="- is standard input")
        parser.add_argument("--remove", action="store_true")

    def handle(
        self, *args: Any, profile: str, file: str | None, remove: bool, **options: Any
    ) -> None:
        """Import or remove, and say what was done."""
        found = EvaluationProfile.objects.filter(pk=profile).first()
        if found is None:
            raise CommandError(f"there is no profile {profile!r}")
        if remove:
            words = "removed" if remove_prices(found) else "there were none"
            self.stdout.write(f"prices of {profile}: {words}")
            return
        if file is None:
            raise CommandError("name a file, or --remove")
        self._import(found, _content(file))

    def _import(self, profile: EvaluationProfile, content: bytes) -> None:
        if not is_priced(profile):
            raise CommandError(f"{profile.id} counts nothing that is priced per kWh")
        try:
            now = open_configured_gateway().clock.now()
        except GatewayNotOpened as error:
            raise CommandError(str(error)) from None
        with translation.override("en"):
            try:
                series = import_prices(
                    profile, content, source=PriceSeries.Source.OPERATOR, now=now
                )
            except PricesInvalid as error:
                lines = "\n".join(map(str, error.problems))
                raise CommandError(f"nothing was changed\n{lines}") from None
        self.stdout.write(f"prices of {profile.id}: {series.rows.count()} imported")


def _content(file: str) -> bytes:
    """At most one byte more than is allowed: that it is too large is told later."""
    if file == STANDARD_INPUT:
        return sys.stdin.buffer.read(LARGEST_FILE + 1)
    try:
        with Path(file).open("rb") as opened:
            return opened.read(LARGEST_FILE + 1)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from None

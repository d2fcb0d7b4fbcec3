"""`./casa manage backup FILE`: the whole gateway into an encrypted file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from casa_site.backup import back_up
from casa_site.backup_keys import add_lock_arguments, lock_of
from casa_site.env import SettingInvalid
from casa_site.gateways import open_configured_gateway
from hardware.gateway import GatewayNotOpened


class Command(BaseCommand):
    """Writes a backup while the gateway runs."""

    help = "Writes an encrypted backup of the state folder; the gateway may run."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file, and who may open it."""
        parser.add_argument("file", type=Path)
        add_lock_arguments(parser)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        """Write it and say what is not in it."""
        try:
            gateway = open_configured_gateway()
            now = gateway.clock.now()
            count = back_up(gateway, file, lock_of(options), now=now)
        except (GatewayNotOpened, SettingInvalid, ValueError, OSError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{file}: {count} files")
        if connection.vendor != "sqlite":
            self.stdout.write("the database is NOT in it: use pg_dump")

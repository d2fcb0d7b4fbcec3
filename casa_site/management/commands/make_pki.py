"""`./casa manage make_pki FOLDER`: a PKI for a laboratory."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from casa_site.lab_pki import make_lab_pki


class Command(BaseCommand):
    """Makes root, sub-CA, and triples of a GWA and recipients; not for real use."""

    help = (
        "Makes a test PKI in FOLDER: root, sub-CA, revocation list, and TLS, ENC and "
        "SIG certificates with keys for the GWA and each EMT. Not for production."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The folder, and for whom."""
        parser.add_argument("folder", metavar="FOLDER", type=Path)
        parser.add_argument("--gwa", default="gwa-0001", metavar="ID")
        parser.add_argument(
            "--emt", action="append", metavar="ID", help="may be given again"
        )

    def handle(
        self, *args: Any, folder: Path, gwa: str, emt: list[str] | None, **options: Any
    ) -> None:
        """Make it; refuses a folder that has one."""
        try:
            make_lab_pki(
                folder, gwa=gwa, emts=emt or ["emt-0001"], now=datetime.now(UTC)
            )
        except (OSError, ValueError) as error:
            raise CommandError(f"nothing was made: {error}") from None
        self.stdout.write(f"PKI for a laboratory in {folder}")

"""`./casa manage openapi`: the OpenAPI documents of the HAN, into docs/openapi/."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from portal.openapi import DOCUMENTS


class Command(BaseCommand):
    """Writes the documents anew."""

    help = "Writes the OpenAPI documents of /json/ and /smgw/con/v1/."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to."""
        default = settings.BASE_DIR / "docs" / "openapi"
        parser.add_argument("--folder", type=Path, default=default)

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        """One file each."""
        folder.mkdir(exist_ok=True)
        for name, make in DOCUMENTS.items():
            text = json.dumps(make(), indent=1, ensure_ascii=False)
            (folder / name).write_text(f"{text}\n", encoding="utf-8")
            self.stdout.write(str(folder / name))

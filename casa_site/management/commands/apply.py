"""`./casa manage apply FILE.json`: consumers, meters, recipients and profiles."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from casa_site.gateways import open_configured_gateway
from gwa_api.apply import ApplyResult, apply
from gwa_api.json_object import DocumentInvalid, document_of
from hardware.gateway import Gateway, GatewayNotOpened
from logbooks.certificates import ensure_signature_certificate

STANDARD_INPUT = "-"


class Command(BaseCommand):
    """Configures the gateway of the state folder; it may run meanwhile."""

    help = (
        "Creates consumers, meters, market participants and profiles from a JSON "
        "document: all of it, or nothing. Applying a document again changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One file."""
        parser.add_argument("file", metavar="FILE.json", help="- is standard input")
        parser.add_argument(
            "--change",
            action="store_true",
            help="change participants and profiles that differ from the document",
        )

    def handle(self, *args: Any, file: str, change: bool, **options: Any) -> None:
        """Apply and say what was done, or what is wrong and that nothing was done."""
        text = _text_of(file)
        call_command("migrate", verbosity=0, interactive=False)
        gateway = _opened()
        now = gateway.clock.now()
        ensure_signature_certificate(gateway, now)
        try:
            result = apply(gateway, document_of(text), now=now, change=change)
        except DocumentInvalid as error:
            problems = [f"{p.pointer or '/'}: {p.message}" for p in error.problems]
            lines = "\n".join(problems)
            raise CommandError(f"nothing was changed\n{lines}") from None
        self._tell(result)

    def _tell(self, result: ApplyResult) -> None:
        for word, things in (
            ("created", result.created),
            ("changed", result.changed),
            ("unchanged", result.unchanged),
        ):
            for kind, ids in things.items():
                self.stdout.write(f"{word}: {kind} {', '.join(ids)}")
        for consumer, password in result.passwords.items():
            self.stdout.write(f"password of {consumer}, shown only now: {password}")
        for warning in result.warnings:
            self.stderr.write(f"warning: {warning}")


def _opened() -> Gateway:
    try:
        return open_configured_gateway()
    except GatewayNotOpened as error:
        raise CommandError(str(error)) from None


def _text_of(file: str) -> str:
    try:
        if file == STANDARD_INPUT:
            return sys.stdin.read()
        return Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}") from None

"""`./casa manage time`: where the gateway's time comes from."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.core.management.base import BaseCommand, CommandError

from casa_site.gateways import open_configured_gateway
from hardware.gateway import Gateway, GatewayNotOpened
from logbooks import time_service
from logbooks.models import TimeState


class Command(BaseCommand):
    """Sets, shows or forgets the time server."""

    help = "Sets the time server (NTP over TLS), or shows what is set."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One action at most."""
        action = parser.add_mutually_exclusive_group()
        action.add_argument("--server", metavar="HOST:PORT", help="needs --certificate")
        action.add_argument(
            "--forget", action="store_true", help="the host's time holds again"
        )
        action.add_argument(
            "--accept",
            action="store_true",
            help="the server's next answer sets the clock, however far it is off",
        )
        parser.add_argument(
            "--certificate",
            type=Path,
            metavar="FILE.pem",
            help="the one certificate that the server has to show",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, then say what holds."""
        try:
            gateway = open_configured_gateway()
            self._act(gateway, options)
        except (GatewayNotOpened, ValueError, OSError) as error:
            raise CommandError(str(error)) from None
        except TimeState.DoesNotExist:
            raise CommandError("no time server is configured") from None
        state = TimeState.objects.first()
        server = f"{state.host}:{state.port}" if state else "none"
        self.stdout.write(f"time server {server}")

    def _act(self, gateway: Gateway, options: dict[str, Any]) -> None:
        now = gateway.clock.now()
        if options["server"]:
            host, _colon, port = options["server"].rpartition(":")
            time_service.configure_time_service(
                gateway,
                host=host.strip("[]"),
                port=int(port) if port.isdecimal() else 0,
                certificate=_der(options["certificate"]),
                now=now,
            )
        elif options["forget"]:
            time_service.forget_time_service(gateway, now=now)
        elif options["accept"]:
            time_service.accept_next_time(gateway, now=now)


def _der(path: Path | None) -> bytes:
    if path is None:
        raise ValueError("--certificate is needed")
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    return certificate.public_bytes(Encoding.DER)

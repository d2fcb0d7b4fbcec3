"""`./casa manage consumer_letter USER`: what the metering operator hands out (R108)."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from casa_site.gateways import open_configured_gateway
from hardware.certificate_path import CertificateRefused
from hardware.gateway import Gateway, GatewayNotOpened
from hardware.han_certificate import ensure_han_files, han_files
from hardware.private_files import replace
from meters.account_certificates import IssuedCertificate
from meters.accounts import AccountInvalid
from meters.handover import Handover, hand_over

FOLDER = "handover"


class Command(BaseCommand):
    """Makes new secrets and prints them, this once."""

    help = (
        "Prints what a consumer gets from his metering operator: addresses, user name, "
        "a new password or a new .p12 file with its PIN, and the fingerprint of the "
        "HAN certificate. What he had before logs nobody in any more."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who, and which secrets."""
        parser.add_argument("user")
        parser.add_argument("--password", action="store_true", help="a new password")
        parser.add_argument(
            "--certificate", action="store_true", help="a new client certificate"
        )
        parser.add_argument(
            "--p12", type=Path, help="where to put the .p12 file, mode 0600"
        )
        parser.add_argument(
            "--port", type=int, default=443, help="port of the HAN, default 443"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the letter; without options as the consumer's access is open."""
        call_command("migrate", verbosity=0, interactive=False)
        try:
            gateway = open_configured_gateway()
            with transaction.atomic():  # a file that fails leaves the old secrets
                lines = self._letter(gateway, options)
        except (GatewayNotOpened, AccountInvalid, CertificateRefused) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"the .p12 file was not written: {error}") from None
        self.stdout.write("\n".join(lines))

    def _letter(self, gateway: Gateway, options: dict[str, Any]) -> list[str]:
        made = hand_over(
            gateway,
            options["user"],
            password=options["password"],
            certificate=options["certificate"],
            now=gateway.clock.now(),
        )
        return letter(gateway, made, port=options["port"], p12=options["p12"])


def letter(
    gateway: Gateway, made: Handover, *, port: int, p12: Path | None
) -> list[str]:
    """The lines of the letter; writes the .p12 file where there is a certificate."""
    certificate = _han_certificate(gateway)
    lines = [
        f"Smart-Meter-Gateway {gateway.huid.upper()}",
        "",
        "Adresse im Heimnetz:",
        *(f"  {address}" for address in addresses(certificate, port=port)),
        f"Benutzername:        {made.username}",
    ]
    if made.password:
        lines.append(f"Passwort:            {made.password}")
    if made.certificate:
        path = p12 or gateway.state / FOLDER / f"{made.username}.p12"
        _write(path, made.certificate)
        lines += [
            f"Zertifikat:          {path.absolute()}",
            f"PIN des Zertifikats: {made.certificate.pin}",
        ]
    digits = certificate.fingerprint(SHA256()).hex().upper()
    groups = [digits[at : at + 4] for at in range(0, len(digits), 4)]
    return [
        *lines,
        "Fingerabdruck des HAN-Zertifikats (SHA-256):",
        f"  {' '.join(groups[:8])}",
        f"  {' '.join(groups[8:])}",
        "",
        "Passwort und PIN werden nur dieses eine Mal angezeigt.",
    ]


def addresses(certificate: x509.Certificate, *, port: int) -> list[str]:
    """The addresses that the HAN certificate is for, but those of this machine."""
    names = certificate.extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    ).value
    texts = [str(name) for name in names.get_values_for_type(x509.DNSName)]
    texts += [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    end = "" if port == 443 else f":{port}"
    return [f"https://{_host(text)}{end}" for text in texts if _is_of_the_house(text)]


def _host(text: str) -> str:
    return f"[{text}]" if ":" in text else text


def _is_of_the_house(text: str) -> bool:
    try:
        address: IPv4Address | IPv6Address = ip_address(text)
    except ValueError:
        return text != "localhost"
    return not address.is_loopback


def _han_certificate(gateway: Gateway) -> x509.Certificate:
    """The certificate that is served; made when the gateway has not run yet."""
    file = han_files(gateway).certificate
    if not file.exists():
        # Clients check it by their own clock, so it goes by the host's.
        ensure_han_files(gateway, now=datetime.now(UTC))
    return x509.load_pem_x509_certificate(file.read_bytes())


def _write(path: Path, certificate: IssuedCertificate) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace(path, certificate.p12)

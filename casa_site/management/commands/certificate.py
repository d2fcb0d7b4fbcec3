"""`./casa manage certificate ...`: the certificate store and the gateway's keys."""

from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from casa_site.gateways import open_configured_gateway
from hardware import root_certificates as roots
from hardware.certificate_path import CertificateRefused
from hardware.gateway import Gateway, GatewayNotOpened
from hardware.security_faults import SecurityModuleFault
from logbooks import certificate_store as store
from logbooks import key_renewal
from logbooks.models import Certificate

PARTNERS = {"gwa": store.Holder.GWA, "emt": store.Holder.EMT}


class Command(BaseCommand):
    """What the administrator orders over the WAN, from the command line."""

    help = "The certificate store: list, import, request, activate, revoke."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One action, and what it needs."""
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="what is in the store, and the roots")
        self._add_imports(actions)
        request = actions.add_parser("request", help="PKCS#10 requests into FOLDER")
        request.add_argument("folder", metavar="FOLDER", type=Path)
        request.add_argument(
            "--first", action="store_true", help="for the keys in force, not new ones"
        )
        actions.add_parser("activate", help="put the new keys in force")
        actions.add_parser("drop", help="destroy the old keys after a renewal")
        actions.add_parser("cancel", help="give a renewal up")
        for name, text in (
            ("revoke", "never accept it again"),
            ("end", "take it out of force"),
            ("delete-root", "give up a root"),
        ):
            each = actions.add_parser(name, help=text)
            each.add_argument("fingerprint", metavar="SHA256")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        """Do it, or say why not and that nothing was changed."""
        call_command("migrate", verbosity=0, interactive=False)
        try:
            gateway = open_configured_gateway()
            now = gateway.clock.now()
            with store.logged_refusals(gateway, now):
                self._act(gateway, action, options, now)
        except (CertificateRefused, SecurityModuleFault) as refused:
            raise CommandError(f"fault {refused.code}: {refused}") from None
        except (GatewayNotOpened, OSError) as error:
            raise CommandError(str(error)) from None

    def _add_imports(self, actions: Any) -> None:
        for name, text in (
            ("import-root", "a root; not the first one: with --link"),
            ("import-sub", "a sub-CA"),
            ("import-crl", "a revocation list"),
            ("import-own", "a certificate for one of the gateway's keys"),
            ("import-partner", "a certificate of the GWA or an EMT"),
        ):
            each = actions.add_parser(name, help=text)
            each.add_argument("file", metavar="FILE", type=Path)
            if name == "import-root":
                each.add_argument("--link", metavar="FILE", type=Path)
            if name == "import-own":
                each.add_argument("--guetesiegel", action="store_true")
            if name == "import-partner":
                each.add_argument("holder", choices=sorted(PARTNERS))
                each.add_argument("id", metavar="ID")
                each.add_argument("kind", choices=["TLS", "ENC", "SIG"])

    def _act(
        self, gateway: Gateway, action: str, options: dict[str, Any], now: datetime
    ) -> None:
        if action.startswith("import-"):
            self._import(gateway, action.removeprefix("import-"), options, now)
        elif action == "list":
            self._list(gateway)
        elif action == "request":
            self._request(gateway, options["folder"], first=options["first"])
        elif action == "activate":
            key_renewal.activate_certificates(gateway, now=now)
        elif action == "drop":
            key_renewal.drop_previous_keys(gateway)
        elif action == "cancel":
            key_renewal.cancel_renewal(gateway, now=now)
        elif action == "delete-root":
            roots.delete_root(gateway.security_module, options["fingerprint"].lower())
        else:
            change = (
                store.revoke_certificate
                if action == "revoke"
                else (store.end_certificate)
            )
            if not change(options["fingerprint"].lower(), now=now):
                raise CommandError("there is no such certificate in force")

    def _import(
        self, gateway: Gateway, what: str, options: dict[str, Any], now: datetime
    ) -> None:
        data = options["file"].read_bytes()
        with transaction.atomic():
            if what == "root":
                self._import_root(gateway, data, options["link"])
            elif what == "sub":
                store.import_authority(gateway, data, now=now)
            elif what == "crl":
                for entry in store.import_revocation_list(gateway, data, now=now):
                    self._tell(entry)
            elif what == "own":
                seal = options["guetesiegel"]
                stage = store.Stage.QUALITY_SEAL if seal else store.Stage.OPERATIONAL
                self._tell(
                    key_renewal.import_own_certificate(
                        gateway, data, now=now, stage=stage
                    )
                )
            else:
                self._tell(
                    store.import_partner_certificate(
                        gateway,
                        data,
                        kind=store.Kind(options["kind"]),
                        holder=PARTNERS[options["holder"]],
                        holder_id=options["id"],
                        now=now,
                    )
                )

    def _import_root(self, gateway: Gateway, data: bytes, link: Path | None) -> None:
        if link is None:
            roots.install_initial_root(gateway.security_module, data)
        else:
            roots.install_root(gateway.security_module, data, link=link.read_bytes())

    def _list(self, gateway: Gateway) -> None:
        state = gateway.security_module.state()
        self.stdout.write(f"module {state.life_cycle}, key bank {state.active_bank}")
        for root in roots.root_certificates(gateway.security_module):
            name, until = root.subject.rfc4514_string(), root.not_valid_after_utc
            key = root.fingerprint(SHA256()).hex()
            self.stdout.write(f"{key} root {name} until {until:%F}")
        for entry in Certificate.objects.order_by("holder", "kind", "not_before"):
            self._tell(entry)

    def _tell(self, entry: Certificate) -> None:
        whose = f"{entry.holder} {entry.holder_id}".rstrip()
        self.stdout.write(
            f"{entry.fingerprint} {whose} {entry.kind} {entry.stage} {entry.state} "
            f"{entry.subject_cn} until {entry.not_after:%F}"
        )

    def _request(self, gateway: Gateway, folder: Path, *, first: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        made = (
            key_renewal.first_requests(gateway)
            if first
            else key_renewal.request_certificates(gateway)
        )
        for purpose, text in made.items():
            path = folder / f"{gateway.huid}-{purpose}.csr"
            path.write_text(text)
            self.stdout.write(str(path))

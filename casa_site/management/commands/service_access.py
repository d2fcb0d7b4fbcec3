"""`./casa manage service_access ...`: who comes in at the technician's port (R109)."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from casa_site.gateways import open_configured_gateway
from hardware.gateway import Gateway, GatewayNotOpened
from hardware.private_files import replace
from meters.account_certificates import issue_technician_certificate
from meters.accounts import AccountInvalid, create_account
from meters.models import Account
from meters.service_roles import (
    SERVICE_ROLES,
    ServiceRoleInvalid,
    activate_service_role,
    active_service_roles,
)

ROLES = [role.value for role in SERVICE_ROLES]


class Command(BaseCommand):
    """Issues certificates of the two service roles and says which one is active."""

    help = "The technician's access: issue a certificate, choose the active role."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One action, and what it needs."""
        actions = parser.add_subparsers(dest="action", required=True)
        issue = actions.add_parser(
            "issue", help="certificate, key and .p12 into FOLDER"
        )
        issue.add_argument("role", choices=ROLES)
        issue.add_argument("user", metavar="USER")
        issue.add_argument("folder", metavar="FOLDER", type=Path)
        activate = actions.add_parser(
            "activate", help="open this role, close the other"
        )
        activate.add_argument("role", choices=ROLES)

    def handle(self, *args: Any, action: str, role: str, **options: Any) -> None:
        """Do it, or say why not and that nothing was changed."""
        call_command("migrate", verbosity=0, interactive=False)
        try:
            gateway = open_configured_gateway()
            if action == "activate":
                activate_service_role(Account.Role(role))
            else:
                self._issue(gateway, Account.Role(role), **options)
        except (AccountInvalid, ServiceRoleInvalid, GatewayNotOpened, OSError) as error:
            raise CommandError(f"nothing was changed: {error}") from None
        active = ", ".join(active_service_roles()) or "none"
        self.stdout.write(f"active service role: {active}")

    def _issue(
        self,
        gateway: Gateway,
        role: Account.Role,
        *,
        user: str,
        folder: Path,
        **_options: Any,
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        account = Account.objects.filter(username=user, role=role).first()
        if account is None:
            account = create_account(gateway, username=user, role=role)
        now = gateway.clock.now()
        issued = issue_technician_certificate(gateway, account, now=now)
        replace(folder / "client.pem", issued.certificate)
        replace(folder / "client.key", issued.key)
        replace(folder / "client.p12", issued.p12)
        self.stdout.write(f"{folder}: client.pem, client.key, client.p12")
        self.stdout.write(f"PIN of client.p12: {issued.pin}")

"""`./casa manage firmware`: update packages, as the GWA handles them (R147)."""

from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from casa_site import firmware as updates
from casa_site.gateways import open_configured_gateway
from hardware import firmware_store
from hardware.gateway import Gateway, GatewayNotOpened
from hardware.release import check_software, release_of
from logbooks import firmware
from logbooks.firmware import FirmwareStepRefused
from logbooks.models import FirmwarePackage
from tariffs.calendar import BERLIN


class Command(BaseCommand):
    """Trusts a maker, takes packages, releases and schedules them, shows them."""

    help = "Handles update packages: trust, add, release, schedule, list, check."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One step at a time."""
        steps = parser.add_subparsers(dest="step", required=True)
        steps.add_parser("list", help="the release that runs and all packages")
        steps.add_parser("check", help="the installed files against their manifest")
        trust = steps.add_parser("trust", help="take packages signed with this key")
        trust.add_argument("key", type=Path, metavar="KEY.pem")
        add = steps.add_parser("add", help="fetch a package and verify it")
        add.add_argument("source", metavar="FILE|https://...")
        release = steps.add_parser("release", help="release a verified package")
        release.add_argument("version")
        schedule = steps.add_parser("schedule", help="install a released package")
        schedule.add_argument("version")
        schedule.add_argument(
            "--at", metavar="TIME", help="ISO 8601, local time unless it says; now"
        )

    def handle(self, *args: Any, step: str, **options: Any) -> None:
        """Do the step; what is refused is said and ends with status 1."""
        try:
            gateway = open_configured_gateway()
            getattr(self, f"_{step}")(gateway, options)
        except (
            GatewayNotOpened,
            FirmwareStepRefused,
            updates.DownloadFailed,
            ValueError,
            OSError,
        ) as error:
            raise CommandError(str(error)) from None

    def _list(self, gateway: Gateway, _options: dict[str, Any]) -> None:
        running = release_of()
        build = "development build" if running.is_development else running.fingerprint
        self.stdout.write(f"running {running.version} ({running.number}) {build}")
        for row in FirmwarePackage.objects.order_by("received_at"):
            self._show(row)

    def _check(self, gateway: Gateway, _options: dict[str, Any]) -> None:
        finding = check_software(firmware_store.trusted_keys(gateway.state))
        for line in filter(None, [finding.signature, *finding.damaged]):
            self.stdout.write(line)
        if not finding.is_good:
            raise CommandError("the installed software is not what was released")
        self.stdout.write("the installed software is as it should be")

    def _trust(self, gateway: Gateway, options: dict[str, Any]) -> None:
        name = firmware_store.trust(gateway.state, options["key"].read_bytes())
        self.stdout.write(f"trusted as {name}")

    def _add(self, gateway: Gateway, options: dict[str, Any]) -> None:
        row = updates.add(gateway, options["source"])
        self._show(row)
        if row.state == FirmwarePackage.State.REFUSED:
            raise CommandError(f"refused: {row.fault} {row.reason}")

    def _release(self, gateway: Gateway, options: dict[str, Any]) -> None:
        row = _package(options["version"])
        firmware.release(row, now=gateway.clock.now())
        self._show(row)

    def _schedule(self, gateway: Gateway, options: dict[str, Any]) -> None:
        row, now = _package(options["version"]), gateway.clock.now()
        at = datetime.fromisoformat(options["at"]) if options["at"] else now
        if at.tzinfo is None:
            at = at.replace(tzinfo=BERLIN)
        firmware.schedule(row, at=at, now=now)
        self._show(row)

    def _show(self, row: FirmwarePackage) -> None:
        more = f" {row.fault} {row.reason}" if row.fault else ""
        when = f" at {row.install_at:%Y-%m-%dT%H:%M:%SZ}" if row.install_at else ""
        self.stdout.write(f"{row.version or row.file} {row.state}{when}{more}")


def _package(version: str) -> FirmwarePackage:
    rows = FirmwarePackage.objects.filter(version=version)
    row = rows.exclude(state=FirmwarePackage.State.REFUSED).last()
    if row is None:
        raise ValueError(f"there is no package {version}")
    return row

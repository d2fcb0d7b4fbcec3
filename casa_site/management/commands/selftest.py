"""`./casa manage selftest`: the gateway administrator's self-test (R132)."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from casa_site.gateways import open_configured_gateway
from hardware.gateway import GatewayNotOpened
from logbooks import self_test
from logbooks.catalogue import fault
from logbooks.self_test import Actor, SelfTestRefused


class Command(BaseCommand):
    """Runs the self-test now; it may run as often as one likes."""

    help = "Runs the self-test at once and prints every fault code it found."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Nothing to choose."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit status 0 when nothing was found, else 1."""
        try:
            gateway = open_configured_gateway()
            result = self_test.run(gateway, now=gateway.clock.now(), by=Actor.GWA)
        except (GatewayNotOpened, SelfTestRefused) as error:
            raise CommandError(str(error)) from None
        for code in result.codes:
            self.stdout.write(f"{code} {fault(code).description}")
        if not result.has_passed:
            raise CommandError("the self-test found faults")
        self.stdout.write("the self-test found nothing")

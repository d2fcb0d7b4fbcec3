"""`./casa manage lockdown`: what the GWA orders about the state of the device."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from casa_site.gateways import open_configured_gateway
from hardware import last_run
from hardware.gateway import Gateway, GatewayNotOpened
from logbooks import device_state, lockdown
from logbooks.catalogue import fault, fault_codes
from logbooks.hardware_check import accept_hardware
from logbooks.lockdown import ReleaseRefused
from logbooks.self_test import Actor, SelfTestRefused


class Command(BaseCommand):
    """Shows the state, releases a soft lock-down, orders the hard one."""

    help = (
        "Shows the state of the device (status), ends the soft lock-down when its "
        "cause is gone (release), accepts changed hardware (accept-hardware), puts "
        "the device out of service for good (hard), notes a damaged seal "
        "(seal-damaged) or a whole one (seal-whole)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The action; `hard` only with --for-ever."""
        parser.add_argument(
            "action", nargs="?", default="status", choices=["status", *_ACTIONS]
        )
        parser.add_argument(
            "--for-ever", action="store_true", help="needed for hard: nothing ends it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, then say what holds."""
        try:
            gateway = open_configured_gateway()
            if options["action"] == "hard" and not options["for_ever"]:
                raise CommandError("hard puts the device out of service: --for-ever")
            if options["action"] != "status":
                _ACTIONS[options["action"]](gateway)
        except (GatewayNotOpened, ReleaseRefused, SelfTestRefused) as error:
            raise CommandError(str(error)) from None
        self._show(gateway)

    def _show(self, gateway: Gateway) -> None:
        row = device_state.current()
        since = f" since {row.since:%Y-%m-%dT%H:%M:%SZ}" if row.since else ""
        self.stdout.write(f"{row.mode}{since}")
        for code in row.codes:
            known = (
                fault(code).description if code in fault_codes() else "no valid time"
            )
            self.stdout.write(f"  {code} {known}")
        if device_state.setting_in(row).marks_values:
            self.stdout.write("new values are not for billing: integrity is broken")


def _release(gateway: Gateway) -> None:
    lockdown.release(gateway, now=gateway.clock.now(), by=Actor.GWA)


def _hard(gateway: Gateway) -> None:
    code = min(device_state.SOFTWARE_CODES)
    lockdown.enter_hard(gateway, code, now=gateway.clock.now())
    last_run.request_restart(gateway.state)


def _damaged(gateway: Gateway) -> None:
    lockdown.mark_seal_damaged(gateway, now=gateway.clock.now())


def _whole(gateway: Gateway) -> None:
    lockdown.confirm_integrity(gateway, now=gateway.clock.now(), by=Actor.GWA)


_ACTIONS = {
    "release": _release,
    "accept-hardware": accept_hardware,
    "hard": _hard,
    "seal-damaged": _damaged,
    "seal-whole": _whole,
}

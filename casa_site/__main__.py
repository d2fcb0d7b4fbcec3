"""`python -m casa_site COMMAND`: what ./casa starts when the set-up is done."""

import importlib
import os
import sys

from casa_site.env import SettingInvalid

COMMANDS = {
    "up": "casa_site.up",
    "status": "casa_site.status",
    "doctor": "casa_site.doctor",
    "manage": "casa_site.manage",
    "fleet": "casa_site.fleet.command",
    "package": "casa_site.package",
    "trial": "casa_site.trial",
    "decode": "casa_site.decode",
    "verify": "casa_site.verify",
    "scenario": "casa_site.scenario.command",
    "test": "casa_site.testing",
    "check": "casa_site.check",
    "requirements": "casa_site.requirements",
    "bench": "casa_site.bench",
    "messages": "casa_site.messages",
    "screenshots": "casa_site.screenshots",
}
"""Each names a module with `main(arguments) -> exit status`."""


def main(arguments: list[str]) -> int:
    """Run one command; settings that cannot be used end it with one sentence."""
    if not arguments or arguments[0] not in COMMANDS:
        print(f"casa: one of {', '.join(COMMANDS)} is needed", file=sys.stderr)
        return 2
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "casa_site.settings")
    module = importlib.import_module(COMMANDS[arguments[0]])
    try:
        status: int = module.main(arguments[1:])
    except SettingInvalid as reason:
        print(f"casa: {reason}", file=sys.stderr)
        return 2
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

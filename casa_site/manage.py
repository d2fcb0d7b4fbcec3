"""`./casa manage ...`: Django's command line on the state folder."""

import os
import sys
from pathlib import Path

from casa_site import env, first_start, restore
from casa_site.private_state import keep_private


def main(arguments: list[str]) -> int:
    """Run a management command; `--state DIR` before it chooses the state folder."""
    if arguments[:1] == ["--state"] and len(arguments) > 1:
        os.environ["CASA_STATE"] = str(Path(arguments[1]).expanduser().absolute())
        arguments = arguments[2:]
    state = env.path("CASA_STATE", Path(__file__).parent.parent / "var")
    env.load_file(state / env.ENV_FILE)
    keep_private(state)
    if arguments[:1] == ["restore"]:
        return restore.main(arguments[1:], state)
    first_start.begin(state, with_demo=False)
    from django.core.management import execute_from_command_line

    execute_from_command_line(["casa manage", *arguments])
    sys.stdout.flush()
    return 0

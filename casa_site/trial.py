"""`python -m casa_site trial check|back`: what a new release does before it runs.

`check` is the trial installation: everything is loaded, and every new migration has to
have a way back. `back` takes that way after a trial that failed.
"""

import os
import sys
from pathlib import Path

from casa_site import env


def main(arguments: list[str]) -> int:
    """0 when it went well, else 1 with one line that says why."""
    steps = {"check": _check, "back": _back}
    if len(arguments) != 1 or arguments[0] not in steps:
        print("usage: trial check|back", file=sys.stderr)
        return 2
    state = env.path("CASA_STATE", Path(__file__).resolve().parent.parent / "var")
    os.environ["CASA_STATE"] = str(state)
    env.load_file(state / env.ENV_FILE)
    problem = steps[arguments[0]](state)
    if problem:
        print(problem, file=sys.stderr)
    return 1 if problem else 0


def _check(_state: Path) -> str:
    from casa_site import warmup

    warmup.load_everything()
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(connection)
    for key, migration in loader.disk_migrations.items():
        is_new = key not in loader.applied_migrations
        if is_new and not all(step.reversible for step in migration.operations):
            return f"migration {'.'.join(key)} has no way back"
    return ""


def _back(state: Path) -> str:
    import django

    django.setup()
    from django.core.management import call_command

    from hardware import firmware_store

    trial = firmware_store.trial_of(state) or {}
    for app, name in sorted(trial.get("migrations", {}).items()):
        call_command("migrate", app, name, verbosity=0, interactive=False)
    return ""

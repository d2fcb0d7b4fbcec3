"""The database: reachable, opened by the key, as new as the program.

It is opened for reading only, and no file appears beside it.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import django
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.db.migrations.executor import MigrationExecutor

from casa_site.doctor.finding import Finding, ok, warning, wrong

UNUSABLE = (DatabaseError, ImproperlyConfigured)
_PATIENCE_S = 5


def prepare() -> None:
    """Begin Django with a connection that only reads. Raises SettingInvalid."""
    settings.DATABASES["default"] = read_only(settings.DATABASES["default"])
    django.setup()


def read_only(database: dict[str, Any]) -> dict[str, Any]:
    """The entry of DATABASES for a connection that changes nothing.

    Without a log of changes beside it, an SQLite file is taken as it is: only then
    does no file appear for the locks of readers.
    """
    options = dict(database.get("OPTIONS", {}))
    if database["ENGINE"].endswith("postgresql"):
        given = options.get("options", "")
        options["options"] = f"{given} -c default_transaction_read_only=on".strip()
        options.setdefault("connect_timeout", _PATIENCE_S)
        return {**database, "OPTIONS": options}
    path = Path(database["NAME"])
    for name in ("init_command", "transaction_mode"):
        options.pop(name, None)
    log = path.with_name(path.name + "-wal")
    how = "mode=ro" if log.exists() else "mode=ro&immutable=1"
    return {**database, "NAME": f"file:{quote(str(path))}?{how}", "OPTIONS": options}


def findings(*, is_running: bool) -> Iterator[Finding]:
    """Reachable, migrated, and what Django's own checks say of the settings."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM django_migrations")
            cursor.fetchone()
        yield ok("database", _kind())
        yield _migrations(is_running=is_running)
    except UNUSABLE as error:
        yield _unusable(error)
    yield from _settings()


def is_usable() -> bool:
    """Whether the tables can be asked."""
    with suppress(*UNUSABLE), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_migrations")
        return True
    return False


def _kind() -> str:
    name = connection.display_name
    if connection.vendor == "postgresql":
        version = ".".join(str(part) for part in connection.get_database_version())
        return f"{name} {version} at {connection.settings_dict['HOST'] or 'a socket'}"
    return name


def _unusable(error: Exception) -> Finding:
    text = " ".join(str(error).split())
    if "not a database" in text or "malformed" in text:
        remedy = "the device key is another one or the file is damaged: restore"
    elif "no such table" in text or "does not exist" in text:
        remedy = "./casa up makes the tables"
    elif connection.vendor == "postgresql":
        remedy = "check CASA_DATABASE_URL, and whether the server runs and lets us in"
    else:
        remedy = "./casa up makes it; where there was one, restore the backup"
    return wrong("database", text, remedy)


def _migrations(*, is_running: bool) -> Finding:
    executor = MigrationExecutor(connection)
    loader = executor.loader
    try:
        loader.check_consistent_history(connection)
    except InconsistentMigrationHistory as error:
        return wrong("migrations", str(error), "restore the backup")
    unknown = set(loader.applied_migrations) - set(loader.disk_migrations)
    ours = {app for app, _ in loader.disk_migrations}
    if newer := sorted(f"{app}.{name}" for app, name in unknown if app in ours):
        text = f"the database is newer than the program: {', '.join(newer)}"
        return wrong("migrations", text, "install the release that made it")
    waiting = len(executor.migration_plan(loader.graph.leaf_nodes()))
    if not waiting:
        return ok("migrations", "all are there")
    text = f"{waiting} are still to be made"
    if is_running:
        return wrong("migrations", text, "restart the gateway: it makes them")
    return warning("migrations", text, "./casa up makes them")


def _settings() -> Iterator[Finding]:
    """What the system checks find, casa.E001 and the like."""
    for message in checks.run_checks(databases=["default"]):
        say = wrong if message.level >= checks.ERROR else warning
        remedy = message.hint or "docs/operator.md lists the settings"
        yield say("settings", f"{message.msg} ({message.id})", remedy)

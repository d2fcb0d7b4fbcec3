"""A whole gateway in an encrypted database file of its own, spoilt byte by byte.

`python -m tests.logbooks.spoilt_file FOLDER FLIPS`: prints one JSON document, what the
checks say of the good file, of each spoilt one, and of the good one put back. A
program of its own, because the tests' database is not a file.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

NAMED = ("meters_originalrecord", "logbooks_systemlogentry")
"""Tables whose first page is spoilt, one after the other."""


def main(state: Path, flips: int) -> None:
    """Set up, spoil, check, put back."""
    os.environ.update(
        CASA_STATE=str(state), DJANGO_SETTINGS_MODULE="casa_site.settings"
    )
    from hardware.gateway import open_gateway

    open_gateway(state)
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from casa_site.gateways import open_configured_gateway
    from hardware import device_state_file
    from logbooks import cyclic_check, device_state, list_check, own_checks
    from tests.portal.conftest import NOW
    from tests.portal.installation import install

    call_command("migrate", verbosity=0)
    gateway = open_configured_gateway()
    install(gateway, NOW)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.execute("PRAGMA page_size")
        size = int(cursor.fetchone()[0])
        cursor.execute("SELECT name, rootpage FROM sqlite_master WHERE type = 'table'")
        roots = dict(cursor.fetchall())
    pages = {table: (roots[table] - 1) * size + size // 2 for table in NAMED}
    connection.close()
    file = state / "casa.sqlite3"
    good, setting = file.read_bytes(), device_state.setting_of(gateway)

    def found() -> dict[str, Any]:
        """What the file's check says, then the lists', and what becomes of it."""
        file_codes = {each.code for each in own_checks.database_faults(connection)}
        lists = _codes(lambda: list_check.check_all(gateway))
        slices = 40 if lists else 1
        while slices and not device_state.setting_of(gateway).is_locked:
            cyclic_check.check_next_slice(gateway, now=NOW)
            slices -= 1
        shown = device_state.setting_of(gateway)
        return {
            "file": sorted(file_codes),
            "lists": lists,
            "mode": str(shown.mode),
            "code": shown.code,
        }

    def with_file(content: bytes) -> dict[str, Any]:
        connection.close()
        for path in state.glob("casa.sqlite3-*"):
            path.unlink()
        file.write_bytes(content)
        device_state_file.write(gateway.state, setting)
        return found()

    report: dict[str, Any] = {"good": with_file(good), "spoilt": []}
    random = Random(2500351)
    for _ in range(flips):
        spoilt = bytearray(good)
        spoilt[random.randrange(len(good))] ^= 1 << random.randrange(8)
        report["spoilt"].append(with_file(bytes(spoilt)))
    for table, at in pages.items():
        spoilt = bytearray(good)
        spoilt[at] ^= 1
        report[table] = with_file(bytes(spoilt))
    report["restored"] = with_file(good)
    print(json.dumps(report))


def _codes(look: Callable[[], list[Any]]) -> list[int]:
    """The codes that a check of lists finds; [] when the file cannot be opened."""
    from django.db import DatabaseError

    from logbooks.database_damage import is_damage

    try:
        return sorted({each.code for each in look()})
    except DatabaseError as error:
        assert is_damage(error), error
        return []


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

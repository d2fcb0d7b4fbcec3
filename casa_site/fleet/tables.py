"""The tables of each gateway: a copy of those that the migrations made once.

To migrate each schema by itself would take seconds; a copy takes a fraction of one.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management import call_command
from psycopg import sql

from casa_site.db.postgresql.schema import in_schema
from casa_site.fleet.engines import EngineMissing

TEMPLATE = "casa_template_of_a_gateway"
_META = re.compile(r"^\\.*$", re.MULTILINE)
"""Commands to psql, which PostgreSQL itself does not know."""
_SAYS_WHERE = re.compile(r"^(SET|SELECT pg_catalog\.set_config).*$", re.MULTILINE)


def migrate(schema: str) -> None:
    """Bring the tables of a schema to what this version needs; makes the schema."""
    with psycopg.connect(**_server(), autocommit=True) as server:
        name = sql.Identifier(schema)
        server.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(name))
    with in_schema(schema):
        call_command("migrate", verbosity=0, interactive=False)


def dumped_template() -> str:
    """The statements that make the template's tables, triggers and rows."""
    program = shutil.which("pg_dump") or _installed_pg_dump()
    given = _server()
    words = [program, "--schema", TEMPLATE, "--inserts", "--no-owner"]
    words += ["-h", given["host"], "-p", str(given["port"]), "-U", given["user"]]
    done = subprocess.run(
        [*words, "-d", given["dbname"]],
        env={**os.environ, "PGPASSWORD": given["password"]},
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise EngineMissing(f"pg_dump: {done.stderr.strip()}")
    return _SAYS_WHERE.sub("", _META.sub("", done.stdout))


def make_tables(schema: str, template: str) -> bool:
    """Make a gateway's schema from `dumped_template`; False when it is there.

    All or nothing.
    """
    with psycopg.connect(**_server()) as server:
        found = "SELECT 1 FROM pg_namespace WHERE nspname = %s"
        if server.execute(found, [schema]).fetchone():
            return False
        # The name of the template is one that nothing else in it contains.
        server.execute(template.replace(TEMPLATE, schema).encode())
    return True


def _server() -> dict[str, Any]:
    """How to reach the server, for psycopg."""
    given = settings.DATABASES["default"]
    return {
        "host": given["HOST"],
        "port": str(given["PORT"] or 5432),
        "user": given["USER"],
        "password": given["PASSWORD"],
        "dbname": given["NAME"],
    }


def _installed_pg_dump() -> str:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_dump"))
    if not found:
        raise EngineMissing("pg_dump is not installed")
    return str(found[-1])

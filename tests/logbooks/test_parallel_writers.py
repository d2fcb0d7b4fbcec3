"""Several processes write into the same logs at once."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hardware.gateway import Gateway
from tests import postgresql

PROJECT = Path(__file__).resolve().parents[2]
WRITERS, ENTRIES = 3, 20

_SETUP = """
import json, os, sys
from datetime import UTC, datetime
from pathlib import Path
import django
django.setup()
from hardware.gateway import open_gateway
from logbooks import chains, integrity, selectors
from logbooks.catalogue import Event
from logbooks.certificates import ensure_signature_certificate
from logbooks.services import log_event
gateway = open_gateway(Path(os.environ["CASA_STATE"]))
now = datetime(2026, 3, 1, tzinfo=UTC)
"""

_WRITE = f"""
print("ready", flush=True)
sys.stdin.readline()
for n in range({ENTRIES}):
    consumers = ["a", sys.argv[1]]
    log_event(gateway, Event.PROFILE_CREATED, "p", now=now, consumers=consumers)
"""

_CHECK = """
ensure_signature_certificate(gateway, now)
faults = [
    *chains.verify_heads(gateway),
    *integrity.verify_system_log(gateway),
    *integrity.verify_calibration_log(gateway),
    *integrity.verify_consumer_log(gateway, "a"),
]
numbers = [line.number for line in reversed(selectors.system_log())]
print(json.dumps({"faults": [str(fault) for fault in faults], "numbers": numbers}))
"""


@contextmanager
def sqlite() -> Iterator[str]:
    """The address of the database file in the state folder."""
    yield ""


@contextmanager
def postgres() -> Iterator[str]:
    """The address of an empty database of a throw-away server."""
    programs = postgresql.programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    with (
        tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder,
        postgresql.server(Path(folder), programs) as socket,
    ):
        yield f"postgres://casa@/postgres?host={socket}"


@pytest.mark.slow
@pytest.mark.req("R74")
@pytest.mark.parametrize(
    "database", [sqlite, pytest.param(postgres, marks=pytest.mark.services)]
)
def test_entries_of_several_processes_make_one_chain(
    gateway: Gateway, database: type
) -> None:
    """R74: numbers stay unique and chains whole, from the very first entry on."""
    with database() as url:
        env = os.environ | {
            "CASA_STATE": str(gateway.state),
            "CASA_DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "casa_site.settings",
            "PYTHONPATH": str(PROJECT),
        }
        run(
            env,
            "from django.core.management import call_command\n"
            "call_command('migrate', 'logbooks', verbosity=0)",
        )
        write_together(env)
        result = json.loads(run(env, _CHECK))
    assert result["faults"] == []
    assert result["numbers"] == [*range(1, WRITERS * ENTRIES + 1)]


def write_together(env: dict[str, str]) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _SETUP + _WRITE, f"c{n}"],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(WRITERS)
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        with writer:
            assert writer.wait(timeout=60) == 0


def run(env: dict[str, str], script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _SETUP + script],
        env=env,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    return done.stdout

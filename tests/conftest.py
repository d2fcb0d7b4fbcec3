"""What every test may use: a gateway, the reference folder, a database that empties."""

import re
import secrets
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import translation

from hardware.gateway import Gateway, open_gateway

HUID = "eemh0009264154"
SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--req", metavar="R42", help="only tests that prove this requirement"
    )


def pytest_configure(config: pytest.Config) -> None:
    # Argon2 takes 50 ms by design; what is tested is rarely the hash.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    if "postgresql" not in settings.DATABASES["default"]["ENGINE"]:
        _use_a_file_of_its_own(config, settings.DATABASES["default"])


def _use_a_file_of_its_own(config: pytest.Config, database: dict[str, Any]) -> None:
    """A real file for each worker, as the product has one: threads share it in WAL."""
    folder = tempfile.TemporaryDirectory(prefix="casa-test-db-")
    config.add_cleanup(folder.cleanup)
    options = database["OPTIONS"]
    if "sqlcipher" in database["ENGINE"]:
        options["key"] = secrets.token_hex(32)
    # What survives a loss of power is not asked here.
    start = options["init_command"]
    options["init_command"] = start.replace("synchronous=FULL", "synchronous=OFF")
    database.setdefault("TEST", {})["NAME"] = str(Path(folder.name) / "test.sqlite3")


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Refuse a mistyped requirement, and keep what --req asks for."""
    wanted = config.getoption("--req")
    proves = {item.nodeid: _requirements(item) for item in items}
    if wanted is not None:
        others = [item for item in items if wanted not in proves[item.nodeid]]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if wanted in proves[item.nodeid]]


def _requirements(item: pytest.Item) -> set[str]:
    names = {name for mark in item.iter_markers("req") for name in mark.args}
    for name in names:
        if not re.fullmatch(r"R[1-9]\d*", name):
            raise pytest.UsageError(f"{item.nodeid}: req marker {name!r}")
    return names


@pytest.fixture(autouse=True)
def _german() -> Iterator[None]:
    """Each test begins in German: a view leaves its reader's language active."""
    with translation.override("de"):
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with reference texts and vectors beside the project."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared with the reference data is not there")
    return SHARED


@pytest.fixture
def make_gateway(tmp_path: Path) -> Callable[[str], Gateway]:
    """Makes a gateway for a HUID, with keys of its own in a folder of its own."""
    return lambda huid: open_gateway(tmp_path / huid, huid=huid)


@pytest.fixture
def gateway(make_gateway: Callable[[str], Gateway]) -> Gateway:
    """A new gateway; the HUID is that of the demo installation."""
    return make_gateway(HUID)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Let the flush after a transactional test empty tables whose rows are final."""
    operations = connection.ops
    flush = operations.execute_sql_flush

    def flush_final_rows_too(statements: list[str]) -> Any:
        return flush([*_lift_triggers(), *statements, *_put_triggers_back()])

    operations.execute_sql_flush = flush_final_rows_too  # type: ignore[method-assign]
    yield
    operations.execute_sql_flush = flush  # type: ignore[method-assign]


def _lift_triggers() -> list[str]:
    if connection.vendor == "postgresql":
        return ["SET LOCAL session_replication_role = replica"]
    return [f"DROP TRIGGER {name}" for name, _sql in _sqlite_triggers()]


def _put_triggers_back() -> list[str]:
    if connection.vendor == "postgresql":
        return ["SET LOCAL session_replication_role = origin"]
    return [sql for _name, sql in _sqlite_triggers()]


def _sqlite_triggers() -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        return cursor.fetchall()

"""Which database: the file in the state folder, or what CASA_DATABASE_URL names."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from casa_site.env import SettingInvalid

_WITH_SCHEMAS = "casa_site.db.postgresql"
FILE_NAME = "casa.sqlite3"
_SQLITE_START = (
    "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA foreign_keys=ON;"
    "PRAGMA wal_autocheckpoint=1000;PRAGMA cache_size=-4000;"
    # Without it INSERT OR REPLACE passes the triggers that keep rows.
    "PRAGMA recursive_triggers=ON;"
)


def database(
    url: str, *, state: Path, key: str, encrypted: bool, has_schemas: bool = False
) -> dict[str, Any]:
    """The entry of DATABASES; `key` are the 64 hex digits of the file's key.

    With `has_schemas` each gateway has a schema of its own in it (PostgreSQL).

    Raises SettingInvalid when the URL names something else than PostgreSQL.
    """
    if url:
        entry = _postgresql(url)
        return {**entry, "ENGINE": _WITH_SCHEMAS} if has_schemas else entry
    return _sqlite_file(state, key=key, encrypted=encrypted)


def has_sqlcipher() -> bool:
    """Whether the package for encrypted SQLite files is installed."""
    return find_spec("sqlcipher3") is not None


def _sqlite_file(state: Path, *, key: str, encrypted: bool) -> dict[str, Any]:
    options: dict[str, Any] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": _SQLITE_START,
    }
    engine = "django.db.backends.sqlite3"
    if encrypted:
        engine = "casa_site.db.sqlcipher"
        options["key"] = key
    return {
        "ENGINE": engine,
        "NAME": state / FILE_NAME,
        "OPTIONS": options,
        "CONN_MAX_AGE": None,
    }


def _postgresql(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise SettingInvalid(
            "CASA_DATABASE_URL must begin with postgres:// or postgresql://, "
            f"not with '{parts.scheme}'."
        )
    try:
        port = parts.port
    except ValueError:
        raise SettingInvalid("CASA_DATABASE_URL names no valid port.") from None
    name = unquote(parts.path.removeprefix("/"))
    if not name:
        raise SettingInvalid("CASA_DATABASE_URL names no database.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": port or "",
        "OPTIONS": dict(parse_qsl(parts.query)),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    }

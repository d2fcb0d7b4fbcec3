"""Which broker: the files in the state folder, or what CASA_BROKER_URL names."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kombu.transport import TRANSPORT_ALIASES

from casa_site.env import SettingInvalid
from casa_site.private_state import QUEUE_FOLDER

TRANSPORT_ALIASES["casafiles"] = "casa_site.fsbroker:Transport"
FILE_BROKER_URL = "casafiles://localhost"
_REDIS = {
    # Must exceed the longest task; a killed worker's message comes back after it.
    "visibility_timeout": 60,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
}
_AMQP = {"confirm_publish": True}


def broker(url: str, *, state: Path) -> tuple[str, dict[str, Any]]:
    """Celery's broker_url and broker_transport_options.

    Raises SettingInvalid when the URL names neither RabbitMQ nor Redis.
    """
    if not url:
        return FILE_BROKER_URL, file_options(state / QUEUE_FOLDER)
    scheme = urlsplit(url).scheme
    if scheme in {"amqp", "amqps"}:
        return url, dict(_AMQP)
    if scheme in {"redis", "rediss"}:
        return url, dict(_REDIS)
    raise SettingInvalid(
        f"CASA_BROKER_URL must begin with amqp:// or redis://, not with '{scheme}'."
    )


def file_options(folder: Path) -> dict[str, Any]:
    """The options of the file transport below `folder`."""
    return {
        "folder": str(folder),
        "node": "",
        "polling_interval": 0.5,
    }

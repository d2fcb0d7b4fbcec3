"""The broker of the queues: reachable, or its folder usable."""

import os
from pathlib import Path

from django.conf import settings
from kombu import Connection
from kombu.exceptions import OperationalError

from casa_site.broker import FILE_BROKER_URL
from casa_site.doctor.finding import Finding, ok, warning, wrong

_PATIENCE_S = 3


def finding() -> Finding:
    """Nothing is declared or sent; the connection is only opened."""
    url = settings.CELERY_BROKER_URL
    if url == FILE_BROKER_URL:
        return _folder(Path(settings.CELERY_BROKER_TRANSPORT_OPTIONS["folder"]))
    with Connection(url, connect_timeout=_PATIENCE_S) as connection:
        errors: tuple[type[BaseException], ...]
        errors = (OperationalError, OSError, *connection.connection_errors)
        try:
            connection.ensure_connection(max_retries=1, interval_start=0)
        except errors as error:
            remedy = "check CASA_BROKER_URL, and whether the broker runs"
            text = f"{connection.as_uri()} does not answer: {error}"
            return wrong("broker", text, remedy)
        return ok("broker", connection.as_uri())


def _folder(folder: Path) -> Finding:
    if not folder.is_dir():
        return warning("broker", f"{folder} is not there yet", "./casa up makes it")
    closed = [
        path
        for path in (folder, *folder.rglob("*"))
        if path.is_dir() and not os.access(path, os.R_OK | os.W_OK | os.X_OK)
    ]
    if closed:
        text = f"{closed[0]} cannot be written to"
        return wrong("broker", text, f"chmod -R u+rwX {folder}")
    return ok("broker", f"files in {folder}")

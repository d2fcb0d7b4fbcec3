"""A consumer's browser without a network: calls the application as gunicorn does."""

import io
import sys
from collections.abc import Callable
from typing import Any

from django.test import Client

from casa_site.bench.figure import ResultWrong
from casa_site.wsgi import HanApplication
from hardware.gateway import Gateway


class Visitor:
    """Logged in by the form; `get` is one request through the whole application."""

    def __init__(self, gateway: Gateway, *, user: str, password: str) -> None:
        self._application = HanApplication(gateway)
        self._cookies = _log_in(gateway, user, password)

    def get(self, path: str) -> bytes:
        """The body of a page; raises ResultWrong when the answer is not 200."""
        statuses: list[str] = []

        def start_response(status: str, *_: Any) -> Callable[[bytes], object]:
            statuses.append(status)
            return lambda _data: None

        pieces: Any = self._application(self._environ(path), start_response)
        try:
            body = b"".join(pieces)
        finally:
            pieces.close()
        if statuses != ["200 OK"]:
            raise ResultWrong(f"{path}: {statuses}")
        return body

    def _environ(self, path: str) -> dict[str, Any]:
        return {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "RAW_URI": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "localhost",
            "HTTP_COOKIE": self._cookies,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }


def _log_in(gateway: Gateway, user: str, password: str) -> str:
    client = Client(**{"casa.gateway": gateway})  # type: ignore[arg-type]
    form = {"username": user, "password": password}
    answer = client.post("/anmelden/", form, secure=True)
    if answer.status_code != 303:
        raise ResultWrong(f"the login was refused: {answer.status_code}")
    return "; ".join(f"{name}={one.value}" for name, one in client.cookies.items())

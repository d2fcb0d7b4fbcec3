"""The administrator's web application: its own paths, its own middleware."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.utils.module_loading import import_string

from gwa_api.rest.identity import PEER
from gwa_api.rest.rate import RateLimit
from hardware.gateway import Gateway

MIDDLEWARE = ("gwa_api.middleware.ListenerMiddleware",)

Environ = dict[str, Any]


class ListenerHandler(WSGIHandler):
    """Django with the middleware of this listener, whatever the settings name."""

    def load_middleware(self, is_async: bool = False) -> None:
        """Build the chain; nothing of the HAN's logins, pages and cookies is in it."""
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        handler: Any = convert_exception_to_response(self._get_response)  # type: ignore[attr-defined]
        for path in reversed(MIDDLEWARE):
            handler = convert_exception_to_response(import_string(path)(handler))
        self._middleware_chain = handler


class GwaApplication:
    """A WSGI application for the administrator of one gateway.

    The listener puts the socket of the connection into the environ, from which the
    certificate is taken; `facts` are what the processes know of themselves.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        per_minute: int,
        facts: Mapping[str, Callable[[], Any]],
    ) -> None:
        self._given = {
            "casa.gateway": gateway,
            "casa.rate": RateLimit(per_minute, _at=time.monotonic()),
            "casa.facts": facts,
        }
        self._django = ListenerHandler()

    def __call__(
        self, environ: Environ, start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one request."""
        environ.update(self._given)
        connection = environ.get("gunicorn.socket")
        if connection is not None:
            environ[PEER] = connection.getpeercert(binary_form=True) or b""
        return self._django(environ, start_response)

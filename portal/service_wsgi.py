"""The technician's web application: its own paths, its own middleware.

Nothing of the consumers' logins, sessions and pages is in it.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.utils.module_loading import import_string

from hardware.gateway import Gateway
from portal.service_facts import ServiceFacts

MIDDLEWARE = (
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "portal.middleware.GatewayMiddleware",
    "portal.service_middleware.PathsMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "portal.service_middleware.AccessMiddleware",
    "portal.service_middleware.LockdownMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)

Environ = dict[str, Any]


class ServiceHandler(WSGIHandler):
    """Django with the middleware of this listener, whatever the settings name."""

    def load_middleware(self, is_async: bool = False) -> None:
        """Build the chain."""
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        handler: Any = convert_exception_to_response(self._get_response)  # type: ignore[attr-defined]
        for path in reversed(MIDDLEWARE):
            layer = import_string(path)(handler)
            if hasattr(layer, "process_view"):
                self._view_middleware.insert(0, layer.process_view)
            handler = convert_exception_to_response(layer)
        self._middleware_chain = handler


class ServiceApplication:
    """A WSGI application for the technician of one gateway.

    The listener puts the socket of the connection into the environ, from which the
    certificate is taken, never from a header.
    """

    def __init__(self, gateway: Gateway, facts: ServiceFacts) -> None:
        self._given = {"casa.gateway": gateway, "casa.facts": facts}
        self._django = ServiceHandler()

    def __call__(
        self, environ: Environ, start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one request."""
        environ.update(self._given)
        connection = environ.get("gunicorn.socket")
        if connection is not None:
            shown = connection.getpeercert(binary_form=True) or b""
            environ["casa.peer_certificate"] = shown
        return self._django(environ, start_response)

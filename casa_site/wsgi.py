"""The HAN web application: Django with the gateway handed down in the environ."""

import re
import ssl
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from django.core.handlers.wsgi import WSGIHandler

from hardware.gateway import Gateway

Environ = dict[str, Any]
_ZONE = re.compile(r"^(\[[0-9A-Fa-f:.]+)%[^\]]*\]")


class HanApplication:
    """A WSGI application for one gateway; views find it as `request.gateway`."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._django = django_application()

    def __call__(
        self, environ: Environ, start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one request."""
        environ["casa.gateway"] = self._gateway
        environ["casa.peer_certificate"] = _peer_certificate(environ)
        if host := environ.get("HTTP_HOST"):
            environ["HTTP_HOST"] = without_zone(host)
        return self._django(environ, start_response)


def _peer_certificate(environ: Environ) -> bytes:
    """The client certificate (DER) of the connection, b"" for none.

    From the TLS connection itself, never from a header.
    """
    connection = environ.get("gunicorn.socket")
    if not isinstance(connection, ssl.SSLSocket):
        return b""
    return connection.getpeercert(binary_form=True) or b""


@cache
def django_application() -> WSGIHandler:
    """Django with its middleware; built once per process, or before it is forked."""
    return WSGIHandler()


def without_zone(host: str) -> str:
    """`[fe80::1%25eth1]:8443` without the zone, as Django wants it (decisions D57)."""
    return _ZONE.sub(r"\1]", host)

"""The HAN web application: Django with the gateway handed down in the environ."""

import re
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
        if host := environ.get("HTTP_HOST"):
            environ["HTTP_HOST"] = without_zone(host)
        return self._django(environ, start_response)


@cache
def django_application() -> WSGIHandler:
    """Django with its middleware; built once per process, or before it is forked."""
    return WSGIHandler()


def without_zone(host: str) -> str:
    """`[fe80::1%25eth1]:8443` without the zone, as Django wants it (decisions D57)."""
    return _ZONE.sub(r"\1]", host)

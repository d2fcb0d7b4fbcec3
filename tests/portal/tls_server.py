"""The portal behind TLS in a thread, for browsers and HTTP clients."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.test.testcases import LiveServerThread

from hardware.gateway import Gateway
from hardware.han_certificate import ensure_han_files

HOST = "127.0.0.1"


class TlsServerThread(LiveServerThread):
    """Django's test server, speaking TLS with the HAN certificate."""

    def __init__(self, gateway: Gateway, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(
            HOST,
            lambda _inner: WithGateway(gateway),
            connections_override=_shared_connections(),
        )

    def _create_server(self, connections_override: Any = None) -> Any:
        server = super()._create_server(connections_override)
        # A browser opens connections ahead and is silent on them: the shake-hands
        # must not hold up the thread that accepts.
        server.socket = self._context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        return server


class WithGateway(StaticFilesHandler):
    """Hands the gateway down in the environ, as the HAN server does."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        super().__init__(WSGIHandler())

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        environ["casa.gateway"] = self._gateway
        environ["wsgi.url_scheme"] = "https"
        return super().__call__(environ, start_response)


@contextmanager
def tls_server(gateway: Gateway) -> Iterator[str]:
    """Serve the portal of a gateway; gives the address."""
    files = ensure_han_files(gateway, addresses=[HOST], now=datetime.now(UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    thread = TlsServerThread(gateway, context)
    for connection in thread.connections_override.values():
        connection.inc_thread_sharing()
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    try:
        if thread.error:
            raise thread.error
        yield f"https://{HOST}:{thread.port}"
    finally:
        thread.terminate()
        for connection in thread.connections_override.values():
            connection.dec_thread_sharing()


def _shared_connections() -> dict[str, Any]:
    """A database in memory is seen by its own connection only."""
    return {
        connection.alias: connection
        for connection in connections.all()
        if connection.vendor == "sqlite" and connection.is_in_memory_db()
    }

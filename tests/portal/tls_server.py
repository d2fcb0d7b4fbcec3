"""The portal behind TLS in a thread, for browsers."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from cryptography import x509
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connections

from casa_site.wsgi import HanApplication
from hardware.gateway import Gateway
from hardware.han_certificate import ensure_han_files
from hardware.tls_profile import Clients, FileIdentity, server_context
from meters.account_certificates import consumer_pins

HOST = "127.0.0.1"


class Handler(WSGIRequestHandler):
    """Says that the connection is TLS, and nothing on the screen."""

    def get_environ(self) -> dict[str, Any]:
        return super().get_environ() | {
            "HTTPS": "on",
            "gunicorn.socket": self.connection,
        }

    def log_message(self, *args: object) -> None:
        pass


class Server(ThreadingMixIn, WSGIServer):
    """A thread for each connection, since browsers open some and stay silent."""

    daemon_threads = True

    def handle_error(self, *args: object) -> None:
        """A browser that hangs up is no fault of ours."""


def _nothing() -> None:
    """A list of bytes has nothing to close."""


class OneAtATime:
    """The application on this thread's database connection, one request at a time.

    A browser that goes leaves requests behind: after `close` none of them reaches the
    application, where it would end the connection that the test's transaction needs.
    """

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self._application = application
        self._lock, self._shared = threading.Lock(), connections["default"]
        self._open = True

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        with self._lock:
            if not self._open:
                start_response("503 Service Unavailable", [])
                return []
            connections["default"] = self._shared
            body = self._application(environ, start_response)
            content = b"".join(body)
            # Now and not by the garbage collector, in the middle of another test.
            getattr(body, "close", _nothing)()
            return [content]

    def close(self) -> None:
        """Wait for the request that is being answered; it was the last."""
        with self._lock:
            self._open = False


@contextmanager
def tls_server(gateway: Gateway) -> Iterator[str]:
    """Serve the portal of a gateway; gives the address."""
    files = ensure_han_files(gateway, addresses=[HOST], now=datetime.now(UTC))
    context = server_context(
        FileIdentity(files.certificate, files.key),
        clients=Clients.OPTIONAL,
        pins=[x509.load_der_x509_certificate(der) for der in consumer_pins()],
    )
    application = OneAtATime(HanApplication(gateway))
    connections["default"].inc_thread_sharing()
    # As Django's own client does: the test's transaction needs its connection.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    with make_server(HOST, 0, application, Server, Handler) as server:
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        thread.start()
        yield f"https://{HOST}:{server.server_port}"
        server.shutdown()
        thread.join()
        application.close()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
    connections["default"].dec_thread_sharing()

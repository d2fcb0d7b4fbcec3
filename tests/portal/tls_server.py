"""The portal behind TLS in a thread, for browsers."""

import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.db import connections

from casa_site.wsgi import HanApplication
from hardware.gateway import Gateway
from hardware.han_certificate import ensure_han_files

HOST = "127.0.0.1"


class Handler(WSGIRequestHandler):
    """Says that the connection is TLS, and nothing on the screen."""

    def get_environ(self) -> dict[str, Any]:
        return super().get_environ() | {"HTTPS": "on"}

    def log_message(self, *args: object) -> None:
        pass


class Server(ThreadingMixIn, WSGIServer):
    """A thread for each connection, since browsers open some and stay silent."""

    daemon_threads = True

    def handle_error(self, *args: object) -> None:
        """A browser that hangs up is no fault of ours."""


def one_at_a_time(application: Callable[..., Iterable[bytes]]) -> Callable[..., Any]:
    """The application on this thread's database connection, one request at a time."""
    lock, shared = threading.Lock(), connections["default"]

    def answer(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        with lock:
            connections["default"] = shared
            body = application(environ, start_response)
            return [b"".join(body)]

    return answer


@contextmanager
def tls_server(gateway: Gateway) -> Iterator[str]:
    """Serve the portal of a gateway; gives the address."""
    files = ensure_han_files(gateway, addresses=[HOST], now=datetime.now(UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    application = one_at_a_time(HanApplication(gateway))
    connections["default"].inc_thread_sharing()
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
    connections["default"].dec_thread_sharing()

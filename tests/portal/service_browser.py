"""The technician's pages behind mutual TLS, for browsers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from wsgiref.simple_server import make_server

from cryptography import x509
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connections

from hardware.gateway import Gateway
from hardware.han_certificate import SERVICE_LISTENER, ensure_server_files
from hardware.tls_profile import Clients, FileIdentity, server_context
from meters.service_roles import service_pins
from portal.service_wsgi import ServiceApplication
from tests.portal.service_client import facts
from tests.portal.tls_server import HOST, Handler, OneAtATime, Server


@contextmanager
def service_tls_server(gateway: Gateway, **changes: Any) -> Iterator[str]:
    """Serve the pages to the certificates that are pinned now; gives the address.

    The listener of the product is in `service_client`; it reads the pins anew for each
    connection, which a browser's many silent connections would do side by side.
    """
    files = ensure_server_files(gateway, SERVICE_LISTENER, now=datetime.now(UTC))
    context = server_context(
        FileIdentity(files.certificate, files.key),
        clients=Clients.REQUIRED,
        pins=[x509.load_der_x509_certificate(der) for der in service_pins()],
    )
    application = OneAtATime(ServiceApplication(gateway, facts(**changes)))
    connections["default"].inc_thread_sharing()
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

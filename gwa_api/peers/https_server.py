"""A small HTTPS server for POST requests of known clients, with limits on all of it.

One thread for each connection, which is kept while requests come. Nothing is read
before the client's certificate has been checked.
"""

import json
import logging
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar

from gwa_api.peers.peer_keys import KeysMissing, PeerKeys
from hardware.certificate_path import CertificateRefused
from hardware.tls_profile import peer_certificate

LARGEST_BODY = 8 * 1024 * 1024
HANDSHAKE_S, SILENCE_S = 10.0, 60.0
MOST_CONNECTIONS = 64

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """A POST: header names in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """A status with a JSON body (None for none) and more header fields."""

    status: int
    content: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def problem(status: int, kind: str, title: str, **more: object) -> Answer:
    """A problem document (RFC 9457); `kind` ends its type."""
    content = {"type": f"urn:casa:problem:{kind}", "title": title, "status": status}
    return Answer(status, {**content, **more})


Route = Callable[[Request], Answer]


class PeerServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Listens at once; `serve_forever` answers. Port 0 takes a free one."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        keys: PeerKeys,
        address: tuple[str, int],
        routes: Mapping[str, Route],
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._keys, self._clock = keys, clock
        self.routes = routes
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, PostHandler)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.socket.getsockname()[1])

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands, look at the certificate, answer; in the thread of the call."""
        if not self._free.acquire(blocking=False):
            return
        try:
            secured = self._secured(request)
            if secured is not None:
                with secured:
                    self.answer_on(secured, client_address)
        except OSError as error:
            _log.debug("connection ended: %s", error)
        finally:
            self._free.release()

    def answer_on(self, secured: ssl.SSLSocket, client_address: Any) -> None:
        """Answer the requests of a connection until it ends."""
        PostHandler(secured, client_address, self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A fault of our own: told in the log, the others go on."""
        _log.exception("the connection of a client broke off")

    def _secured(self, plain: socket.socket) -> ssl.SSLSocket | None:
        plain.settimeout(HANDSHAKE_S)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            context = self._keys.server_context()
            secured = context.wrap_socket(plain, server_side=True)
        except (OSError, KeysMissing) as error:
            _log.info("no connection: %s", getattr(error, "reason", error))
            return None
        try:
            self._keys.check_client(peer_certificate(secured), now=self._clock())
        except CertificateRefused as refused:
            _log.info("no connection: %s", refused)
            secured.close()
            return None
        secured.settimeout(SILENCE_S)
        return secured


class PostHandler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "CASA", ""
    server: PeerServer
    _ENCODED: ClassVar = frozenset({"content-encoding", "transfer-encoding"})

    def do_POST(self) -> None:
        """By the route of the path."""
        request = self._request()
        if request is None:
            return
        route = self.server.routes.get(request.path)
        if route is None:
            self._answer(problem(404, "not-found", "There is nothing here."))
            return
        try:
            answer = route(request)
        except OSError:
            _log.exception("not stored")
            answer = problem(503, "not-stored", "It could not be stored.")
        self._answer(answer)

    def do_GET(self) -> None:
        """Only POST is known here."""
        self.close_connection = True  # a body may follow that nobody reads
        refusal = problem(405, "method-not-allowed", "POST only.")
        self._answer(Answer(405, refusal.content, {"Allow": "POST"}))

    do_HEAD = do_PUT = do_PATCH = do_DELETE = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Not on the console."""
        _log.debug(format, *args)

    def _request(self) -> Request | None:
        """The request, None when it was refused by its head."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        length = headers.get("content-length", "")
        is_number = length.isascii() and length.isdigit() and len(length) < 12
        refusal = None
        if self._ENCODED & headers.keys() or len(headers) != len(self.headers.items()):
            refusal = problem(415, "encoded", "No encodings, no field twice.")
        elif not is_number:
            refusal = problem(400, "length", "Content-Length is needed.")
        elif int(length) > LARGEST_BODY:
            refusal = problem(413, "too-large", f"At most {LARGEST_BODY} bytes.")
        if refusal is not None:
            self.close_connection = True
            self._answer(refusal)
            return None
        body = self.rfile.read(int(length))
        if len(body) != int(length):
            self.close_connection = True
            return None
        return Request(self.path, headers, body)

    def _answer(self, answer: Answer) -> None:
        text = b"" if answer.content is None else json.dumps(answer.content).encode()
        self.send_response(answer.status)
        is_problem = answer.status >= 400
        kind = "application/problem+json" if is_problem else "application/json"
        if text:
            self.send_header("Content-Type", kind)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

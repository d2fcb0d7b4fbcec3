"""An HTTP server on a connection that the gateway itself has opened (wan.md 1).

Inside a management channel the roles are reversed: the peer asks. The requests go to
the same WSGI application as those of the listener, with the connection in the environ,
so that who asks is decided by the same certificate check.
"""

import io
import logging
import ssl
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote

from hardware.tls_profile import LONGEST_CONNECTION_S

LARGEST_BODY = 4 * 1024 * 1024
"""Of the largest request that the listener takes: a piece of an update."""
IDLE_S = 60.0
"""A channel on which nothing is asked for so long is closed."""

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_log = logging.getLogger(__name__)


def serve_channel(
    connection: ssl.SSLSocket,
    application: Application,
    *,
    idle_s: float = IDLE_S,
    longest_s: float = LONGEST_CONNECTION_S,
) -> int:
    """Answer requests until the peer ends the channel, or is silent; how many.

    No channel lives longer than a TLS connection may (wan.md 2).
    """
    connection.settimeout(idle_s)
    channel = _Channel(application, time.monotonic() + longest_s)
    try:
        _Requests(connection, ("channel", 0), channel)  # type: ignore[arg-type]
    except OSError as error:
        _log.debug("management channel ended: %s", error)
    return channel.answered


@dataclass(slots=True)
class _Channel:
    """What the handler, which lives as long as its connection, answers with."""

    application: Application
    until: float
    answered: int = 0


class _Requests(BaseHTTPRequestHandler):
    """The requests of one channel, one after the other."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "SMGW", ""
    server: _Channel  # type: ignore[assignment]

    def handle_one_request(self) -> None:
        """As the library does it, but for all methods."""
        self.raw_requestline = self.rfile.readline(65_537)
        if not self.raw_requestline or len(self.raw_requestline) > 65_536:
            self.close_connection = True
            return
        if not self.parse_request():
            self.close_connection = True
            return
        body = self._body()
        if body is None:
            self.close_connection = True
            return
        if time.monotonic() >= self.server.until:
            self.close_connection = True  # told with this answer, its last
        self._answer(*self._called(self._environ(body)))
        self.server.answered += 1

    def log_message(self, format: str, *args: Any) -> None:
        """The application has its own log of accesses."""

    def _body(self) -> bytes | None:
        """The body; None when the request was refused by its head."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not _is_number(length):
            self.send_error(400)
            return None
        if int(length) > LARGEST_BODY:
            self.send_error(413)
            return None
        body = self.rfile.read(int(length))
        return body if len(body) == int(length) else None

    def _environ(self, body: bytes) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": "gateway",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": "",
            # The own port: it tells this channel from those before it (R111).
            "REMOTE_PORT": str(self.connection.getsockname()[1]),
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            "gunicorn.socket": self.connection,
        }
        for name, value in self.headers.items():
            # A name with an underscore would pass for the one with a hyphen.
            if "_" not in name and name.lower() not in {
                "content-type",
                "content-length",
            }:
                key = f"HTTP_{name.upper().replace('-', '_')}"
                environ[key] = f"{environ[key]},{value}" if key in environ else value
        return environ

    def _called(self, environ: dict[str, Any]) -> tuple[str, list[Any], bytes]:
        begun: list[Any] = []

        def start_response(status: str, headers: list[Any], *_: Any) -> Any:
            begun[:] = [status, headers]

        answer = self.server.application(environ, start_response)
        try:
            content = b"".join(answer)
        finally:
            if hasattr(answer, "close"):
                answer.close()
        return begun[0], begun[1], content

    def _answer(self, status: str, headers: list[Any], content: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            if name.lower() not in {"content-length", "connection", "date", "server"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10

"""HTTP over a mutual TLS channel that the gateway opens to a partner (wan.md 1, 2).

The partner is accepted when he shows one of his certificates in force and its path is
good; no byte of a request is sent before that.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from gwa_api.cls.profile import split_address
from hardware.certificate_path import CertificateRefused
from hardware.tls_profile import peer_certificate

CONNECT_S, TOTAL_S = 10.0, 60.0
"""How long a connection and a whole exchange may take (rest-gwa.md 5)."""
LARGEST_ANSWER = 64 * 1024


class ConnectionFailed(Exception):
    """There was no connection; `is_identity` when the peer is not who he should be.

    `is_gone` when he had ended it before there was an answer.
    """

    def __init__(
        self,
        reason: str,
        *,
        is_identity: bool = False,
        is_gone: bool = False,
        cause: Exception | None = None,
    ) -> None:
        super().__init__(reason)
        self.is_identity, self.is_gone, self.cause = is_identity, is_gone, cause


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Status, header fields with names in lower case, and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Peer:
    """Whom to call: `context` trusts his certificates alone, `check` raises
    CertificateRefused for a certificate (DER) that is not in force."""

    addresses: Sequence[str]
    sni: str
    context: Callable[[], ssl.SSLContext]
    check: Callable[[bytes], object]


class WanClient:
    """Requests to one peer over one connection that is kept while it holds."""

    def __init__(self, peer: Peer, *, within_s: float = TOTAL_S) -> None:
        self._peer, self._within_s = peer, within_s
        self._connection: _Channel | None = None

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """The answer to a POST; raises ConnectionFailed.

        A connection that was kept may have been closed by the peer: then once more.
        """
        is_kept = self._connection is not None
        try:
            return self._exchange(path, body, headers)
        except ConnectionFailed as failed:
            if not (is_kept and failed.is_gone):
                raise
        return self._exchange(path, body, headers)

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(
        self, path: str, body: bytes, headers: Mapping[str, str]
    ) -> HttpAnswer:
        connection = self._connection = self._connection or _connected(
            self._peer, self._within_s
        )
        # A receiver that drips its answer has no more time than any other.
        late = threading.Timer(self._within_s, connection.abort)
        late.start()
        try:
            connection.request("POST", path, body, dict(headers))
            response = connection.getresponse()
            content = response.read(LARGEST_ANSWER + 1)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise _failed(error, is_late=connection.is_aborted) from None
        finally:
            late.cancel()
        if response.will_close or len(content) > LARGEST_ANSWER:
            self.close()
        names = {name.lower(): value for name, value in response.getheaders()}
        return HttpAnswer(response.status, names, content[:LARGEST_ANSWER])


def open_channel(peer: Peer) -> ssl.SSLSocket:
    """A connection to the peer whose certificate is good; raises ConnectionFailed."""
    secured = _connected(peer, TOTAL_S).sock
    assert isinstance(secured, ssl.SSLSocket)
    return secured


def _connected(peer: Peer, within_s: float) -> "_Channel":
    """To the first address that answers and proves who it is."""
    failed = ConnectionFailed("no address")
    for address in peer.addresses:
        channel = _Channel(peer, address, within_s)
        try:
            channel.connect()
            return channel
        except (CertificateRefused, OSError) as error:
            failed = failed if failed.is_identity else _not_connected(error)
        channel.close()
    raise failed


class _Channel(http.client.HTTPConnection):
    """HTTP/1.1 on a socket that we have secured and checked ourselves."""

    def __init__(self, peer: Peer, address: str, within_s: float) -> None:
        host, port = split_address(address)
        super().__init__(host, port, timeout=CONNECT_S)
        self._peer, self._within_s = peer, within_s
        self.is_aborted = False

    def abort(self) -> None:
        """End it from another thread: whoever waits for bytes gets an error."""
        self.is_aborted = True
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)

    def connect(self) -> None:
        """Connect, shake hands, look at the certificate."""
        plain = socket.create_connection((self.host, self.port), self.timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            name = self._peer.sni or None
            secured = self._peer.context().wrap_socket(plain, server_hostname=name)
        except BaseException:
            plain.close()
            raise
        self.sock = secured
        self._peer.check(peer_certificate(secured))
        secured.settimeout(self._within_s)


def _not_connected(error: Exception) -> ConnectionFailed:
    """A peer that hangs up in the handshake may just be starting: no identity."""
    if isinstance(error, CertificateRefused):
        return ConnectionFailed(str(error), is_identity=True, cause=error)
    hangs_up = isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError)
    is_identity = isinstance(error, ssl.SSLError) and not hangs_up
    return ConnectionFailed(_reason(error), is_identity=is_identity, cause=error)


def _failed(error: Exception, *, is_late: bool) -> ConnectionFailed:
    if is_late or isinstance(error, TimeoutError):
        return ConnectionFailed("no answer in time")
    is_gone = isinstance(error, ConnectionError | ssl.SSLError)
    return ConnectionFailed(_reason(error), is_gone=is_gone)


def _reason(error: Exception) -> str:
    """Why, without addresses."""
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return type(error).__name__

"""HTTP over a mutual TLS channel that the gateway opens to a partner (wan.md 1, 2).

The partner is accepted when he shows one of his certificates in force and its path is
good; no byte of a request is sent before that.
"""

import http.client
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gwa_api.cls.profile import split_address
from hardware.certificate_path import CertificateRefused
from hardware.tls_profile import peer_certificate

CONNECT_S, ANSWER_S = 10.0, 60.0
LARGEST_ANSWER = 64 * 1024


class ConnectionFailed(Exception):
    """There was no connection; `is_identity` when the peer is not who he should be."""

    def __init__(self, reason: str, *, is_identity: bool = False) -> None:
        super().__init__(reason)
        self.is_identity = is_identity


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

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._connection: _Channel | None = None

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """The answer to a POST; raises ConnectionFailed.

        A connection that was kept may have been closed by the peer: then once more.
        """
        is_kept = self._connection is not None
        try:
            return self._exchange(path, body, headers)
        except ConnectionFailed:
            if not is_kept:
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
        connection = self._connection = self._connection or self._connected()
        try:
            connection.request("POST", path, body, dict(headers))
            response = connection.getresponse()
            content = response.read(LARGEST_ANSWER + 1)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise ConnectionFailed(_reason(error)) from None
        if response.will_close or len(content) > LARGEST_ANSWER:
            self.close()
        names = {name.lower(): value for name, value in response.getheaders()}
        return HttpAnswer(response.status, names, content[:LARGEST_ANSWER])

    def _connected(self) -> "_Channel":
        """To the first address that answers and proves who it is."""
        failed = ConnectionFailed("no address")
        for address in self._peer.addresses:
            channel = _Channel(self._peer, address)
            try:
                channel.connect()
                return channel
            except CertificateRefused as refused:
                failed = ConnectionFailed(str(refused), is_identity=True)
            except ssl.SSLError as error:
                failed = ConnectionFailed(_reason(error), is_identity=True)
            except OSError as error:
                failed = ConnectionFailed(_reason(error))
            channel.close()
        raise failed


class _Channel(http.client.HTTPConnection):
    """HTTP/1.1 on a socket that we have secured and checked ourselves."""

    def __init__(self, peer: Peer, address: str) -> None:
        host, port = split_address(address)
        super().__init__(host, port, timeout=CONNECT_S)
        self._peer = peer

    def connect(self) -> None:
        """Connect, shake hands, look at the certificate."""
        plain = socket.create_connection((self.host, self.port), self.timeout)
        try:
            name = self._peer.sni or None
            secured = self._peer.context().wrap_socket(plain, server_hostname=name)
        except BaseException:
            plain.close()
            raise
        self.sock = secured
        self._peer.check(peer_certificate(secured))
        secured.settimeout(ANSWER_S)


def _reason(error: Exception) -> str:
    """Why, without addresses."""
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return type(error).__name__

"""Which certificate a peer showed, also when the handshake refused it.

Python tells nothing about a refused client certificate, and event 5002/1 has to name
its subject and issuer. So the handshake's messages are watched (stack.md 1.1).
"""

import ssl
from typing import Any
from weakref import WeakKeyDictionary

from cryptography import x509

LONGEST_MESSAGE = 16_384
_HANDSHAKE, _CERTIFICATE = 22, 11
_HEAD_BYTES = 4


class ShownCertificates:
    """For each connection of a context, the certificate that its peer showed.

    Make one, `watch` the context, and ask `of(connection)` when `do_handshake` raised.
    """

    def __init__(self) -> None:
        self._shown: WeakKeyDictionary[Any, bytes] = WeakKeyDictionary()

    def watch(self, context: ssl.SSLContext) -> None:
        """Look at every handshake of the context from now on."""
        # The attribute is Python's own debugging aid, there since 3.8.
        context._msg_callback = self._look  # type: ignore[attr-defined]

    def of(self, connection: ssl.SSLSocket | ssl.SSLObject) -> x509.Certificate | None:
        """What the peer showed; None when it was nothing that can be read."""
        der = self._shown.get(connection)
        if der is None:
            return None
        try:
            return x509.load_der_x509_certificate(der)
        except ValueError:
            return None

    def _look(
        self,
        connection: Any,
        direction: str,
        _version: Any,
        content_type: int,
        message_type: int,
        data: bytes,
    ) -> None:
        if (direction, content_type) != ("read", _HANDSHAKE):
            return
        if message_type == _CERTIFICATE and len(data) <= LONGEST_MESSAGE:
            der = first_certificate(data)
            if der and connection is not None:
                self._shown[connection] = der


def first_certificate(message: bytes) -> bytes:
    """The first certificate (DER) in a handshake message; b"" when there is none.

    TLS 1.2 (RFC 5246, 7.4.2) and TLS 1.3 (RFC 8446, 4.4.2), which has a request
    context before the list.
    """
    body = message[_HEAD_BYTES:]
    for skipped in (0, 1 + body[0] if body else 0):
        listed = body[skipped:]
        size = int.from_bytes(listed[:3], "big")
        if len(listed) >= 6 and size == len(listed) - 3:
            length = int.from_bytes(listed[3:6], "big")
            return listed[6 : 6 + length]
    return b""

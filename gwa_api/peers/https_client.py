"""One request of a partner to another one: mutual TLS, a pinned certificate."""

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509

from gwa_api.peers.peer_keys import KeysMissing, PeerKeys, check_among
from hardware.certificate_path import CertificateRefused
from hardware.tls_profile import peer_certificate

TIMEOUT_S = 30.0
LARGEST_ANSWER = 64 * 1024


class NotReached(Exception):
    """There was no answer of this partner."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Status, header fields with names in lower case, JSON body ({} for none)."""

    status: int
    headers: Mapping[str, str]
    content: Mapping[str, Any]


def post(
    keys: PeerKeys,
    host: str,
    port: int,
    pin: x509.Certificate,
    path: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    now: datetime,
) -> HttpAnswer:
    """The answer to a POST; raises NotReached."""
    try:
        with socket.create_connection((host, port), TIMEOUT_S) as plain:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            context = keys.client_context([pin])
            with context.wrap_socket(plain) as secured:
                check_among(peer_certificate(secured), [pin], now=now)
                return _exchanged(secured, host, path, body, headers)
    except (OSError, http.client.HTTPException, ssl.SSLError) as error:
        raise NotReached(str(error)) from None
    except (CertificateRefused, KeysMissing) as error:
        raise NotReached(str(error)) from None


def _exchanged(
    secured: ssl.SSLSocket,
    host: str,
    path: str,
    body: bytes,
    headers: Mapping[str, str],
) -> HttpAnswer:
    connection = http.client.HTTPConnection(host)
    connection.sock = secured
    connection.request("POST", path, body, dict(headers))
    response = connection.getresponse()
    text = response.read(LARGEST_ANSWER)
    names = {name.lower(): value for name, value in response.getheaders()}
    return HttpAnswer(response.status, names, _members(text))


def _members(text: bytes) -> dict[str, Any]:
    try:
        content = json.loads(text or b"{}")
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}

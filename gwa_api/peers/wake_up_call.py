"""The head-end's wake-up call: one signed datagram to a gateway (wan.md 5)."""

import socket
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from gwa_api.peers.peer_keys import PeerKeys
from hardware import wake_up


def wake(keys: PeerKeys, huid: str, host: str, port: int, *, now: datetime) -> bytes:
    """Send it, signed with the GWA's SIG key; returns what was sent.

    There is never an answer. Raises OSError or KeysMissing.
    """
    key = keys.key("sig")
    message = wake_up.make(
        huid,
        at=now,
        key_size=key.curve.key_size,
        sign=lambda text: key.sign(text, ec.ECDSA(SHA256())),
    )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        sender.sendto(message, (host, port))
    return message

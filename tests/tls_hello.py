"""The first messages of TLS as bytes: what a client offers, what a server takes.

OpenSSL cannot be asked to offer what it does not know itself; here any number of the
registries can be offered (RFC 5246, RFC 8446, RFC 8422, RFC 7366, RFC 7627).
"""

import os
import socket
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SSL3, TLS10, TLS11, TLS12, TLS13 = 0x0300, 0x0301, 0x0302, 0x0303, 0x0304

SUITES_12 = {0xC023, 0xC02B, 0xC02C}
"""ECDHE-ECDSA with AES-128-CBC-SHA256, AES-128-GCM, AES-256-GCM (wan.md 2)."""
SUITES_13 = {0x1301, 0x1302, 0x1304}
"""AES-128-GCM, AES-256-GCM, AES-128-CCM (wan.md 2)."""
CBC_SUITE = 0xC023
GROUPS = {23, 24, 26, 27, 28, 29}
"""P-256, P-384, brainpool P256r1, P384r1, P512r1; X25519 by decisions D47."""
SIGNATURES = {0x0403, 0x0503, 0x0603}
"""ECDSA with SHA-256, SHA-384, SHA-512 (wan.md 2)."""
SIGNALLING = {0x00FF, 0x5600}
"""Numbers among the suites that are none: renegotiation info, fallback."""

GROUPS_EXTENSION, POINTS, SIGNATURES_EXTENSION = 10, 11, 13
TRUNCATED_MAC, HEARTBEAT, ENCRYPT_THEN_MAC, MASTER_SECRET, TICKET = 4, 15, 22, 23, 35
VERSIONS_EXTENSION, KEY_SHARE, RENEGOTIATION = 43, 51, 0xFF01

_HANDSHAKE, _ALERT = 22, 21
_SERVER_HELLO, _KEY_EXCHANGE, _CERTIFICATE_REQUEST, _DONE = 2, 12, 13, 14
_NAMED_CURVE = 3
_LARGEST_RECORD = 16_000
_WAIT_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Hello:
    """What a client offers; `versions` are those of TLS 1.3's own extension."""

    legacy_version: int = TLS12
    record_version: int = TLS10
    versions: Sequence[int] = ()
    suites: Sequence[int] = tuple(sorted(SUITES_12 | SUITES_13))
    groups: Sequence[int] = tuple(sorted(GROUPS))
    signatures: Sequence[int] = tuple(sorted(SIGNATURES))
    compressions: bytes = b"\0"
    more: Sequence[tuple[int, bytes]] = ()
    name: str = ""

    @property
    def records(self) -> bytes:
        """As it goes over the wire."""
        body = (
            _two(self.legacy_version)
            + os.urandom(32)
            + b"\0"
            + _counted(_twos(self.suites), 2)
            + _counted(self.compressions, 1)
        )
        if self.legacy_version > SSL3:
            body += _counted(b"".join(self._extensions()), 2)
        message = b"\x01" + _counted(body, 3)
        return b"".join(
            bytes((_HANDSHAKE,)) + _two(self.record_version) + _counted(piece, 2)
            for piece in _pieces(message)
        )

    def _extensions(self) -> Iterator[bytes]:
        if self.name:
            entry = b"\0" + _counted(self.name.encode(), 2)
            yield _extension(0, _counted(entry, 2))
        yield _extension(GROUPS_EXTENSION, _counted(_twos(self.groups), 2))
        yield _extension(POINTS, b"\x01\0")
        yield _extension(SIGNATURES_EXTENSION, _counted(_twos(self.signatures), 2))
        if self.versions:
            yield _extension(VERSIONS_EXTENSION, _counted(_twos(self.versions), 1))
            yield _extension(KEY_SHARE, _counted(self._key_share(), 2))
        for number, content in self.more:
            yield _extension(number, content)

    def _key_share(self) -> bytes:
        """For P-256 where that is offered, else none: the server asks for one."""
        if 23 not in self.groups:
            return b""
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return _two(23) + _counted(point, 2)


@dataclass
class Taken:
    """What a server made of a hello: its choices, or the alert (None: it hung up)."""

    is_refused: bool = True
    alert: int | None = None
    version: int = 0
    suite: int = 0
    compression: int = 0
    extensions: dict[int, bytes] = field(default_factory=dict)
    group: int | None = None
    signature: int | None = None
    client_signatures: Sequence[int] | None = None
    """What may sign for a client's certificate; None when none is asked for."""


def answer_to(port: int, sent: bytes, *, host: str = "127.0.0.1") -> Taken:
    """What the server at a port answers to these bytes."""
    taken = Taken()
    with socket.create_connection((host, port), _WAIT_S) as plain:
        try:
            plain.sendall(sent)
            for kind, content in _messages(plain):
                if kind == _ALERT:
                    return Taken(alert=content[1])
                _note(taken, kind, content)
                if kind == _DONE or taken.version == TLS13:
                    break
        except ConnectionError:
            pass
    return taken


@dataclass(frozen=True)
class Offered:
    """What a client's hello offers, by the numbers of the registries."""

    versions: set[int]
    suites: list[int]
    groups: list[int]
    signatures: list[int]
    compressions: bytes
    extensions: dict[int, bytes]


def offered_in(records: bytes) -> Offered:
    """The content of a client's first message."""
    message = b"".join(_whole_records(records))
    assert message[0] == 1, "no hello of a client"
    body = _Reader(message[4:])
    legacy = body.number(2)
    body.take(32)
    body.counted(1)
    suites, compressions = _in_twos(body.counted(2)), body.counted(1)
    extensions = _extensions_of(_Reader(body.counted(2)))
    versions = _in_twos(extensions.get(VERSIONS_EXTENSION, b"\0")[1:]) or [legacy]
    return Offered(
        versions=set(versions),
        suites=suites,
        groups=_in_twos(extensions[GROUPS_EXTENSION][2:]),
        signatures=_in_twos(extensions[SIGNATURES_EXTENSION][2:]),
        compressions=compressions,
        extensions=extensions,
    )


def all_but(allowed: Iterable[int], *, at_once: int = 7000) -> Iterator[list[int]]:
    """Every number of two bytes that is not allowed, in portions for a hello each."""
    barred = sorted(set(range(65_536)) - set(allowed))
    for at in range(0, len(barred), at_once):
        yield barred[at : at + at_once]


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        found = self.data[self.at : self.at + size]
        assert len(found) == size, "a message that ends too early"
        self.at += size
        return found

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def counted(self, size: int) -> bytes:
        return self.take(self.number(size))

    @property
    def has_more(self) -> bool:
        return self.at < len(self.data)


def _note(taken: Taken, kind: int, content: bytes) -> None:
    body = _Reader(content)
    if kind == _SERVER_HELLO:
        _note_hello(taken, body)
    elif kind == _KEY_EXCHANGE:
        assert body.number(1) == _NAMED_CURVE
        taken.group = body.number(2)
        body.counted(1)
        taken.signature = body.number(2)
    elif kind == _CERTIFICATE_REQUEST:
        body.counted(1)
        taken.client_signatures = _in_twos(body.counted(2))


def _note_hello(taken: Taken, body: _Reader) -> None:
    taken.is_refused = False
    taken.version = body.number(2)
    body.take(32)
    body.counted(1)
    taken.suite, taken.compression = body.number(2), body.number(1)
    if body.has_more:
        taken.extensions = _extensions_of(_Reader(body.counted(2)))
    chosen = taken.extensions.get(VERSIONS_EXTENSION)
    if chosen:
        taken.version = int.from_bytes(chosen, "big")
        share = taken.extensions.get(KEY_SHARE, b"")
        taken.group = int.from_bytes(share[:2], "big") if share else None


def _messages(plain: socket.socket) -> Iterator[tuple[int, bytes]]:
    """Messages of the handshake, and alerts as (21, content), until the end."""
    data = b""
    with plain.makefile("rb") as stream:
        while len(head := stream.read(5)) == 5:
            content = stream.read(int.from_bytes(head[3:], "big"))
            if head[0] == _ALERT:
                yield _ALERT, content
                return
            if head[0] != _HANDSHAKE:
                return
            data += content
            while len(data) >= 4:
                size = 4 + int.from_bytes(data[1:4], "big")
                if len(data) < size:
                    break
                yield data[0], data[4:size]
                data = data[size:]


def _whole_records(data: bytes) -> Iterator[bytes]:
    reader = _Reader(data)
    while reader.has_more:
        assert reader.number(1) == _HANDSHAKE
        reader.take(2)
        yield reader.counted(2)


def _extensions_of(reader: _Reader) -> dict[int, bytes]:
    found = {}
    while reader.has_more:
        number = reader.number(2)
        found[number] = reader.counted(2)
    return found


def _extension(number: int, content: bytes) -> bytes:
    return _two(number) + _counted(content, 2)


def _counted(content: bytes, size: int) -> bytes:
    return len(content).to_bytes(size, "big") + content


def _two(number: int) -> bytes:
    return number.to_bytes(2, "big")


def _twos(numbers: Iterable[int]) -> bytes:
    return b"".join(map(_two, numbers))


def _in_twos(data: bytes) -> list[int]:
    pairs = zip(data[::2], data[1::2], strict=True)
    return [first << 8 | second for first, second in pairs]


def _pieces(message: bytes) -> Iterator[bytes]:
    for at in range(0, len(message), _LARGEST_RECORD):
        yield message[at : at + _LARGEST_RECORD]

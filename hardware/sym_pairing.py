"""SYM: the messages that pair a meter with the gateway (lmn-wired.md 6).

A key that the meter was made with (MK) authenticates each message and encrypts what
is secret. The derivation block is BSI's (detail specifications 2.0, figure 8.2), the
layout of the messages is this project's own, because the text of the norm is missing:

    type 1 | version 1 | counter 4 | server id 10 | body length 2 | body | MAC 16

A body is a row of TLVs (tag 1, length 2, value). Check value: the Lenc block of meter
1MTR0E00000123 at counter 512 is 10 00000200 0a014d54520e0000007b 01.
"""

import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, TypeAlias, cast, get_args

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.padding import PKCS7

KEY_BYTES = 16
SERVER_ID_BYTES = 10

_VERSION = 1
_HEADER_BYTES = 18
_MAC_BYTES = 16
_HASH_BYTES = 32
_IV = bytes(16)  # every key is used for one message only
_PURPOSES = {
    (True, "enc"): 0x00,
    (True, "mac"): 0x01,
    (False, "enc"): 0x10,
    (False, "mac"): 0x11,
}


class SymInvalid(ValueError):
    """Bytes that are no message of this meter under this key: to be dropped silently.

    Nobody is told why, so that nobody learns anything by trying.
    """


@dataclass(frozen=True, slots=True)
class Init:
    """The gateway begins."""

    kind: ClassVar[int] = 0
    is_from_meter: ClassVar[bool] = False
    tags: ClassVar[tuple[int, ...]] = ()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The meter says which TLS cipher suites and groups it has, by their IANA ids."""

    kind: ClassVar[int] = 1
    is_from_meter: ClassVar[bool] = True
    tags: ClassVar[tuple[int, ...]] = (0x01, 0x02)
    suites: tuple[int, ...]
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Certificates:
    """The gateway's certificate, the meter's, and the meter's private key; all DER."""

    kind: ClassVar[int] = 2
    is_from_meter: ClassVar[bool] = False
    tags: ClassVar[tuple[int, ...]] = (0x03, 0x04, 0x05)
    gateway: bytes
    meter: bytes
    meter_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CertificatesAck:
    """The meter repeats the SHA-256 of both certificates."""

    kind: ClassVar[int] = 3
    is_from_meter: ClassVar[bool] = True
    tags: ClassVar[tuple[int, ...]] = (0x06, 0x07)
    gateway_hash: bytes
    meter_hash: bytes


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A new key MK', which takes the place of MK once it is acknowledged."""

    kind: ClassVar[int] = 4
    is_from_meter: ClassVar[bool] = False
    tags: ClassVar[tuple[int, ...]] = (0x08,)
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyChangeAck:
    """The meter has taken the new key; this message still goes under the old one."""

    kind: ClassVar[int] = 5
    is_from_meter: ClassVar[bool] = True
    tags: ClassVar[tuple[int, ...]] = ()


@dataclass(frozen=True, slots=True)
class CryptoReset:
    """The meter is to forget certificates and MK'; always under its first key, MK0."""

    kind: ClassVar[int] = 6
    is_from_meter: ClassVar[bool] = False
    tags: ClassVar[tuple[int, ...]] = ()


@dataclass(frozen=True, slots=True)
class CryptoResetAck:
    """The meter has forgotten them."""

    kind: ClassVar[int] = 7
    is_from_meter: ClassVar[bool] = True
    tags: ClassVar[tuple[int, ...]] = ()


Body: TypeAlias = (
    Init
    | Capabilities
    | Certificates
    | CertificatesAck
    | KeyChange
    | KeyChangeAck
    | CryptoReset
    | CryptoResetAck
)

_KINDS: dict[int, Any] = {kind.kind: kind for kind in get_args(Body)}
_ENCRYPTED = {Certificates.kind, KeyChange.kind}


@dataclass(frozen=True, slots=True)
class SymMessage:
    """One message; `counter` is that of the request, and its answer repeats it."""

    server_id: bytes
    counter: int
    body: Body


@dataclass(frozen=True, slots=True)
class SymKeys:
    """The two keys of one sender at one counter."""

    encryption: bytes = field(repr=False)
    mac: bytes = field(repr=False)


def derivation_block(
    purpose: str, *, is_from_meter: bool, counter: int, server_id: bytes
) -> bytes:
    """The AES block that a key is derived from; `purpose` is "enc" or "mac"."""
    constant = _PURPOSES[is_from_meter, purpose]
    return bytes([constant]) + counter.to_bytes(4, "big") + server_id + b"\x01"


def derived_keys(
    master_key: bytes, *, is_from_meter: bool, counter: int, server_id: bytes
) -> SymKeys:
    """Kenc and Kmac of the meter, or Lenc and Lmac of the gateway (TR-03116-3)."""
    encryption, mac = (
        _cmac(
            master_key,
            derivation_block(
                purpose,
                is_from_meter=is_from_meter,
                counter=counter,
                server_id=server_id,
            ),
        )
        for purpose in ("enc", "mac")
    )
    return SymKeys(encryption, mac)


def encode(message: SymMessage, master_key: bytes) -> bytes:
    """The bytes of a message under a master key of 16 bytes."""
    body = message.body
    keys = derived_keys(
        master_key,
        is_from_meter=body.is_from_meter,
        counter=message.counter,
        server_id=message.server_id,
    )
    content = _tlvs(body)
    if body.kind in _ENCRYPTED:
        content = _encrypted(keys.encryption, content)
    signed = (
        bytes([body.kind, _VERSION])
        + message.counter.to_bytes(4, "big")
        + message.server_id
        + len(content).to_bytes(2, "big")
        + content
    )
    return signed + _cmac(keys.mac, signed)


def decode(
    data: bytes, master_key: bytes, *, server_id: bytes, is_from_meter: bool
) -> SymMessage:
    """Read a message of this meter (or to it); raises SymInvalid for anything else.

    The MAC is checked before the body is looked at. Whether the counter is the one
    that was due is for the caller to say.
    """
    kind, signed = _checked_header(data, server_id, is_from_meter)
    counter = int.from_bytes(data[2:6], "big")
    keys = derived_keys(
        master_key, is_from_meter=is_from_meter, counter=counter, server_id=server_id
    )
    if not hmac.compare_digest(_cmac(keys.mac, signed), data[len(signed) :]):
        raise SymInvalid("the MAC does not fit")
    content = signed[_HEADER_BYTES:]
    if kind in _ENCRYPTED:
        content = _decrypted(keys.encryption, content)
    return SymMessage(server_id, counter, _body(kind, content))


def _checked_header(
    data: bytes, server_id: bytes, is_from_meter: bool
) -> tuple[int, bytes]:
    """The type of a message and its bytes without the MAC."""
    length = int.from_bytes(data[16:18], "big")
    if len(data) != _HEADER_BYTES + length + _MAC_BYTES:
        raise SymInvalid("another length than the message says")
    kind = _KINDS.get(data[0])
    if kind is None or data[1] != _VERSION or kind.is_from_meter != is_from_meter:
        raise SymInvalid("another type or version than this side may send")
    if data[6:16] != server_id:
        raise SymInvalid("a message of another meter")
    return data[0], data[:-_MAC_BYTES]


def _cmac(key: bytes, data: bytes) -> bytes:
    mac = CMAC(AES128(key))
    mac.update(data)
    return mac.finalize()


def _encrypted(key: bytes, plain: bytes) -> bytes:
    padder = PKCS7(AES128.block_size).padder()
    encryptor = Cipher(AES128(key), CBC(_IV)).encryptor()
    return encryptor.update(padder.update(plain) + padder.finalize())


def _decrypted(key: bytes, body: bytes) -> bytes:
    decryptor = Cipher(AES128(key), CBC(_IV)).decryptor()
    unpadder = PKCS7(AES128.block_size).unpadder()
    try:
        padded = decryptor.update(body) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as error:
        raise SymInvalid("an encrypted body that does not end as it should") from error


def _tlvs(body: Body) -> bytes:
    row = b""
    for tag, place in zip(body.tags, fields(body), strict=True):
        value = _VALUES[tag].write(getattr(body, place.name))
        row += bytes([tag]) + len(value).to_bytes(2, "big") + value
    return row


def _body(kind: int, content: bytes) -> Body:
    """The body of a type; its TLVs stand there once each, and no others."""
    found = list(_read_tlvs(content))
    form = _KINDS[kind]
    if sorted(tag for tag, _ in found) != sorted(form.tags):
        raise SymInvalid("other TLVs than the type has")
    values = dict(found)
    return cast(Body, form(*(_VALUES[tag].read(values[tag]) for tag in form.tags)))


def _read_tlvs(content: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(content):
        begin = at + 3
        length = int.from_bytes(content[at + 1 : begin], "big")
        at_end = begin + length
        if at_end > len(content):
            raise SymInvalid("a TLV that goes on behind the body")
        yield content[at], content[begin:at_end]
        at = at_end


@dataclass(frozen=True, slots=True)
class _Value:
    """How the value of a tag is written and read."""

    write: Callable[[Any], bytes]
    read: Callable[[bytes], Any]


def _ids(value: bytes) -> tuple[int, ...]:
    if len(value) % 2:
        raise SymInvalid("half an id in a list of ids")
    pairs = (value[at : at + 2] for at in range(0, len(value), 2))
    return tuple(int.from_bytes(pair, "big") for pair in pairs)


def _ids_bytes(ids: tuple[int, ...]) -> bytes:
    return b"".join(number.to_bytes(2, "big") for number in ids)


def _of_length(length: int) -> Callable[[bytes], bytes]:
    def read(value: bytes) -> bytes:
        if len(value) != length:
            raise SymInvalid(f"{len(value)} bytes where {length} belong")
        return value

    return read


def _any_bytes(value: bytes) -> bytes:
    if not value:
        raise SymInvalid("an empty value")
    return value


_VALUES = {
    **dict.fromkeys((0x01, 0x02), _Value(_ids_bytes, _ids)),
    **dict.fromkeys((0x03, 0x04, 0x05), _Value(bytes, _any_bytes)),
    **dict.fromkeys((0x06, 0x07), _Value(bytes, _of_length(_HASH_BYTES))),
    0x08: _Value(bytes, _of_length(KEY_BYTES)),
}

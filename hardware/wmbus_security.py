"""Security modes 0, 5 and 7 of the transport layer, and the refusal of downgrades.

A telegram of a meter with a key is taken only when that key protects it. Mode 5 proves
no more than that the sender's data decrypt to 2F 2F; mode 7 must come with a MAC of at
least eight bytes, which is checked before anything is decrypted.
"""

from dataclasses import dataclass

from hardware.wmbus_address import MeterAddress
from hardware.wmbus_afl import Authentication
from hardware.wmbus_crypto import cmac, decrypted_cbc, derived_keys, is_equal
from hardware.wmbus_errors import (
    KeyMissing,
    KeyWrong,
    LengthWrong,
    MacWrong,
    NotEncrypted,
    Unsupported,
)
from hardware.wmbus_replay import MESSAGE, Counted
from hardware.wmbus_tpl import KDF_A, Content, TransportHeader, require_readable

CHECK = b"\x2f\x2f"
"""What decrypted application data begin with."""
MIN_MAC = 8
"""Bytes; shorter codes can be guessed by sending often enough."""


@dataclass(frozen=True, slots=True)
class Message:
    """A transport layer message whose security is to be opened.

    `sent` is the message from its CI to its end, what the MAC covers; `body` its
    application layer; `key` that of the meter or None.
    """

    meter: MeterAddress
    header: TransportHeader
    sent: bytes
    body: bytes
    authentication: Authentication | None
    key: bytes | None
    to_meter: bool = False

    @property
    def counter(self) -> bytes:
        """The message counter that keys are derived from; empty when there is none."""
        if self.header.counter:
            return self.header.counter
        return self.authentication.counter if self.authentication else b""


@dataclass(frozen=True, slots=True)
class Opened:
    """The application layer in plain.

    `is_protected`: the meter's key opened it; `keys` are the derived ones of mode 7
    (encryption, MAC); `counted` is the counter to be checked against replay.
    """

    data: bytes
    is_protected: bool = False
    keys: tuple[bytes, bytes] | None = None
    counted: Counted | None = None


def opened_message(message: Message, *, protected_below: bool) -> Opened:
    """The application layer of a message.

    `protected_below`: the extended link layer was opened with the meter's key. Raises
    KeyMissing, KeyWrong, LengthWrong, MacWrong, NotEncrypted, Unsupported.
    """
    header = message.header
    require_readable(header)
    if header.encrypted_bytes > len(message.body):
        raise LengthWrong("fewer bytes than the configuration field says are encrypted")
    if not header.encrypted_bytes:
        return _unencrypted(message, protected_below)
    if message.key is None:
        return Opened(_taken_plain(message))
    if header.mode == 7:
        return _opened_mode_7(message, message.key)
    return _opened_mode_5(message, message.key)


def _unencrypted(message: Message, protected_below: bool) -> Opened:
    says_nothing = message.header.content is Content.NOTHING
    if message.key is not None and not protected_below and not says_nothing:
        raise NotEncrypted("not encrypted although the meter has a key")
    return Opened(message.body)


def _taken_plain(message: Message) -> bytes:
    """Without a key, data are taken that are plain although announced as encrypted."""
    if not message.body.startswith(CHECK):
        raise KeyMissing(f"mode {message.header.mode}, no key is known")
    return message.body[len(CHECK) :]


def _opened_mode_5(message: Message, key: bytes) -> Opened:
    access = message.header.access_number or 0
    return Opened(
        _decrypted(message, key, message.meter.raw + bytes([access]) * 8), True
    )


def _opened_mode_7(message: Message, key: bytes) -> Opened:
    authentication = message.authentication
    if authentication is None or not authentication.mac:
        raise MacWrong("mode 7 without a message authentication code")
    if len(authentication.mac) < MIN_MAC:
        raise Unsupported("a message authentication code below eight bytes")
    if message.header.key_derivation != KDF_A or len(message.counter) != 4:
        raise Unsupported("mode 7 without derived keys")
    number = message.meter.raw[2:6]
    keys = derived_keys(key, message.counter, number, to_meter=message.to_meter)
    code = cmac(keys[1], authentication.authenticated + message.sent)
    if not is_equal(code[: len(authentication.mac)], authentication.mac):
        raise MacWrong("the message authentication code is wrong")
    counter = int.from_bytes(message.counter, "little")
    counted = Counted(MESSAGE, message.meter, counter)
    return Opened(_decrypted(message, keys[0], bytes(16)), True, keys, counted)


def _decrypted(message: Message, key: bytes, iv: bytes) -> bytes:
    """The encrypted blocks in plain, without their check bytes, and what follows."""
    end = message.header.encrypted_bytes
    plain = decrypted_cbc(key, iv, message.body[:end])
    if plain.startswith(CHECK):
        return plain[len(CHECK) :] + message.body[end:]
    if message.body.startswith(CHECK):
        raise NotEncrypted("the header announces encryption, the data are plain")
    raise KeyWrong("the decrypted data do not begin with 2F 2F")

"""AES-128 as the M-Bus uses it: CBC, counter mode, CMAC, and the key derivation KDF-A.

Source: EN 13757-7, OMS Vol. 2; the worked example of CEN/TR 17167 F.3 is a test.
"""

import hmac

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import CBC, CTR
from cryptography.hazmat.primitives.cmac import CMAC

BLOCK = 16
KEY_BYTES = 16
_FROM_METER = b"\x00", b"\x01"
_TO_METER = b"\x10", b"\x11"
_PADDING = b"\x07" * 7


def decrypted_cbc(key: bytes, iv: bytes, data: bytes) -> bytes:
    """Whole blocks decrypted, without any padding rule."""
    return Cipher(AES128(key), CBC(iv)).decryptor().update(data)


def encrypted_cbc(key: bytes, iv: bytes, data: bytes) -> bytes:
    """Whole blocks encrypted, without any padding rule."""
    return Cipher(AES128(key), CBC(iv)).encryptor().update(data)


def crypted_ctr(key: bytes, counter_block: bytes, data: bytes) -> bytes:
    """Data encrypted or decrypted; the block counts up as one big-endian number."""
    return Cipher(AES128(key), CTR(counter_block)).encryptor().update(data)


def cmac(key: bytes, data: bytes) -> bytes:
    """AES-CMAC (RFC 4493), sixteen bytes."""
    mac = CMAC(AES128(key))
    mac.update(data)
    return mac.finalize()


def is_equal(one: bytes, other: bytes) -> bool:
    """Whether two codes are equal; takes as long when they are not."""
    return hmac.compare_digest(one, other)


def derived_keys(
    master: bytes, counter: bytes, number: bytes, *, to_meter: bool = False
) -> tuple[bytes, bytes]:
    """The keys for encryption and for the MAC of one message (KDF-A).

    `counter` and `number` (of the meter) are the four bytes each as transmitted.
    """
    purposes = _TO_METER if to_meter else _FROM_METER
    encryption, mac = (
        cmac(master, purpose + counter + number + _PADDING) for purpose in purposes
    )
    return encryption, mac

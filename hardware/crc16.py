"""The two CRC-16 of the meter side; both have the polynomial 0x8408, reflected.

The library's `crc_hqx` computes the same polynomial with the bits the other way round,
so bytes and result are turned.
"""

import binascii

_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def x25(data: bytes) -> int:
    """CRC-16/X-25: start and final XOR 0xFFFF; b'123456789' -> 0x906E."""
    crc = binascii.crc_hqx(data.translate(_REVERSED), 0xFFFF)
    return (_REVERSED[crc & 0xFF] << 8 | _REVERSED[crc >> 8]) ^ 0xFFFF


def kermit(data: bytes) -> int:
    """CRC-16/KERMIT: start 0, no final XOR; b'123456789' -> 0x2189."""
    crc = binascii.crc_hqx(data.translate(_REVERSED), 0)
    return _REVERSED[crc & 0xFF] << 8 | _REVERSED[crc >> 8]

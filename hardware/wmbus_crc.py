"""CRC-16/EN-13757: link layer, extended link layer and compact frames."""

from functools import lru_cache

_POLYNOMIAL = 0x3D65


def _shifted(byte: int) -> int:
    crc = byte << 8
    for _ in range(8):
        crc = crc << 1 ^ _POLYNOMIAL if crc & 0x8000 else crc << 1
    return crc & 0xFFFF


_TABLE = tuple(_shifted(byte) for byte in range(256))


def crc16(data: bytes) -> int:
    """Polynomial 3D65, start 0, final XOR FFFF; b'123456789' -> 0xC2B7."""
    crc = 0
    table = _TABLE
    for byte in data:
        crc = (crc << 8 & 0xFF00) ^ table[crc >> 8 ^ byte]
    return crc ^ 0xFFFF


format_signature = lru_cache(maxsize=256)(crc16)
"""The signature of a format: the CRC over the DIBs and VIBs of a full frame, in order.

The same few formats come again and again, so their signatures are kept.
"""

"""Whose telegram it is, told before anything is decrypted.

A gateway hears the meters of the whole neighbourhood; those that are none of its own
must cost next to nothing.
"""

from hardware.wmbus_address import MeterAddress
from hardware.wmbus_afl import AFL_CI, read_afl
from hardware.wmbus_ell import ELL_CIS, read_ell
from hardware.wmbus_errors import TelegramRefused
from hardware.wmbus_frame import HEAD
from hardware.wmbus_link import read_link
from hardware.wmbus_tpl import LONG_HEADERS

_NETWORK_CI, _NETWORK_BYTES = 0x81, 2
_CRC_BYTES = 2
_ADDRESS_BYTES = 8


def sender_of(telegram: bytes) -> MeterAddress:
    """The address of the link layer: the meter's or an adapter's.

    Raises LengthWrong.
    """
    return read_link(telegram).address


def meter_behind(telegram: bytes) -> MeterAddress | None:
    """The meter behind an adapter, as a long transport header names it.

    None without one, or where it cannot be seen without a key.
    """
    try:
        rest = _transport(telegram[HEAD:])
    except TelegramRefused:
        return None
    if not rest or rest[0] not in LONG_HEADERS or len(rest) <= _ADDRESS_BYTES:
        return None
    return MeterAddress.from_long_header(rest[1 : 1 + _ADDRESS_BYTES])


def _transport(data: bytes) -> bytes:
    """From the transport layer on; empty where it is encrypted."""
    if data and data[0] in ELL_CIS:
        layer, data = read_ell(data)
        if layer.is_encrypted:
            return b""
        if layer.session is not None:
            data = data[_CRC_BYTES:]
    if data[:1] == bytes([_NETWORK_CI]):
        data = data[_NETWORK_BYTES:]
    if data[:1] == bytes([AFL_CI]):
        _, data = read_afl(data)
    return data

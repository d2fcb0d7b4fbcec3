"""Device ids and server ids (DIN 43849, formerly DIN 43863-5).

A device id has 14 characters: division, three letters of the maker, two hex digits
of the block, eight decimal digits. On the wire it is the ten-byte server id
`0A division 'EMH' block number(4)`. We keep device ids in lower case.
"""

import re

_DEVICE_ID = re.compile(r"([0-9a-f])([a-z]{3})([0-9a-f]{2})([0-9]{8})")
_MBUS_ID = re.compile(r"[0-9a-f]{16}")

DIVISIONS = {
    0x1: "electricity",
    0x4: "heat cost allocator",
    0x5: "cooling",
    0x6: "heat",
    0x7: "gas",
    0x8: "cold water",
    0x9: "hot water",
    0xE: "communication",
}


def device_id_of(server_id: bytes) -> str | None:
    """Return the 14-character id, lower case, or None where none can be made.

    `0a01454d480000a1bd34` -> `1emh0010599732`. Types 0A and the older 09 convert;
    letters outside A-Z or a number above 99,999,999 do not.
    """
    if len(server_id) != 10 or server_id[0] not in (0x09, 0x0A) or server_id[1] > 15:
        return None
    maker = server_id[2:5]
    number = int.from_bytes(server_id[6:], "big")
    if not (maker.isalpha() and maker.isascii() and maker.isupper()):
        return None
    if number > 99_999_999:
        return None
    return f"{server_id[1]:x}{maker.decode().lower()}{server_id[5]:02x}{number:08d}"


def server_id_of(device_id: str) -> bytes:
    """Return the ten bytes on the wire; raises ValueError for another form."""
    match = _DEVICE_ID.fullmatch(_lowered(device_id))
    if match is None:
        raise ValueError(f"not a 14-character device id: {device_id!r}")
    division, maker, block, number = match.groups()
    return (
        bytes([0x0A, int(division, 16)])
        + maker.upper().encode()
        + bytes([int(block, 16)])
        + int(number).to_bytes(4, "big")
    )


def canonical_meter_id(text: str) -> str:
    """Return the stored form of a meter id (decisions D9).

    Accepts 14 characters in any case, the 20-digit hex form of a server id, and the
    16 hex digits of an M-Bus meter. Raises ValueError for anything else.
    """
    lowered = _lowered(text.strip())
    if _DEVICE_ID.fullmatch(lowered) or _MBUS_ID.fullmatch(lowered):
        return lowered
    if re.fullmatch(r"[0-9a-f]{20}", lowered):
        converted = device_id_of(bytes.fromhex(lowered))
        if converted is not None:
            return converted
    raise ValueError(f"not a meter id: {text!r}")


def is_huid(text: str) -> bool:
    """Whether this is the id of a gateway: division E, any case."""
    lowered = _lowered(text)
    return bool(_DEVICE_ID.fullmatch(lowered)) and lowered[0] == "e"


def _lowered(text: str) -> str:
    """In lower case; what is not ASCII stays: the Kelvin sign would become a k."""
    return text.lower() if text.isascii() else text

"""The sending side: telegrams as meters send them, for emulators and tests.

Each function returns a telegram without CRCs, L field first; `wmbus_frame` adds the
CRCs. The application layer is what DIB VIB data records joined give; fillers and check
bytes are put in here.
"""

from datetime import datetime

from hardware.wmbus_address import MeterAddress
from hardware.wmbus_crc import crc16, format_signature
from hardware.wmbus_crypto import BLOCK, cmac, crypted_ctr, derived_keys, encrypted_cbc
from hardware.wmbus_ell import ExtendedLink, counter_block
from hardware.wmbus_header import header_end
from hardware.wmbus_link import SND_NR
from hardware.wmbus_records import read_records

_FILLER = b"\x2f"
_CHECK = _FILLER * 2
_MCL = 0x25
"""CMAC of eight bytes, message counter."""
_MAC_BYTES = 8
_MAX_BLOCKS = 15


def telegram(sender: MeterAddress, body: bytes, *, control: int = SND_NR) -> bytes:
    """Link layer and what it carries; raises ValueError when that is too long."""
    size = 9 + len(body)
    if size > 0xFF:
        raise ValueError(f"{len(body)} bytes do not fit into one telegram")
    return bytes([size, control]) + sender.raw + body


def unencrypted(
    sender: MeterAddress, records: bytes, *, access_number: int = 0, status: int = 0
) -> bytes:
    """Mode 0 with a short header."""
    return telegram(sender, _short(0x7A, access_number, status, 0) + records)


def mode_5(
    sender: MeterAddress,
    records: bytes,
    key: bytes,
    *,
    access_number: int,
    status: int = 0,
    ci: int = 0x7A,
) -> bytes:
    """AES-CBC with the meter's own key, short header; CI 7B carries a compact frame."""
    plain = _padded(records)
    iv = sender.raw + bytes([access_number]) * 8
    configuration = 0x0500 | len(plain) // BLOCK << 4
    header = _short(ci, access_number, status, configuration)
    return telegram(sender, header + encrypted_cbc(key, iv, plain))


def mode_7(
    sender: MeterAddress,
    records: bytes,
    master: bytes,
    *,
    counter: int,
    access_number: int = 0,
    status: int = 0,
    meter: MeterAddress | None = None,
    ci: int = 0x7A,
) -> bytes:
    """Derived keys and a MAC of eight bytes, as OMS security profile B sends.

    `meter` is the address in a long header when the sender is an adapter. With CI 7B
    the records are the data of a compact frame.
    """
    plain = _padded(records)
    configuration = 0x0700 | len(plain) // BLOCK << 4
    header = _short(ci, access_number, status, configuration)
    if meter is not None:
        header = b"\x72" + _long_address(meter) + header[1:]
    message_counter = counter.to_bytes(4, "little")
    number = (meter or sender).raw[2:6]
    encryption, mac = derived_keys(master, message_counter, number)
    message = header + b"\x10" + encrypted_cbc(encryption, bytes(BLOCK), plain)
    authenticated = bytes([_MCL]) + message_counter
    code = cmac(mac, authenticated + message)[:_MAC_BYTES]
    layer = b"\x90\x0f\x00\x2c" + authenticated + code
    return telegram(sender, bytes([0x8C, 0x20, access_number]) + layer + message)


def ell_ctr(
    sender: MeterAddress, message: bytes, key: bytes, *, session: int, access: int = 0
) -> bytes:
    """Extended link layer II with AES-CTR around a message (from its CI on).

    `session` holds time and period number, 29 bits.
    """
    number = (session | 1 << 29).to_bytes(4, "little")
    layer = ExtendedLink(0x8D, 0x20, access, None, number)
    plain = crc16(message).to_bytes(2, "little") + message
    head = bytes([layer.ci, layer.control, layer.access_number]) + number
    return telegram(
        sender, head + crypted_ctr(key, counter_block(layer, sender), plain)
    )


def compact_message(records: bytes) -> bytes:
    """The compact frame (CI 79) of what a full frame would carry."""
    found = read_records(records)
    data = b"".join(
        (b"" if record.lvar is None else bytes([record.lvar])) + record.raw
        for record in found.records
    )
    signature = format_signature(found.format).to_bytes(2, "little")
    return b"\x79" + signature + crc16(records).to_bytes(2, "little") + data


# --- records ------------------------------------------------------------------------


def integer_record(head: str, number: int) -> bytes:
    """A record of an integer; `head` is DIB and VIB in hex: ('0413', 123529)."""
    dib_vib = bytes.fromhex(head)
    if header_end(dib_vib, 0) != len(dib_vib):
        raise ValueError(f"{head} is not the head of one record")
    size = {1: 1, 2: 2, 3: 3, 4: 4, 6: 6, 7: 8}[dib_vib[0] & 15]
    return dib_vib + number.to_bytes(size, "little", signed=True)


def bcd_record(head: str, number: int) -> bytes:
    """A record of decimal digits: ('0C14', 2850427)."""
    dib_vib = bytes.fromhex(head)
    size = {9: 1, 10: 2, 11: 3, 12: 4, 14: 6}[dib_vib[0] & 15]
    return dib_vib + bytes.fromhex(f"{number:0{2 * size}d}")[::-1]


def date_time_record(at: datetime, *, storage: int = 0, summer: bool = False) -> bytes:
    """The meter's time to the minute, type F; `storage` is 0 or 1."""
    year = at.year - 2000
    return bytes(
        [
            0x04 | storage << 6,
            0x6D,
            at.minute,
            at.hour | summer << 7,
            at.day | (year & 7) << 5,
            at.month | year >> 3 << 4,
        ]
    )


def _short(ci: int, access_number: int, status: int, configuration: int) -> bytes:
    head = bytes([ci, access_number, status])
    return head + configuration.to_bytes(2, "little")


def _long_address(meter: MeterAddress) -> bytes:
    return meter.raw[2:6] + meter.raw[:2] + meter.raw[6:]


def _padded(records: bytes) -> bytes:
    """Check bytes, records, fillers up to whole blocks; at most 15 blocks."""
    plain = _CHECK + records
    plain += _FILLER * (-len(plain) % BLOCK)
    if len(plain) > _MAX_BLOCKS * BLOCK:
        raise ValueError(
            f"{len(records)} bytes of records are too many for one telegram"
        )
    return plain

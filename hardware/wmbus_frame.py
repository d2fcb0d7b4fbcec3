"""Frame formats A and B of the radio link (EN 13757-4), and the form without CRCs.

All layers above work on the normalised telegram: no CRCs, and the first byte (the
L field) is the number of bytes behind it. CRCs are sent high byte first.

    A  L..T (10) CRC | up to 16 bytes CRC | ...           L does not count CRCs
    B  L..T and up to 116 bytes CRC | up to 126 bytes CRC   L counts CRCs
"""

from collections.abc import Iterator

from hardware.wmbus_crc import crc16
from hardware.wmbus_errors import CrcWrong, LengthWrong

HEAD = 10
"""L, C, M, A: the smallest telegram."""
_BLOCK_A = 16
_FIRST_B, _SECOND_B = 126, 126
_CRC = 2


def normalised_a(frame: bytes) -> bytes:
    """The telegram in a frame of format A; raises LengthWrong and CrcWrong."""
    size = frame[0] + 1 if frame else 0
    if size < HEAD or len(frame) != length_a(size):
        raise LengthWrong(f"{len(frame)} bytes are no frame of format A")
    return b"".join(_checked(frame, _blocks_a(size)))


def normalised_b(frame: bytes) -> bytes:
    """The telegram in a frame of format B; raises LengthWrong and CrcWrong."""
    if not frame or len(frame) != frame[0] + 1 or len(frame) < HEAD + _CRC:
        raise LengthWrong(f"{len(frame)} bytes are no frame of format B")
    blocks = list(_blocks_b(len(frame)))
    if blocks[-1] < 1:
        raise LengthWrong("the last block holds nothing but its CRC")
    telegram = b"".join(_checked(frame, blocks))
    return bytes([len(telegram) - 1]) + telegram[1:]


def frame_a(telegram: bytes) -> bytes:
    """What goes over the air in format A; raises LengthWrong."""
    return b"".join(_with_crcs(checked(telegram), _blocks_a(len(telegram))))


def frame_b(telegram: bytes) -> bytes:
    """What goes over the air in format B; raises LengthWrong when it does not fit."""
    checked(telegram)
    crcs = 1 if len(telegram) <= _FIRST_B else 2
    size = len(telegram) + crcs * _CRC
    if size > 256:
        raise LengthWrong(f"{len(telegram)} bytes do not fit into format B")
    counted = bytes([size - 1]) + telegram[1:]
    return b"".join(_with_crcs(counted, _blocks_b(size)))


def checked(telegram: bytes) -> bytes:
    """The telegram itself when its L field is right; raises LengthWrong."""
    if len(telegram) < HEAD or len(telegram) != telegram[0] + 1:
        said = telegram[0] + 1 if telegram else HEAD
        raise LengthWrong(f"{said} bytes announced, {len(telegram)} there")
    return telegram


def ends_with_crc(telegram: bytes) -> bool:
    """Whether the CRC of the last block in format A was left in the telegram.

    Some receivers cut it off in all blocks but the last and count it in the L field.
    """
    end = len(telegram) - _CRC
    blocks = list(_blocks_a(end))
    last = telegram[end - blocks[-1] : end]
    return crc16(last) == int.from_bytes(telegram[end:], "big")


def length_a(size: int) -> int:
    """Bytes on the air for a telegram of `size` bytes in format A."""
    return size + _CRC * (1 + -(-(size - HEAD) // _BLOCK_A))


def _blocks_a(size: int) -> Iterator[int]:
    """Data bytes of each block."""
    yield HEAD
    for start in range(HEAD, size, _BLOCK_A):
        yield min(_BLOCK_A, size - start)


def _blocks_b(size: int) -> Iterator[int]:
    """Data bytes of each block; `size` counts the CRCs."""
    yield min(_FIRST_B, size - _CRC)
    if size > _FIRST_B + _CRC:
        yield size - _FIRST_B - 2 * _CRC


def _checked(frame: bytes, blocks: Iterator[int] | list[int]) -> Iterator[bytes]:
    start = 0
    for number, size in enumerate(blocks, start=1):
        data, crc = frame[start : start + size], frame[start + size :][:_CRC]
        if crc16(data) != int.from_bytes(crc, "big"):
            raise CrcWrong(f"CRC of block {number} is wrong")
        yield data
        start += size + _CRC


def _with_crcs(data: bytes, blocks: Iterator[int]) -> Iterator[bytes]:
    start = 0
    for size in blocks:
        block = data[start : start + size]
        yield block + crc16(block).to_bytes(2, "big")
        start += size

"""CompressedData: zlib inside CMS (RFC 3274)."""

import zlib

from hardware import cms_names
from hardware.cms_error import CmsFault, CmsRefused
from hardware.der import (
    OCTET_STRING,
    SEQUENCE,
    DerInvalid,
    DerReader,
    context,
    encode,
    integer,
    octet_string,
    sequence,
)

LARGEST_CONTENT = 64 * 1024 * 1024
"""No message may grow beyond this when it is decompressed."""


def compress(content: bytes) -> bytes:
    """The DER of CompressedData that holds `content` as id-data."""
    packed = octet_string(zlib.compress(content, 9))
    return sequence(
        integer(0),
        sequence(cms_names.ZLIB),
        sequence(cms_names.DATA, encode(context(0), packed)),
    )


def decompress(data: bytes, *, largest: int = LARGEST_CONTENT) -> bytes:
    """The content of a CompressedData, at most `largest` bytes.

    Raises CmsRefused: DECOMPRESS for what is not well-formed or cut off, MEMORY for
    what would grow beyond the limit.
    """
    try:
        packed = _packed(data)
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(packed, largest)
    except (DerInvalid, zlib.error) as error:
        raise CmsRefused(CmsFault.DECOMPRESS, f"compressed data: {error}") from None
    if unpacker.unconsumed_tail:
        raise CmsRefused(CmsFault.MEMORY, f"grows beyond {largest} bytes")
    if not unpacker.eof or unpacker.unused_data:
        raise CmsRefused(CmsFault.DECOMPRESS, "compressed data: cut off, or too long")
    return content


def _packed(data: bytes) -> bytes:
    outer = DerReader(data)
    body = outer.inside(SEQUENCE)
    outer.end()
    body.expect(integer(0), "version")
    body.expect(sequence(cms_names.ZLIB), "compression algorithm")
    info = body.inside(SEQUENCE)
    body.end()
    info.expect(cms_names.DATA, "content type")
    wrapped = info.inside(context(0))
    info.end()
    packed = wrapped.content(OCTET_STRING)
    wrapped.end()
    return packed

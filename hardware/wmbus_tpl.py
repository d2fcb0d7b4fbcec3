"""Transport layer: CI, short or long header, configuration field (EN 13757-7)."""

from dataclasses import dataclass
from enum import Enum

from hardware.wmbus_address import MeterAddress
from hardware.wmbus_errors import LengthWrong, Unsupported


class Content(Enum):
    """What stands behind the transport header."""

    RECORDS = "records"
    COMPACT = "compact frame"
    FORMAT = "format frame"
    NOTHING = "nothing"
    OTHER = "what is not read here"


class Header(Enum):
    """Which transport header there is; the value is its length in bytes."""

    NONE = 0
    SHORT = 4
    LONG = 12


_CIS = {
    0x72: (Header.LONG, Content.RECORDS),
    0x7A: (Header.SHORT, Content.RECORDS),
    0x78: (Header.NONE, Content.RECORDS),
    0x73: (Header.LONG, Content.COMPACT),
    0x7B: (Header.SHORT, Content.COMPACT),
    0x79: (Header.NONE, Content.COMPACT),
    0x6B: (Header.LONG, Content.FORMAT),
    0x6A: (Header.SHORT, Content.FORMAT),
    0x69: (Header.NONE, Content.FORMAT),
    0x8B: (Header.LONG, Content.NOTHING),
    0x8A: (Header.SHORT, Content.NOTHING),
    **dict.fromkeys(
        (0x5B, 0x5F, 0x6F, 0x75, 0x7C, 0x80, 0x9F, 0xC3, 0xC5),
        (Header.LONG, Content.OTHER),
    ),
    **dict.fromkeys(
        (0x5A, 0x6E, 0x74, 0x7D, 0x9E, 0xC4),
        (Header.SHORT, Content.OTHER),
    ),
}
"""CI -> its header and what stands behind it (lmn-wireless.md 4)."""
LONG_HEADERS = frozenset(ci for ci, (kind, _) in _CIS.items() if kind is Header.LONG)
"""CIs of messages that name the meter themselves."""
_TLS = frozenset({0x5F, 0x9E, 0x9F})
_TLS_MODE = 13
_MANUFACTURER = range(0xA0, 0xB8)

_UNENCRYPTED, _CBC_STATIC, _CBC_DERIVED = 0, 5, 7
MODES = frozenset({_UNENCRYPTED, _CBC_STATIC, _CBC_DERIVED})
"""Security modes that are decoded."""
KDF_A = 1


@dataclass(frozen=True, slots=True)
class TransportHeader:
    """The transport layer of a telegram.

    `address` is the meter's own, where a long header gives it; without a header,
    access number, status and configuration are None. `counter` is the message counter
    of mode 7 where the header holds it, four bytes as transmitted, else empty.
    """

    ci: int
    content: Content
    address: MeterAddress | None = None
    access_number: int | None = None
    status: int | None = None
    configuration: int | None = None
    key_derivation: int | None = None
    counter: bytes = b""

    @property
    def mode(self) -> int:
        """The security mode, 0 without a header."""
        return (self.configuration or 0) >> 8 & 0x1F

    @property
    def encrypted_bytes(self) -> int:
        """How many bytes from the start of the application layer are encrypted."""
        if self.mode not in (_CBC_STATIC, _CBC_DERIVED):
            return 0
        return ((self.configuration or 0) >> 4 & 0x0F) * 16


def read_tpl(data: bytes) -> tuple[TransportHeader, bytes]:
    """The layer at the start of `data` (with its CI) and the application layer.

    What is not read here has a header only where it has room for one. Raises
    LengthWrong, and Unsupported for other CIs; see `require_readable`.
    """
    ci = data[0]
    if ci not in _CIS:
        raise Unsupported(_why_not(ci))
    kind, content = _CIS[ci]
    end = 1 + kind.value
    if len(data) < end:
        if content is Content.OTHER:
            raise Unsupported(_why_not(ci))
        raise LengthWrong("the transport header ends early")
    if kind is Header.NONE:
        return TransportHeader(ci, content), data[1:]
    address = MeterAddress.from_long_header(data[1:9]) if kind is Header.LONG else None
    configuration = int.from_bytes(data[end - 2 : end], "little")
    header = TransportHeader(
        ci, content, address, data[end - 4], data[end - 3], configuration
    )
    if header.mode == _CBC_DERIVED and content is not Content.OTHER:
        return _with_extension(header, data[end:])
    return header, data[end:]


def _with_extension(
    header: TransportHeader, data: bytes
) -> tuple[TransportHeader, bytes]:
    """Mode 7: a third byte of configuration, then counter and key version if any."""
    if not data:
        raise LengthWrong("the transport header ends early")
    extension = data[0]
    has_counter = (header.configuration or 0) >> 13 & 1
    end = 1 + 4 * has_counter + (extension >> 6 & 1)
    if len(data) < end:
        raise LengthWrong("the transport header ends early")
    extended = TransportHeader(
        header.ci,
        header.content,
        header.address,
        header.access_number,
        header.status,
        header.configuration,
        key_derivation=extension >> 4 & 3,
        counter=data[1 : 1 + 4 * has_counter],
    )
    return extended, data[end:]


def _why_not(ci: int) -> str:
    if ci in _MANUFACTURER:
        return f"CI {ci:02X} is the manufacturer's own protocol"
    if ci in _TLS:
        return "meters with TLS are not supported by this radio adapter"
    return f"CI {ci:02X} is not supported"


def require_readable(header: TransportHeader) -> None:
    """Raise Unsupported for what cannot hold records, or has another security mode."""
    if header.content is Content.OTHER:
        raise Unsupported(_why_not(header.ci))
    if header.mode == _TLS_MODE:
        raise Unsupported("meters with TLS are not supported by this radio adapter")
    if header.mode not in MODES:
        raise Unsupported(f"security mode {header.mode}")

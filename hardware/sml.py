"""SML 1.04 (Smart Message Language): elements, messages and files as bytes.

An element is a Python value: None (left out), bytes (octet string), bool, SmlInteger,
or a tuple of elements (list). A file is a row of messages; what goes around it on a
line is in `sml_transport`, what the messages mean in `sml_messages` (lmn-wired.md 7).
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias, Union

from hardware.crc16 import kermit, x25
from hardware.errors import FrameUndecodable

Checksum = Literal["x25", "kermit"]
SmlElement: TypeAlias = Union[bytes, bool, "SmlInteger", tuple["SmlElement", ...], None]

MAX_DEPTH = 64
"""Lists inside lists; deeper ones are refused."""
_MAX_TL_BYTES = 8
_MAX_INTEGER_WIDTH = 8


class SmlInteger(NamedTuple):
    """A number with its width on the wire in bytes (1..8); may be shorter than u64."""

    value: int
    width: int
    signed: bool = False


def u8(value: int) -> SmlInteger:
    """An Unsigned8."""
    return SmlInteger(value, 1)


def u16(value: int) -> SmlInteger:
    """An Unsigned16."""
    return SmlInteger(value, 2)


def u32(value: int) -> SmlInteger:
    """An Unsigned32."""
    return SmlInteger(value, 4)


def u64(value: int) -> SmlInteger:
    """An Unsigned64."""
    return SmlInteger(value, 8)


def i8(value: int) -> SmlInteger:
    """An Integer8."""
    return SmlInteger(value, 1, True)


def i64(value: int) -> SmlInteger:
    """An Integer64."""
    return SmlInteger(value, 8, True)


class SmlMessage(NamedTuple):
    """One message; `tag` is the kind of `body`, `checksum` the CRC that was right."""

    transaction_id: bytes
    group_no: int
    abort_on_error: int
    tag: int
    body: SmlElement
    checksum: Checksum = "x25"


def checksum_value(data: bytes, checksum: Checksum) -> int:
    """The check number as it is sent, high byte first.

    X-25 goes low byte first, Kermit (some Holley meters) high byte first.
    """
    if checksum == "kermit":
        return kermit(data)
    crc = x25(data)
    return (crc & 0xFF) << 8 | crc >> 8


def matching_checksum(data: bytes, sent: int) -> Checksum | None:
    """Which of the two check numbers was sent, None when it is neither."""
    crc = x25(data)
    if sent == (crc & 0xFF) << 8 | crc >> 8:
        return "x25"
    return "kermit" if kermit(data) == sent else None


# --- encoding ---------------------------------------------------------------------


def encode_file(messages: Iterable[SmlMessage]) -> bytes:
    """Return the messages one after the other, without transport."""
    return b"".join(encode_message(message) for message in messages)


def encode_message(message: SmlMessage) -> bytes:
    """Return one message with its checksum; the tag is sent as four bytes."""
    head = (
        message.transaction_id,
        u8(message.group_no),
        u8(message.abort_on_error),
        (u32(message.tag), message.body),
    )
    content = b"\x76" + b"".join(encode_element(element) for element in head)
    crc = checksum_value(content, message.checksum)
    return content + b"\x63" + crc.to_bytes(2, "big") + b"\x00"


def encode_element(element: SmlElement) -> bytes:
    """Return the bytes of one element; raises ValueError when a number does not fit."""
    if element is None:
        return b"\x01"
    if isinstance(element, bytes):
        return _encode_octets(element)
    if isinstance(element, bool):
        return b"\x42\x01" if element else b"\x42\x00"
    if isinstance(element, SmlInteger):
        return _encode_integer(element)
    head = _type_and_length(0x7, len(element), counts_itself=False)
    return head + b"".join(encode_element(inner) for inner in element)


def _encode_octets(octets: bytes) -> bytes:
    return _type_and_length(0x0, len(octets), counts_itself=True) + octets


def _encode_integer(number: SmlInteger) -> bytes:
    value, width, signed = number
    if not 1 <= width <= _MAX_INTEGER_WIDTH:
        raise ValueError(f"no SML integer has {width} bytes")
    try:
        octets = value.to_bytes(width, "big", signed=signed)
    except OverflowError:
        raise ValueError(f"{value} does not fit into {width} bytes") from None
    return bytes([(0x50 if signed else 0x60) | width + 1]) + octets


def _type_and_length(kind: int, length: int, *, counts_itself: bool) -> bytes:
    """The TL field: four bits of length in each byte, the type in the first."""
    count = 1
    while (total := length + (count if counts_itself else 0)) >> 4 * count:
        count += 1
    nibbles = [total >> 4 * place & 0xF for place in reversed(range(count))]
    nibbles[0] |= kind << 4
    return bytes([n | 0x80 for n in nibbles[:-1]] + nibbles[-1:])


# --- decoding ---------------------------------------------------------------------

_BYTES = range(256)
_ONE_BYTE_KINDS: dict[int, tuple[SmlElement, ...]] = {
    0x62: tuple(SmlInteger(value, 1) for value in _BYTES),
    0x52: tuple(SmlInteger(value - (value >> 7 << 8), 1, True) for value in _BYTES),
    0x42: tuple(value != 0 for value in _BYTES),
}
_INTEGER_KINDS = {
    kind | width + 1: (kind == 0x50, width)
    for kind in (0x50, 0x60)
    for width in range(2, _MAX_INTEGER_WIDTH + 1)
}
_ONE_BYTE = tuple(_ONE_BYTE_KINDS.get(tl) for tl in _BYTES)
"""By TL byte: of the one-byte elements, what each byte behind it means; else None."""
_INTEGERS = tuple(_INTEGER_KINDS.get(tl) for tl in _BYTES)
"""By TL byte: of the longer numbers, whether they have a sign, and their width."""
_new_tuple = tuple.__new__
_from_bytes = int.from_bytes


def decode_file(data: bytes) -> tuple[SmlMessage, ...]:
    """Read all messages of a file without transport, each with its checksum.

    Zero bytes after a message are fill. Raises FrameUndecodable.
    """
    messages = []
    position, size = 0, len(data)
    while position < size:
        if data[position]:
            message, position = decode_message(data, position)
            messages.append(message)
        else:
            position += 1
    if not messages:
        raise FrameUndecodable("an SML file without messages")
    return tuple(messages)


def decode_message(data: bytes, start: int = 0) -> tuple[SmlMessage, int]:
    """Read the message at `start`; return it and where the next one begins.

    Raises FrameUndecodable.
    """
    if data[start : start + 1] != b"\x76":
        raise FrameUndecodable(f"no SML message at byte {start}")
    try:
        (*head, crc), behind = _read_elements(data, start + 1, 5)
        is_ended = data[behind] == 0
    except IndexError:
        raise FrameUndecodable("the SML message ends early") from None
    if type(crc) is not SmlInteger or not is_ended:
        raise FrameUndecodable("no checksum or no end of the SML message")
    checked = data[start : behind - 1 - crc.width]
    checksum = matching_checksum(checked, crc.value)
    if checksum is None:
        raise FrameUndecodable("checksum of the SML message wrong")
    return _message_of(head, checksum), behind + 1


def decode_element(data: bytes) -> SmlElement:
    """Read one element that fills `data`; raises FrameUndecodable."""
    try:
        (element,), end = _read_elements(data, 0, 1)
    except IndexError:
        raise FrameUndecodable("the SML element ends early") from None
    if end != len(data):
        raise FrameUndecodable("bytes behind the SML element")
    return element


def list_of(element: SmlElement, count: int | None = None) -> tuple[SmlElement, ...]:
    """The elements of a list (of `count` of them); raises FrameUndecodable."""
    if not isinstance(element, tuple) or isinstance(element, SmlInteger):
        raise FrameUndecodable("no SML list where one belongs")
    if count is not None and len(element) != count:
        raise FrameUndecodable(f"an SML list without its {count} elements")
    return element


def number_of(element: SmlElement) -> int:
    """The value of a number; raises FrameUndecodable."""
    if type(element) is not SmlInteger:
        raise FrameUndecodable("no SML number where one belongs")
    return element.value


def byte_of(element: SmlElement) -> int:
    """The value of a number of one byte; raises FrameUndecodable."""
    if type(element) is not SmlInteger or element.width != 1:
        raise FrameUndecodable("no SML number of one byte where one belongs")
    return element.value


def _message_of(head: list[SmlElement], checksum: Checksum) -> SmlMessage:
    transaction_id, group, abort, choice = head
    if type(transaction_id) is not bytes:
        raise FrameUndecodable("an SML message without transaction id")
    tag, body = list_of(choice, 2)
    numbers = number_of(group), number_of(abort), number_of(tag)
    return _new_tuple(SmlMessage, (transaction_id, *numbers, body, checksum))


def _read_elements(
    data: bytes, position: int, wanted: int
) -> tuple[list[SmlElement], int]:
    """Read `wanted` elements; return them and the position behind them.

    Raises FrameUndecodable, or IndexError where the data end in the middle. One flat
    loop with a stack of open lists, most frequent kinds first: it is the inner loop
    of the meter side (a telegram has about a hundred elements). An element that is
    cut off is found by the next look at a byte, or by the look at the end.
    """
    items: list[SmlElement] = []
    stack: list[tuple[list[SmlElement], int]] = []
    while True:
        while len(items) == wanted:
            if not stack:
                if position > len(data):
                    raise IndexError
                return items, position
            closed = tuple(items)
            items, wanted = stack.pop()
            items.append(closed)
        tl = data[position]
        if tl == 0x01:
            items.append(None)
            position += 1
        elif tl < 0x10 and tl:
            end = position + tl
            items.append(data[position + 1 : end])
            position = end
        elif tl & 0x70 == 0x70:
            if len(stack) == MAX_DEPTH:
                raise FrameUndecodable("SML lists nested too deep")
            stack.append((items, wanted))
            items = []
            if tl < 0x80:
                wanted, position = tl & 0xF, position + 1
            else:
                wanted, position = _long_length(data, position)
        elif (meanings := _ONE_BYTE[tl]) is not None:
            items.append(meanings[data[position + 1]])
            position += 2
        elif (form := _INTEGERS[tl]) is not None:
            signed, width = form
            end = position + 1 + width
            value = _from_bytes(data[position + 1 : end], "big", signed=signed)
            items.append(_new_tuple(SmlInteger, (value, width, signed)))
            position = end
        else:
            element, position = _read_long_octets(data, position)
            items.append(element)


def _read_long_octets(data: bytes, position: int) -> tuple[SmlElement, int]:
    """Read an octet string with a long TL field; anything else is no SML."""
    tl = data[position]
    if not 0x80 <= tl < 0x90:
        raise FrameUndecodable(f"no SML element begins with {tl:02x}")
    total, start = _long_length(data, position)
    end = position + total
    if end < start:
        raise FrameUndecodable("an SML length shorter than its own field")
    return data[start:end] or None, end


def _long_length(data: bytes, position: int) -> tuple[int, int]:
    """Read a TL field of several bytes; return its length and the position behind."""
    length = data[position] & 0xF
    for behind in range(position + 1, position + _MAX_TL_BYTES):
        byte = data[behind]
        if byte & 0x70:
            raise FrameUndecodable(f"no SML length goes on with {byte:02x}")
        length = length << 4 | byte & 0xF
        if byte < 0x80:
            return length, behind + 1
    raise FrameUndecodable("the SML length does not end")

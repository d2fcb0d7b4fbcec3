"""A small DER writer, and a reader that takes nothing but DER (ITU-T X.690).

Only what CMS messages need. The reader refuses indefinite lengths, lengths that are
not minimal, tags of more than one byte, and what is left over.
"""

from itertools import pairwise

INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x02, 0x03, 0x04, 0x05, 0x06
SEQUENCE, SET = 0x30, 0x31
_LONGEST_LENGTH = 4


class DerInvalid(ValueError):
    """The bytes are not the DER that was expected here; the text says what is wrong."""


def context(number: int, *, constructed: bool = True) -> int:
    """The tag byte of a context-specific field, `[number]`."""
    return (0xA0 if constructed else 0x80) | number


def encode(tag: int, *parts: bytes) -> bytes:
    """One element: tag, minimal length, the parts one after the other."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def sequence(*parts: bytes) -> bytes:
    """SEQUENCE of encoded elements, in this order."""
    return encode(SEQUENCE, *parts)


def set_of(*parts: bytes) -> bytes:
    """SET OF encoded elements, in the order that DER wants."""
    return encode(SET, *sorted(parts))


def octet_string(content: bytes) -> bytes:
    """OCTET STRING."""
    return encode(OCTET_STRING, content)


def bit_string(content: bytes) -> bytes:
    """BIT STRING of whole bytes."""
    return encode(BIT_STRING, b"\0", content)


def integer(value: int) -> bytes:
    """INTEGER, not negative."""
    return encode(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    """OBJECT IDENTIFIER from its dotted form."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    content = b"".join(_arc(arc) for arc in (first * 40 + second, *rest))
    return encode(OID, content)


def _arc(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(0x80 | value & 0x7F)
    return bytes(reversed(digits))


class DerReader:
    """Reads the elements of `data` one after the other; every refusal is DerInvalid."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def next_tag(self) -> int | None:
        """The tag of the next element; None at the end."""
        return self._data[self._at] if self._at < len(self._data) else None

    def whole(self, tag: int) -> bytes:
        """The next element with its head; it must have this tag."""
        begin = self._at
        self.content(tag)
        return self._data[begin : self._at]

    def content(self, tag: int) -> bytes:
        """What is inside the next element; it must have this tag."""
        found = self.next_tag()
        if found != tag:
            raise DerInvalid(f"tag {tag:02x} expected, found {_name(found)}")
        self._at += 1
        size = self._length()
        begin, self._at = self._at, self._at + size
        if self._at > len(self._data):
            raise DerInvalid("an element is longer than what holds it")
        return self._data[begin : self._at]

    def inside(self, tag: int) -> "DerReader":
        """A reader of what is inside the next element."""
        return DerReader(self.content(tag))

    def integer(self) -> int:
        """The next element, an INTEGER that is not negative."""
        content = self.content(INTEGER)
        if not content or content[0] & 0x80:
            raise DerInvalid("an INTEGER is empty or negative")
        if len(content) > 1 and content[0] == 0 and not content[1] & 0x80:
            raise DerInvalid("an INTEGER is not minimal")
        return int.from_bytes(content, "big")

    def expect(self, encoded: bytes, what: str) -> None:
        """The next element must be exactly this one."""
        if self.whole(encoded[0]) != encoded:
            raise DerInvalid(f"{what} is another one than expected")

    def end(self) -> None:
        """Nothing may be left."""
        if self._at != len(self._data):
            raise DerInvalid(f"{len(self._data) - self._at} bytes too many")

    def _length(self) -> int:
        first = self._byte()
        if first < 0x80:
            return first
        digits = first & 0x7F
        if not 1 <= digits <= _LONGEST_LENGTH:
            raise DerInvalid("indefinite or overlong length")
        size = 0
        for _ in range(digits):
            size = size << 8 | self._byte()
        if size < 0x80 or size.bit_length() <= 8 * (digits - 1):
            raise DerInvalid("a length is not minimal")
        return size

    def _byte(self) -> int:
        if self._at >= len(self._data):
            raise DerInvalid("an element is cut off")
        self._at += 1
        return self._data[self._at - 1]


def set_members(content: bytes) -> list[bytes]:
    """The elements inside a SET OF; they must stand in the order of DER."""
    reader, members = DerReader(content), []
    while (tag := reader.next_tag()) is not None:
        members.append(reader.whole(tag))
    if any(second <= first for first, second in pairwise(members)):
        raise DerInvalid("the members of a SET are not sorted, or not different")
    return members


def _name(tag: int | None) -> str:
    return "nothing" if tag is None else f"{tag:02x}"

"""Seven data bits with even parity (7E1), made in software over lines of eight bits.

On the wire both forms are the same ten bits, so a port that is opened with eight data
bits and without parity carries 7E1 as it is, the parity in bit 7. That works on every
adapter and on pseudo-terminals, which know eight bits only (their driver ignores the
setting), and it shows parity errors, which a port set to 7E1 hides.
"""

_EVEN = bytes(
    character & 0x7F | (character & 0x7F).bit_count() % 2 << 7
    for character in range(256)
)
_SEVEN = bytes(character & 0x7F for character in range(256))


def with_even_parity(text: bytes) -> bytes:
    """Characters as they go over the line; b'/?!' -> af 3f 21."""
    return text.translate(_EVEN)


def without_parity(data: bytes) -> bytes:
    """The seven bits of each character, whatever its parity."""
    return data.translate(_SEVEN)


def is_intact(data: bytes) -> bool:
    """Whether the parity of every character is right.

    Where no character has bit 7, somebody took the parity away before (a converter
    that is set to 7E1 itself, a meter that sends 8N1): then there is none to check.
    """
    return data.isascii() or data.translate(_EVEN) == data

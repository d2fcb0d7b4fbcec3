"""Addresses of M-Bus meters: maker, number, version, device type."""

from dataclasses import dataclass

DEVICE_TYPES = {
    0x00: "other",
    0x01: "oil",
    0x02: "electricity",
    0x03: "gas",
    0x04: "heat (outlet)",
    0x05: "steam",
    0x06: "warm water",
    0x07: "water",
    0x08: "heat cost allocator",
    0x09: "compressed air",
    0x0A: "cooling (outlet)",
    0x0B: "cooling (inlet)",
    0x0C: "heat (inlet)",
    0x0D: "heat and cooling",
    0x0E: "bus or system",
    0x0F: "unknown",
    0x14: "calorific value",
    0x15: "hot water",
    0x16: "cold water",
    0x17: "hot and cold water",
    0x18: "pressure",
    0x19: "A/D converter",
    0x1A: "smoke detector",
    0x1B: "room sensor",
    0x1C: "gas detector",
    0x20: "breaker (electricity)",
    0x21: "valve",
    0x25: "customer unit",
    0x28: "waste water",
    0x29: "garbage",
    0x31: "communication controller",
    0x32: "repeater, one way",
    0x33: "repeater, both ways",
    0x36: "radio converter, system side",
    0x37: "radio converter, meter side",
    0x38: "wired adapter",
}
"""Device type -> name (EN 13757-7)."""

_NOT_WORLDWIDE = 0x80
"""Bit 15 of the maker's code: the address is unique in radio range only."""


@dataclass(frozen=True, slots=True)
class MeterAddress:
    """The eight bytes of an address as the link layer sends them: M2 ID4 V T."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != 8:
            raise ValueError(f"an M-Bus address has eight bytes, not {len(self.raw)}")

    @classmethod
    def of(
        cls, manufacturer: str, number: str, version: int, device_type: int
    ) -> "MeterAddress":
        """An address from what is printed on the meter; raises ValueError."""
        return cls(
            manufacturer_code(manufacturer)
            + bytes.fromhex(number)[::-1]
            + bytes([version, device_type])
        )

    @classmethod
    def from_long_header(cls, data: bytes) -> "MeterAddress":
        """An address in the order of the transport header: ID4 M2 V T."""
        return cls(data[4:6] + data[:4] + data[6:])

    @property
    def manufacturer(self) -> str:
        """Three letters, e.g. 'ELS'; other signs where the code is not regular."""
        code = int.from_bytes(self.raw[:2], "little")
        return "".join(chr(64 + (code >> shift & 31)) for shift in (10, 5, 0))

    @property
    def number(self) -> str:
        """Eight digits; hex letters where the meter sends no decimal ones."""
        return self.raw[5:1:-1].hex().upper()

    @property
    def version(self) -> int:
        """The maker's version, 0..255."""
        return self.raw[6]

    @property
    def device_type(self) -> int:
        """The medium, see DEVICE_TYPES."""
        return self.raw[7]

    @property
    def type_key(self) -> bytes:
        """What all meters of one kind share: maker, version and device type."""
        return self._known_maker + self.raw[6:]

    @property
    def meter_id(self) -> str:
        """Sixteen hex digits, lower case: maker, number, version, medium (D9)."""
        return (self._known_maker + self.raw[2:]).hex()

    @property
    def server_id(self) -> bytes:
        """The nine bytes of the M-Bus form of a server id: 01 M2 ID4 V T."""
        return b"\x01" + self._known_maker + self.raw[2:]

    @property
    def _known_maker(self) -> bytes:
        return bytes([self.raw[0], self.raw[1] & ~_NOT_WORLDWIDE])


def manufacturer_code(letters: str) -> bytes:
    """The two bytes of a maker's three letters: 'ELS' -> 93 15; raises ValueError."""
    upper = letters.upper()
    if len(upper) != 3 or not (upper.isascii() and upper.isalpha()):
        raise ValueError(f"not three letters: {letters!r}")
    first, second, third = (ord(letter) - 64 for letter in upper)
    return (first << 10 | second << 5 | third).to_bytes(2, "little")


def address_of_meter_id(meter_id: str) -> MeterAddress:
    """The address of a stored M-Bus meter id, sixteen hex digits; raises ValueError."""
    return MeterAddress(bytes.fromhex(meter_id))

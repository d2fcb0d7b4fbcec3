"""The link layer of a normalised telegram: L C M2 A4 V T (EN 13757-4)."""

from dataclasses import dataclass

from hardware.wmbus_address import MeterAddress
from hardware.wmbus_frame import HEAD, checked

SND_NR = 0x44

C_NAMES = {
    0x44: "SND-NR",
    0x46: "SND-IR",
    0x47: "ACC-NR",
    0x48: "ACC-DMD",
    0x08: "RSP-UD",
    0x18: "RSP-UD",
    0x28: "RSP-UD",
    0x38: "RSP-UD",
    0x40: "SND-NKE",
    0x43: "SND-UD2",
    0x45: "SND-UD3",
    0x53: "SND-UD",
    0x73: "SND-UD",
    0x5A: "REQ-UD1",
    0x7A: "REQ-UD1",
    0x5B: "REQ-UD2",
    0x7B: "REQ-UD2",
}
"""C field -> what the telegram is for."""

_TO_METER = frozenset({0x40, 0x43, 0x45, 0x53, 0x73, 0x5A, 0x7A, 0x5B, 0x7B})


@dataclass(frozen=True, slots=True)
class LinkHeader:
    """Who sends, and what for; the sender may be an adapter, not the meter."""

    control: int
    address: MeterAddress

    @property
    def is_to_meter(self) -> bool:
        """Whether another station talks to a meter here."""
        return self.control in _TO_METER


def read_link(telegram: bytes) -> LinkHeader:
    """The link layer of a telegram without CRCs; raises LengthWrong."""
    data = checked(telegram)
    return LinkHeader(data[1], MeterAddress(data[2:HEAD]))

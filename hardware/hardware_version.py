"""The hardware version `NN NNN XXX` of the nameplate (manual ch. 2.2.2, R3)."""

import re
from dataclasses import dataclass

_FORM = re.compile(r"(\d{2}) ?(\d{3})(?: ?([0-9A-Z]{3}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class HardwareVersion:
    """`certified` are the first five digits, `suffix` the three that may change."""

    certified: str
    suffix: str = ""

    @classmethod
    def parse(cls, text: str) -> "HardwareVersion":
        """Read `10 301 01A`, with or without blanks or suffix; raises ValueError."""
        found = _FORM.fullmatch(text.strip().upper())
        if found is None:
            raise ValueError(f"{text!r} is no hardware version such as '11 302 01A'")
        return cls(found[1] + found[2], found[3] or "")

    def __str__(self) -> str:
        """As the nameplate shows it."""
        return f"{self.certified[:2]} {self.certified[2:]} {self.suffix}".rstrip()

    def is_same_hardware(self, other: "HardwareVersion") -> bool:
        """Whether nothing certified has changed (D7)."""
        return self.certified == other.certified

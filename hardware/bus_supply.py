"""The supply of the wired bus: 12 V, at most 290 mA (manual, ch. 2.6; R6).

The transceiver's hardware watches the current and shows an overload at an input,
for instance a GPIO line of the host that the kernel offers as a file.
"""

from pathlib import Path

from hardware.link import SupplyInput


def file_input(path: Path) -> SupplyInput:
    """An input that a file shows: "1" is overload, all else is none.

    A file that is missing or cannot be read tells of no overload: what is not wired
    up must not raise alarms.
    """

    def is_overloaded() -> bool:
        try:
            return path.read_bytes()[:16].strip() == b"1"
        except OSError:
            return False

    return is_overloaded

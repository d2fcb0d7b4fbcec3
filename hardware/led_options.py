"""What the light LMC shows beyond addresses: two options in a file (R18, R19).

`led_options.json` in the state folder, read anew by whoever shows the lights.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from hardware.private_files import replace

LED_OPTIONS_FILE = "led_options.json"
_LIMIT_BYTES = 1024


@dataclass(frozen=True, slots=True)
class LedOptions:
    """Whether LMC shows an overload of the bus supply, and a time that is invalid."""

    shows_overload: bool = True
    shows_invalid_time: bool = True


def load_led_options(state: Path) -> LedOptions:
    """The options of a gateway; both on without a file, or with one that is torn."""
    try:
        with (state / LED_OPTIONS_FILE).open("rb") as file:
            document = json.loads(file.read(_LIMIT_BYTES))
        shows = [document[name] for name in ("shows_overload", "shows_invalid_time")]
    except (OSError, ValueError, KeyError, TypeError):
        return LedOptions()
    return LedOptions(*(value is not False for value in shows))


def store_led_options(state: Path, options: LedOptions) -> None:
    """Write the options; raises OSError."""
    replace(state / LED_OPTIONS_FILE, json.dumps(asdict(options)).encode())

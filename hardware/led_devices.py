"""Real lights: LED class devices of the kernel, or the value file of a GPIO line.

`CASA_LEDS` maps names to folders: `pwr=/sys/class/leds/pwr,tls=/sys/class/leds/tls`.
A LED class device blinks by the kernel's triggers; a GPIO line (a folder with `value`)
is switched at each call.
"""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from hardware.leds import Leds, Light

NAMES = ("pwr", "tls", "lmc", "wmt")
BLINK_MS = 500
FLASH_MS = 80

_log = logging.getLogger(__name__)


def parse_mapping(text: str) -> dict[str, Path]:
    """Read the setting; raises ValueError with a sentence."""
    devices: dict[str, Path] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, separator, path = (each.strip() for each in part.partition("="))
        if name not in NAMES or not separator or not Path(path).is_absolute():
            raise ValueError(f"{part!r} is not one of {', '.join(NAMES)} = a folder")
        if name in devices:
            raise ValueError(f"{name} is named twice")
        devices[name] = Path(path)
    return devices


class LedDevices:
    """Shows lights on the devices they are mapped to; what is not there is left out."""

    def __init__(self, devices: Mapping[str, Path]) -> None:
        self._devices = dict(devices)
        self._shown: dict[str, Light] = {}
        self._lost: set[str] = set()

    def show(self, leds: Leds, *, tick: int) -> None:
        """Show them; `tick` counts the calls, two a second (lines without trigger)."""
        for name, light in asdict(leds).items():
            if folder := self._devices.get(name):
                self._show_one(name, folder, Light(light), tick)

    def _show_one(self, name: str, folder: Path, light: Light, tick: int) -> None:
        try:
            if (folder / "trigger").exists():
                if light is Light.FLASH or self._shown.get(name) is not light:
                    _set_class_device(folder, light, self._shown.get(name))
            else:
                _set_line(folder, light, tick)
        except OSError as error:
            if name not in self._lost:
                _log.error("the light %s cannot be set: %s", name, error)
            self._lost.add(name)
            self._shown.pop(name, None)
        else:
            self._lost.discard(name)
            self._shown[name] = light


def _set_class_device(folder: Path, light: Light, before: Light | None) -> None:
    if light is Light.BLINK:
        _write(folder / "trigger", "timer")
        _write(folder / "delay_on", str(BLINK_MS))
        _write(folder / "delay_off", str(BLINK_MS))
    elif light is Light.HEARTBEAT:
        _write(folder / "trigger", "heartbeat")
    elif light is Light.FLASH:
        if before is not Light.FLASH:
            _write(folder / "trigger", "oneshot")
            _write(folder / "delay_on", str(FLASH_MS))
        _write(folder / "shot", "1")
    else:
        _write(folder / "trigger", "none")
        _write(folder / "brightness", _brightness(folder) if light is Light.ON else "0")


def _set_line(folder: Path, light: Light, tick: int) -> None:
    """A heartbeat on a plain line: one short beat in four."""
    is_on = {
        Light.ON: True,
        Light.OFF: False,
        Light.BLINK: tick % 2 == 0,
        Light.HEARTBEAT: tick % 4 == 0,
        Light.FLASH: True,
    }[light]
    _write(folder / "value", "1" if is_on else "0")


def _brightness(folder: Path) -> str:
    try:
        return (folder / "max_brightness").read_text().strip() or "1"
    except OSError:
        return "1"


def _write(path: Path, text: str) -> None:
    """Sysfs files are there or not; none is ever made."""
    with path.open("r+") as file:
        file.write(text)

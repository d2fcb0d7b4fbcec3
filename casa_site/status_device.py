"""The device in `./casa status`: its state, its lights, how long the storage lasts."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Report = dict[str, Any]


def of_device(state: Path) -> Report:
    """Mode with causes, the four lights, and the days until 10 % storage are left."""
    from django.conf import settings

    from casa_site.led_role import facts_of
    from hardware.clock import KeptClock
    from hardware.leds import leds
    from hardware.time_file import TIME_FILE, TimeFile
    from logbooks import storage

    clock = KeptClock(TimeFile(state / TIME_FILE), settings.CLOCK_OFFSET)
    facts = facts_of(
        state, time_is_valid=clock.is_valid, supply_input=settings.SUPPLY_INPUT
    )
    found = storage.measure(state, settings.STORAGE_QUOTA)
    return {
        "device": _state_of_device(),
        "leds": asdict(leds(facts)),
        "storage_days": storage.forecast(found, now=clock.now()),
    }


def _state_of_device() -> Report:
    from logbooks import device_state

    row = device_state.current()
    return {
        "mode": row.mode,
        "codes": row.codes,
        "since": _moment(row.since),
        "hardware": row.hardware,
        "values_for_billing": not device_state.setting_in(row).marks_values,
    }


def _moment(value: datetime | None) -> str | None:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if value else None


def _device_words(device: Report) -> str:
    words: str = device["mode"]
    if device["codes"]:
        words += (
            f" since {device['since']}, causes {', '.join(map(str, device['codes']))}"
        )
    if not device["values_for_billing"]:
        words += "; values are NOT for billing"
    return f"{words}; hardware {device['hardware'] or '-'}"


def _led_words(lights: dict[str, str]) -> str:
    names = {"pwr": "PWR", "tls": "TLS", "lmc": "LMC", "wmt": "wMT"}
    return ", ".join(f"{names[name]} {light}" for name, light in lights.items())


def _days_words(days: int | None) -> str:
    return "no growth known" if days is None else f"{days} days until 10 % are left"


WORDS: dict[str, Callable[[Any], str]] = {
    "device": _device_words,
    "leds": _led_words,
    "storage_days": _days_words,
}

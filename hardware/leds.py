"""The four lights of the device as a pure function of its state (manual ch. 2.3.2)."""

from dataclasses import dataclass
from enum import StrEnum

from hardware.device_state_file import Mode


class Light(StrEnum):
    """What a light does."""

    OFF = "off"
    ON = "on"
    BLINK = "blink"
    HEARTBEAT = "heartbeat"
    FLASH = "flash"


class Channel(StrEnum):
    """The channel to the gateway administrator."""

    DOWN = "down"
    CONNECTING = "connecting"
    QUALITY_SEAL = "quality_seal"
    """Up with the certificate of the maker (Gütesiegel)."""
    OPERATIONAL = "operational"
    """Up with a certificate for operation (Wirkzertifikat)."""


class Phase(StrEnum):
    """How far the start is."""

    INITIALISING = "initialising"
    STARTING = "starting"
    """Initialised; the services are being started, or one has ended."""
    READY = "ready"


@dataclass(frozen=True, slots=True)
class LedFacts:
    """What the lights depend on.

    `has_addresses`: a wired meter has an HDLC address. `is_overloaded` and
    `time_invalid` count only where the device is configured to show them (R18, R19).
    `telegram_came`: a wireless record came since the lights were shown last.
    """

    mode: Mode = Mode.NORMAL
    phase: Phase = Phase.READY
    channel: Channel = Channel.DOWN
    has_addresses: bool = False
    is_overloaded: bool = False
    time_invalid: bool = False
    telegram_came: bool = False


@dataclass(frozen=True, slots=True)
class Leds:
    """PWR (green), TLS (green), LMC (green), wMT (blue)."""

    pwr: Light
    tls: Light
    lmc: Light
    wmt: Light


def leds(facts: LedFacts) -> Leds:
    """What the four lights do (R10 to R19)."""
    if facts.mode is Mode.HARD:
        return Leds(Light.BLINK, Light.BLINK, Light.BLINK, Light.BLINK)
    return Leds(
        pwr=_power(facts),
        tls=_CHANNEL_LIGHTS[facts.channel],
        lmc=_meters(facts),
        wmt=Light.FLASH if facts.telegram_came else Light.OFF,
    )


_CHANNEL_LIGHTS = {
    Channel.DOWN: Light.OFF,
    Channel.CONNECTING: Light.BLINK,
    Channel.QUALITY_SEAL: Light.BLINK,
    Channel.OPERATIONAL: Light.ON,
}
_PHASE_LIGHTS = {
    Phase.INITIALISING: Light.OFF,
    Phase.STARTING: Light.BLINK,
    Phase.READY: Light.ON,
}


def _power(facts: LedFacts) -> Light:
    if facts.mode is Mode.SOFT and facts.phase is not Phase.INITIALISING:
        return Light.HEARTBEAT
    return _PHASE_LIGHTS[facts.phase]


def _meters(facts: LedFacts) -> Light:
    if facts.is_overloaded:
        return Light.HEARTBEAT
    if not facts.has_addresses:
        return Light.OFF
    return Light.BLINK if facts.time_invalid else Light.ON

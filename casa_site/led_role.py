"""The lights of the device: their facts, and the role that drives real ones."""

import itertools
import logging
import os
import threading
from pathlib import Path

from django.db import Error, connection
from django.db.models import Sum

from casa_site import readiness, state_lock
from hardware import device_state_file
from hardware.bus_supply import file_input
from hardware.gateway import Gateway
from hardware.led_devices import LedDevices
from hardware.led_options import load_led_options
from hardware.leds import Channel, LedFacts, Phase, leds
from hardware.sign_of_life import SignOfLife
from meters.assigned_addresses import assigned_addresses
from meters.models import RadioPort

ROLE = "leds"
CHANNEL_FILE = "gwa-channel"
"""In the run folder: a `hardware.leds.Channel`, written by who holds the channel."""

EVERY_S = 0.5

logger = logging.getLogger(__name__)


def show_channel(state: Path, channel: Channel) -> None:
    """Say how the channel to the GWA stands, for the light TLS (R14)."""
    path = readiness.run_folder(state) / CHANNEL_FILE
    unfinished = path.with_suffix(".new")
    unfinished.write_text(channel)
    unfinished.replace(path)


def facts_of(
    state: Path,
    *,
    time_is_valid: bool,
    supply_input: Path | None,
    telegram_came: bool = False,
) -> LedFacts:
    """What the lights depend on, from the files that the processes leave."""
    shown = load_led_options(state)
    watched = supply_input if shown.shows_overload else None
    return LedFacts(
        mode=device_state_file.read(state).mode,
        phase=_phase(state),
        channel=_channel(state),
        has_addresses=assigned_addresses(state) > 0,
        is_overloaded=watched is not None and file_input(watched)(),
        time_invalid=not time_is_valid and shown.shows_invalid_time,
        telegram_came=telegram_came,
    )


def telegrams_received() -> int:
    """How many wireless telegrams of our meters came so far."""
    return RadioPort.objects.aggregate(sum=Sum("received"))["sum"] or 0


class LedLoop:
    """Shows the lights twice a second."""

    def __init__(
        self, gateway: Gateway, devices: LedDevices, life: SignOfLife | None = None
    ) -> None:
        self._gateway = gateway
        self._life = life or SignOfLife(None)
        self._devices = devices
        self._received: int | None = None

    def run(self, ending: threading.Event) -> None:
        """Until it is told to end; the lights then stay as they are."""
        for tick in itertools.count():
            self.step(tick)
            self._life.show()
            if ending.wait(EVERY_S):
                return

    def step(self, tick: int) -> None:
        """Show them once; wMT flashes when telegrams came since the last time."""
        facts = facts_of(
            self._gateway.state,
            time_is_valid=self._gateway.clock.is_valid,
            supply_input=self._gateway.supply_input,
            telegram_came=self._telegram_came(),
        )
        self._devices.show(leds(facts), tick=tick)

    def _telegram_came(self) -> bool:
        try:
            received = telegrams_received()
        except Error as error:
            logger.warning("the telegrams could not be counted: %s", error)
            connection.close_if_unusable_or_obsolete()
            return False
        before, self._received = self._received, received
        return before is not None and received > before


def _phase(state: Path) -> Phase:
    """As the supervisor shows it; without one nothing runs yet."""
    supervisor = state_lock.supervisor_of(state)
    if supervisor is None or not (state / "run" / "services.json").exists():
        return Phase.INITIALISING
    is_ready = readiness.is_ready(state, "casa", os.getpgid(supervisor))
    return Phase.READY if is_ready else Phase.STARTING


def _channel(state: Path) -> Channel:
    try:
        return Channel((state / "run" / CHANNEL_FILE).read_text().strip())
    except (OSError, ValueError):
        return Channel.DOWN

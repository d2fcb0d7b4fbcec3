"""What the processes know of themselves, handed in to the technician's pages.

Who starts the listener fills it in; below the roof nobody knows of processes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hardware.leds import LedFacts
from portal.service_network import HanNetworkSetting


@dataclass(frozen=True, slots=True)
class ProcessFact:
    """A process of the gateway; `state` is a word of the supervisor."""

    name: str
    state: str
    starts: int

    @property
    def is_well(self) -> bool:
        """Whether it does its work, or has done it."""
        return self.state in ("ready", "done")


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """Each asked for when a page is shown.

    `queues`: messages that wait, by queue, None when the broker does not answer.
    `oldest_due`: the earliest work that is not done. `is_encrypted`: whether the
    database file is, None when that is not the gateway's business. `listening`:
    address by name of the listener.
    """

    led_facts: Callable[[], LedFacts]
    processes: Callable[[], Sequence[ProcessFact]]
    queues: Callable[[], Mapping[str, int | None]]
    oldest_due: Callable[[datetime], datetime | None]
    is_encrypted: Callable[[], bool | None]
    listening: Mapping[str, str]
    han_network: HanNetworkSetting
